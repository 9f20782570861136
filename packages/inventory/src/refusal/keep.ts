import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { refusalsPerSecondMax, type Explanation } from '@sentral/contracts/inventory/refusal';
import { isProblem, problem, type Problem } from '@sentral/contracts/problem';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Operation } from '../allocation/operation.js';
import type { Deps } from '../deps.js';
import { explain, type Explained } from './explain.js';
import { countRecent, insertRefusal } from './sql.js';

/** What the world refuses, and may grant another time; a mistake in the request explains itself. */
const explained: ReadonlySet<string> = new Set([
  'allocation-conflict',
  'capacity-exhausted',
  'class-not-offered',
  'amount-not-allowed',
  'dependency-blocked',
  'quota-exceeded',
  'policy-violation',
]);

// The same code tells that an allocation is not in a state to be replaced: then no node is named.
const isExplained = (refused: Problem): boolean =>
  explained.has(refused.code) || (refused.code === 'state-conflict' && refused.facts['nodeId'] !== undefined);

/** A statement that takes longer is given up, and the reason with it. */
const settings = { statement_timeout: '2s' };

/**
 * The refusal with its reasons, once the transaction that was refused is undone. That of a real request is kept, and named by
 * `refusalId`; one that was tried carries its reasons alone. Whatever goes wrong here, the refusal stays what it was.
 */
export async function reasoned(
  deps: Deps,
  caller: Caller,
  { operations, error }: { operations: readonly Operation[]; error: unknown },
): Promise<unknown> {
  if (!isProblem(error) || !isExplained(error)) return error;
  if (caller.dryRun !== true && toldEnough(deps, caller.principal.id)) return error;
  try {
    const found = await reasonsOf(deps, caller, operations);
    if (found === undefined) return error;
    const told = withFacts(error, { explanation: found.explanation });
    if (caller.dryRun === true) return told;
    const refusalId = await kept(deps, caller, { found, error });
    return refusalId === undefined ? told : withFacts(told, { refusalId });
  } catch (failure) {
    deps.telemetry.log('warn', 'a refusal could not be explained or kept', { code: error.code, error: failure });
    return error;
  }
}

/** When this process last began to tell principals their reasons, the latest last. */
const toldAt = new WeakMap<Deps['db']['app'], Map<string, number[]>>();
const principalsMax = 10_000;

/** What this process alone knows to be too many is not worth a question; what others told besides is counted in the database. */
function toldEnough({ db }: Deps, principalId: string): boolean {
  const told = toldAt.get(db.app) ?? new Map<string, number[]>();
  toldAt.set(db.app, told);
  const now = performance.now();
  const recent = (told.get(principalId) ?? []).filter((at) => now - at < 1_000);
  if (recent.length >= refusalsPerSecondMax) return true;
  if (told.size >= principalsMax) told.clear();
  told.set(principalId, [...recent, now]);
  return false;
}

const withFacts = (refused: Problem, facts: Record<string, unknown>): Problem =>
  problem(refused.code, { ...refused.facts, ...facts }, refused.detail);

/** Undefined where its principal has been told so many reasons in this second that the next is not worth the statements. */
const reasonsOf = (deps: Deps, caller: Caller, operations: readonly Operation[]): Promise<Explained | undefined> =>
  inTransaction(
    deps.db.app,
    async (tx) => {
      if (caller.dryRun !== true && (await countRecent(tx, caller.principal.id)) >= refusalsPerSecondMax)
        return undefined;
      return explain(tx, caller, operations);
    },
    { isolation: 'repeatable read', settings },
  );

async function kept(
  deps: Deps,
  caller: Caller,
  { found, error }: { found: { moves: Explained['moves']; explanation: Explanation }; error: Problem },
): Promise<string | undefined> {
  const blamed = found.moves[Number(error.facts['operationIndex'] ?? 0)] ?? found.moves[0];
  if (blamed === undefined) return undefined;
  const { tenantId, projectId, scopeId } = blamed.scope;
  const { explanation } = found;
  const row = { id: deps.newId(), tenantId, projectId, scopeId, caller, problem: error.toJSON(), explanation };
  const done = await inTransaction(deps.db.app, (tx) => insertRefusal(tx, row), { settings });
  return done ? encodeId('rfs', row.id) : undefined;
}
