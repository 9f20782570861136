import type { Caller } from '@sentral/contracts/contract';
import { isProblem, problem, type Problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { constraintName, faultCode, isCommitUnknown, isFatal, sqlState } from '@sentral/kernel/errors';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from '../deps.js';
import { applySet, writeOutcomes, type Applied } from './apply/apply.js';
import { refuseHeldSince } from './apply/held.js';
import { listRefusedKeys } from './apply/load.js';
import { holdMs, overtaken, startRun, type Run } from './run.js';
import { claimImport, endImport, findHead, postponeImport, type ImportRow } from './sql.js';
import { adoptTenants, type NamedTenant, type TenantSource } from './tenants.js';

const attemptsMax = 3;
/** An import that takes its worker down every time must not do so for ever. */
const triesMax = 10;
/** Before tenancy is asked again. */
const pauseMs = 2_000;
/**
 * One set is one transaction: it may take what a request may not. Its longest statement judges the constraints of all its rows: 19 s for
 * 100,000 nodes, and more than 60 s on a machine with six times as much to do as it could (2026-11-26).
 */
const settings = {
  statement_timeout: '10min',
  lock_timeout: '10s',
  idle_in_transaction_session_timeout: '60s',
  // A plan made once for lists of any length looks through a list of 100,000 ids for every row; made for this list, it hashes it.
  plan_cache_mode: 'force_custom_plan',
};

export interface ImportWorker {
  /** Looks for work now instead of at the next tick. */
  wake(): void;
  stop(): Promise<void>;
}

/** Applies imports one after the other until stopped; several processes may run it, each import has one worker. */
export function startImportWorker(
  deps: Deps,
  { pollMs = 500, tenancy }: { readonly pollMs?: number; readonly tenancy?: TenantSource } = {},
): ImportWorker {
  let stopped = false;
  let wake: () => void = () => undefined;
  const loop = async (): Promise<void> => {
    while (!stopped) {
      let worked = false;
      try {
        worked = await runNextImport(deps, tenancy);
      } catch (error) {
        deps.telemetry.log('error', 'An import could not be worked on', {
          error: error instanceof Error ? error.message : String(error),
        });
      }
      if (worked || stopped) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pollMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const running = loop();
  return {
    wake: () => wake(),
    stop: async () => {
      stopped = true;
      wake();
      await running;
    },
  };
}

/** Claims one import and works on it to its end; false when there is none to do. */
export async function runNextImport(deps: Deps, tenancy?: TenantSource): Promise<boolean> {
  const claim = await claimImport(deps.db.app, holdMs);
  if (claim === undefined) return false;
  const run = startRun(deps, claim);
  try {
    if (claim.tries > triesMax)
      await failImport(deps, claim, problem('internal', {}, 'It took its worker down again and again.'));
    else await workOn(deps, run, tenancy);
  } catch (error) {
    // Cancelled, or taken over by another: what this run has not committed is undone already.
    if (!isProblem(error, 'state-conflict')) throw error;
  } finally {
    run.stop();
  }
  return true;
}

async function workOn(deps: Deps, run: Run, tenancy: TenantSource | undefined): Promise<void> {
  const { claim } = run;
  const tenants = await tenantsOf(deps, run, tenancy);
  if (tenants === undefined) return;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await applyImport(deps, run, tenants);
    } catch (error) {
      // Committed or not is not known: the claim runs out, and the next worker finds either an end or everything still to do.
      if (isCommitUnknown(error)) return;
      if (isProblem(error, 'state-conflict')) throw error;
      if ((isRace(error) || isPassing(error)) && attempt < attemptsMax) continue;
      if (isPassing(error)) {
        deps.telemetry.log(
          'warn',
          'The database went away during an import; it is claimed again when the claim has run out',
          { import: claim.id },
        );
        return;
      }
      deps.telemetry.log('error', 'An import failed', {
        import: claim.id,
        error: error instanceof Error ? error.message : String(error),
        constraint: constraintName(error),
      });
      await failImport(deps, claim, error, tenants);
      deps.telemetry.count('import.failed');
      return;
    }
  }
}

/** The tenants of the file; undefined when tenancy does not answer, and then the import waits, with nothing of it applied. */
async function tenantsOf(
  deps: Deps,
  run: Run,
  tenancy: TenantSource | undefined,
): Promise<readonly NamedTenant[] | undefined> {
  const { claim } = run;
  try {
    return await adoptTenants(deps, tenancy, { claim, caller: importer(claim), adopted: () => run.progress(1) });
  } catch (error) {
    if (isProblem(error, 'state-conflict')) throw error;
    deps.telemetry.log('warn', 'An import waits for tenancy', {
      import: claim.id,
      error: error instanceof Error ? error.message : String(error),
    });
    const reason = problem(
      'dependency-unavailable',
      { dependency: 'tenancy' },
      'It waits for tenancy; nothing of it is applied.',
    );
    await postponeImport(deps.db.app, { id: claim.id, epoch: claim.epoch, pauseMs, problem: reason.toJSON() });
    return undefined;
  }
}

/** Somebody took or moved a thing between reading and writing; judged again, the set says what it collides with. */
function isRace(error: unknown): boolean {
  return (
    isProblem(error, 'operation-in-progress') ||
    ['23P01', '23505', '23503', '40001', '40P01'].includes(sqlState(error) ?? '')
  );
}

/** The database went away or had too much to do: nothing is wrong with the import, and nothing of it was committed. */
function isPassing(error: unknown): boolean {
  return (
    isFatal(error) ||
    isProblem(error, 'overloaded') ||
    isProblem(error, 'dependency-unavailable') ||
    faultCode(error) !== undefined
  );
}

/** Ends a transaction whose set may not be committed; what it says is kept. */
const undone = new Error('a set that is all or nothing has refused rows');

async function applyImport(deps: Deps, run: Run, tenants: readonly NamedTenant[]): Promise<void> {
  const { claim } = run;
  const applying: { done?: Applied } = {};
  const apply = async (tx: Tx): Promise<void> => {
    run.restart(tenants.length);
    const head = await findHead(tx, claim.id);
    applying.done = await applySet(tx, {
      importId: claim.id,
      source: claim.source,
      complete: head?.complete === true,
      whole: claim.atomic === 'set',
      caller: importer(claim),
      tenants,
      newId: deps.newId,
      progress: (rows) => run.progress(rows),
    });
    if (applying.done.stopped) throw undone;
    // Judged as a statement, with this transaction's own timeout: left to COMMIT, the rules of a large set outlast the pool's deadline
    // for it (20,000 nodes on a busy machine, 2026-11-26), whose outcome is unknown then, try after try.
    await tx.unsafe('set constraints all immediate');
    if (!claim.dryRun) await finish(tx, claim, applying.done);
  };
  try {
    await inTransaction(deps.db.app, apply, { settings, attempts: 1, rollback: claim.dryRun });
  } catch (error) {
    if (error !== undone) throw error;
  }
  const { done } = applying;
  if (done !== undefined && (claim.dryRun || done.stopped)) {
    const told = claim.dryRun ? withoutIds(done) : done;
    await inTransaction(deps.db.app, (tx) => finish(tx, claim, told), { settings });
  }
  deps.telemetry.count(done?.stopped === true ? 'import.failed' : 'import.succeeded');
}

async function finish(tx: Tx, claim: ImportRow, applied: Applied): Promise<void> {
  await writeOutcomes(tx, claim.id, applied);
  await refuseHeldSince(tx, applied.disturbed);
  const ours = await endImport(tx, {
    id: claim.id,
    epoch: claim.epoch,
    state: applied.stopped ? 'failed' : 'succeeded',
    problem: applied.stopped ? (await wholeRefused(tx, claim, applied)).toJSON() : null,
  });
  if (!ours) throw overtaken();
}

/** Counted with the rows that were refused while the file was read. */
async function wholeRefused(tx: Tx, claim: ImportRow, { outcomes }: Applied): Promise<Problem> {
  const refused = (await listRefusedKeys(tx, claim.id)).length;
  const made = outcomes.filter(({ outcome, tenant }) => outcome === 'created' && tenant === true).length;
  return problem(
    'validation-failed',
    { refused },
    `${refused} rows were refused and the set is all or nothing: nothing was changed.${made === 0 || claim.dryRun ? '' : ` ${made} empty tenants were made for it and stay.`}`,
  );
}

/** Ids that a dry run made exist nowhere. */
function withoutIds(applied: Applied): Applied {
  return {
    ...applied,
    outcomes: applied.outcomes.map((each) => (each.outcome === 'created' ? { ...each, id: undefined } : each)),
  };
}

async function failImport(
  deps: Deps,
  claim: ImportRow,
  error: unknown,
  tenants: readonly NamedTenant[] = [],
): Promise<void> {
  const why = isProblem(error) ? error : problem('internal', {}, 'The import failed.');
  const told = `${why.detail ?? why.title} Nothing of it was applied.${ofTenants(tenants, claim)}`;
  await inTransaction(deps.db.app, (tx) =>
    endImport(tx, {
      id: claim.id,
      epoch: claim.epoch,
      state: 'failed',
      problem: problem(why.code, why.facts, told).toJSON(),
    }),
  );
}

/** What is there although nothing was applied. */
function ofTenants(tenants: readonly NamedTenant[], { dryRun }: ImportRow): string {
  const made = tenants.filter((tenant) => tenant.problem === undefined && tenant.created).length;
  return made === 0 || dryRun ? '' : ` ${made} empty tenants were made for it and stay.`;
}

/** Who the feed says has done it: the principal that asked for the import. */
function importer(claim: ImportRow): Caller {
  const type = claim.principalId.startsWith('usr_')
    ? 'user'
    : claim.principalId.startsWith('sac_')
      ? 'service'
      : 'system';
  return { principal: { id: claim.principalId, type }, accessEpoch: 0, readScope: { all: true }, scopes: [] };
}
