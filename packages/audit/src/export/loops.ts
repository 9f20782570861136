import type { Id } from '@sentral/contracts/ids';
import { encodeId } from '@sentral/contracts/ids';
import { subjects } from '@sentral/contracts/services/message';
import type { Bus } from '@sentral/kernel/bus/port';
import { serveSteps } from '@sentral/kernel/bus/steps';
import { leadership, startLoop, type Loop } from '@sentral/kernel/relay';
import { inTransaction } from '@sentral/kernel/transaction';
import { schemaName } from '../change.js';
import type { Deps } from '../deps.js';
import { auditSteps } from '../serve.js';
import { ended } from './remove.js';
import { claimExportsDue, listWriting } from './sql.js';
import type { Bounds } from './work.js';

const keeper = {
  principal: { id: 'audit', type: 'system' as const },
  accessEpoch: 0,
  readScope: { all: true as const },
  scopes: [],
};
const holdMs = 30_000;
const beatMs = 15_000;
const dueMs = 60_000;
const dueAtOnce = 10;

/** Writes exports for tasks, one process at a time and a part of each in turn, and lets those go whose time is over. */
export function serveExports(
  deps: Deps,
  { bus, bounds }: { readonly bus: Bus; readonly bounds?: Bounds },
): readonly Pick<Loop, 'stop'>[] {
  const { db, telemetry } = deps;
  const failed = (error: unknown) =>
    telemetry.log('error', 'an export could not be gone on with and will be again', { error });
  let moving = false;
  const actions = auditSteps(deps, { moved: () => (moving = true), ...(bounds === undefined ? {} : { bounds }) });
  const { steps, running } = serveSteps({ db: db.app, schema: schemaName, actions, bus, log: telemetry.log });
  const leader = leadership(db.app, schemaName, { name: 'audit.export', holdMs });
  let beatAt = -Infinity;
  let dueAt = -Infinity;

  /** Each is told to live, as long as somebody works on it. */
  async function beat(): Promise<void> {
    if (performance.now() - beatAt < beatMs) return;
    beatAt = performance.now();
    for (const { op, direction, attempt } of await listWriting(db.app)) {
      const stepid: Id<'stp'> = encodeId('stp', op);
      bus.broadcast(subjects.beat(schemaName, stepid), JSON.stringify({ stepid, direction, attempt }));
    }
  }

  async function letGo(): Promise<void> {
    if (performance.now() - dueAt < dueMs) return;
    dueAt = performance.now();
    await expireExports(deps);
  }

  const writing = startLoop(
    async () => {
      do {
        if ((await leader.hold()) === undefined) return;
        moving = false;
        await beat();
        await steps.resume(0);
      } while (moving);
      await letGo();
    },
    { pollMs: [300, 900], failed, ended: leader.release },
  );
  return [writing, ...running];
}

/** The files of exports whose time is over go, and that they went is on record. */
export async function expireExports(deps: Deps): Promise<void> {
  for (;;) {
    const gone = await inTransaction(deps.db.app, async (tx) => {
      const due = await claimExportsDue(tx, dueAtOnce);
      for (const row of due) await ended(tx, keeper, row, 'expired');
      return due.length;
    });
    if (gone < dueAtOnce) return;
  }
}
