import { lockLease } from '@sentral/kernel/lease';
import { leadership, startLoop, type Leadership, type Loop } from '@sentral/kernel/relay';
import { inTransaction } from '@sentral/kernel/transaction';
import { schemaName } from '../change.js';
import type { Deps } from '../deps.js';
import { closeScan, findScan, keepScan } from './sql.js';

/** Looks at everything of one kind, page by page, and sets right what it finds (task.md 13). */
export interface Scan {
  readonly name: string;
  readonly everyMs: number;
  page(at: Pass): Promise<Page>;
}

export interface Pass {
  /** Where the page before ended. */
  readonly cursor: string | undefined;
  /** When the pass began and now, by the database's clock. */
  readonly startedAt: Date;
  readonly now: Date;
}

export interface Page {
  readonly rows: number;
  readonly repaired: number;
  readonly next?: string | undefined;
}

/** One leader a scan, so that a thing is sighted once a pass; whoever leads next goes on at the cursor. */
export function startReconciler(deps: Deps, scans: readonly Scan[]): readonly Loop[] {
  return scans.map((scan) => {
    const leader = leadership(deps.db.app, schemaName, { name: `scan.${scan.name}`, holdMs: 30_000 });
    // A service that is away fails its scan every time: it is told once, until it was there again.
    let told: string | undefined;
    const pass = async () => {
      await runDue(deps, scan, leader);
      told = undefined;
    };
    return startLoop(pass, {
      pollMs: [Math.min(scan.everyMs, 15_000) / 2, Math.min(scan.everyMs, 15_000)],
      failed: (error) => {
        const level = told === String(error) ? 'debug' : 'warn';
        told = String(error);
        deps.telemetry.log(level, 'a scan failed and will be tried again', { scan: scan.name, error: told });
      },
      ended: leader.release,
    });
  });
}

/** Runs a pass to its end if one is due; `at` stands for the database's clock in tests. */
export async function runDue(deps: Deps, scan: Scan, leader: Leadership, at?: Date): Promise<void> {
  for (;;) {
    const lease = await leader.hold();
    if (lease === undefined) return;
    const { now, startedAt, finishedAt, cursor } = await findScan(deps.db.app, scan.name, at);
    const open = startedAt !== null && finishedAt === null;
    if (!open && finishedAt !== null && now.getTime() - finishedAt.getTime() < scan.everyMs) return;
    const began = open ? startedAt : now;
    const page = await scan.page({ cursor: open ? (cursor ?? undefined) : undefined, startedAt: began, now });
    if (page.repaired > 0) {
      deps.telemetry.count(`task.scan.${scan.name}.repaired`, page.repaired);
      deps.telemetry.log('info', 'a scan has set something right', { scan: scan.name, repaired: page.repaired });
    }
    const kept = await inTransaction(deps.db.app, async (tx) => {
      // Another one leads by now: it has begun this page anew, and what both did is done once.
      if (!(await lockLease(tx, schemaName, lease))) return false;
      await keepScan(tx, scan.name, { ...page, startedAt: began, first: !open });
      if (page.next === undefined) await closeScan(tx, scan.name, now);
      return true;
    });
    if (!kept || page.next === undefined) return;
  }
}
