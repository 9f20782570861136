import { problem } from '@sentral/contracts/problem';
import type { Deps } from '../deps.js';
import { noteProgress, type ImportRow } from './sql.js';

/**
 * A worker that says nothing for so long has gone, and another begins again from what is staged: the wait after a kill -9. It says so
 * five times in it. Not shorter: while 100,000 rows are judged it cannot speak, for 1.5 s of the processor (2026-11-26), which was
 * 5.2 s on a machine with four times as much to do as it could.
 */
export const holdMs = 10_000;

/** The run was cancelled, or another worker has taken it over: nothing of it may be committed. */
export const overtaken = (): Error =>
  problem('state-conflict', { allowed: ['running'] }, 'The import is no longer ours.');

/** One worker's hold on one import: it says that it lives and how far it is. */
export interface Run {
  readonly claim: ImportRow;
  /** @throws Problem state-conflict when the import is no longer ours */
  progress(rows: number): Promise<void>;
  /** Begins to count anew from here. */
  restart(rowsDone: number): void;
  stop(): void;
}

export function startRun(deps: Deps, claim: ImportRow): Run {
  let rowsDone = 0;
  let saidAt = 0;
  let lost = false;
  const say = async (): Promise<void> => {
    saidAt = Date.now();
    if (!(await noteProgress(deps.db.app, { id: claim.id, epoch: claim.epoch, rowsDone, holdMs }))) lost = true;
  };
  // The reading and judging before the first row is written may take as long as the writing.
  const heartbeat = setInterval(() => void say().catch(() => undefined), holdMs / 5);
  return {
    claim,
    progress: async (rows) => {
      rowsDone += rows;
      deps.telemetry.count('import.rows', rows);
      if (lost) throw overtaken();
      if (Date.now() - saidAt >= 200) await say();
      if (lost) throw overtaken();
    },
    restart: (done) => void (rowsDone = done),
    stop: () => clearInterval(heartbeat),
  };
}
