import type { Caller } from '@sentral/contracts/contract';
import { isProblem, problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { constraintName, faultCode, isCommitUnknown, isFatal, sqlState } from '@sentral/kernel/errors';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from '../deps.js';
import { applySet, writeOutcomes, type Applied } from './apply/apply.js';
import { claimImport, endImport, findHead, noteProgress, type ImportRow } from './sql.js';

/** A worker that says nothing for so long has gone, and another begins again from what is staged. */
const holdMs = 30_000;
const attemptsMax = 3;
/** An import that takes its worker down every time must not do so for ever. */
const epochsMax = 10;
/** One set is one transaction: it may take what a request may not. */
const settings = { statement_timeout: '60s', lock_timeout: '10s', idle_in_transaction_session_timeout: '60s' };

export interface ImportWorker {
  /** Looks for work now instead of at the next tick. */
  wake(): void;
  stop(): Promise<void>;
}

/** Applies imports one after the other until stopped; several processes may run it, each import has one worker. */
export function startImportWorker(deps: Deps, { pollMs = 500 }: { readonly pollMs?: number } = {}): ImportWorker {
  let stopped = false;
  let wake: () => void = () => undefined;
  const loop = async (): Promise<void> => {
    while (!stopped) {
      let worked = false;
      try {
        worked = await runNextImport(deps);
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
export async function runNextImport(deps: Deps): Promise<boolean> {
  const claim = await claimImport(deps.db.app, holdMs);
  if (claim === undefined) return false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await applyImport(deps, claim);
      return true;
    } catch (error) {
      // Committed or not is not known: the claim runs out, and the next worker finds either an end or everything still to do.
      if (isCommitUnknown(error)) return true;
      if ((isRace(error) || isPassing(error)) && attempt < attemptsMax) continue;
      if (isPassing(error) && claim.epoch < epochsMax) {
        deps.telemetry.log(
          'warn',
          'The database went away during an import; it is claimed again when the claim has run out',
          { import: claim.id },
        );
        return true;
      }
      deps.telemetry.log('error', 'An import failed', {
        import: claim.id,
        error: error instanceof Error ? error.message : String(error),
        constraint: constraintName(error),
      });
      await failImport(deps, claim, error);
      deps.telemetry.count('import.failed');
      return true;
    }
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

/** The run was cancelled, or another worker has taken it over: nothing of it may be committed. */
const overtaken = (): Error => problem('state-conflict', { allowed: ['running'] }, 'The import is no longer ours.');

async function applyImport(deps: Deps, claim: ImportRow): Promise<void> {
  const caller = importer(claim);
  let rowsDone = 0;
  let saidAt = 0;
  let lost = false;
  const say = async (): Promise<void> => {
    if (!(await noteProgress(deps.db.app, { id: claim.id, epoch: claim.epoch, rowsDone, holdMs }))) lost = true;
  };
  // The reading and judging before the first row is written may take as long as the writing.
  const heartbeat = setInterval(() => void say().catch(() => undefined), holdMs / 3);
  const progress = async (rows: number): Promise<void> => {
    rowsDone += rows;
    deps.telemetry.count('import.rows', rows);
    if (lost) throw overtaken();
    if (Date.now() - saidAt < 200) return;
    saidAt = Date.now();
    await say();
  };
  try {
    let applied: Applied | undefined;
    await inTransaction(
      deps.db.app,
      async (tx) => {
        rowsDone = 0;
        const head = await findHead(tx, claim.id);
        applied = await applySet(tx, {
          importId: claim.id,
          source: claim.source,
          complete: head?.complete === true,
          whole: claim.atomic === 'set',
          caller,
          newId: deps.newId,
          progress,
        });
        if (!claim.dryRun) await finish(tx, claim, applied);
      },
      { settings, attempts: 1, rollback: claim.dryRun },
    );
    if (claim.dryRun && applied !== undefined) {
      const outcome = applied;
      await inTransaction(deps.db.app, (tx) => finish(tx, claim, withoutIds(outcome)), { settings });
    }
    deps.telemetry.count(applied?.stopped === true ? 'import.failed' : 'import.succeeded');
  } catch (error) {
    if (!isProblem(error, 'state-conflict')) throw error;
  } finally {
    clearInterval(heartbeat);
  }
}

async function finish(tx: Tx, claim: ImportRow, applied: Applied): Promise<void> {
  await writeOutcomes(tx, claim.id, applied);
  const refused = applied.outcomes.filter(({ outcome }) => outcome === 'refused').length;
  const whole = problem(
    'validation-failed',
    { refused },
    `${refused} rows were refused and the set is all or nothing: nothing was changed.`,
  );
  const ours = await endImport(tx, {
    id: claim.id,
    epoch: claim.epoch,
    state: applied.stopped ? 'failed' : 'succeeded',
    problem: applied.stopped ? whole.toJSON() : null,
  });
  if (!ours) throw overtaken();
}

/** Ids that a dry run made exist nowhere. */
function withoutIds(applied: Applied): Applied {
  return {
    ...applied,
    outcomes: applied.outcomes.map((each) => (each.outcome === 'created' ? { ...each, id: undefined } : each)),
  };
}

async function failImport(deps: Deps, claim: ImportRow, error: unknown): Promise<void> {
  const refusal = isProblem(error) ? error : problem('internal', {}, 'The import failed; nothing of it was applied.');
  await inTransaction(deps.db.app, (tx) =>
    endImport(tx, { id: claim.id, epoch: claim.epoch, state: 'failed', problem: refusal.toJSON() }),
  );
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
