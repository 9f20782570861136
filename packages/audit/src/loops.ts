import { leadership, startLoop, type Loop } from '@sentral/kernel/relay';
import { schemaName } from './change.js';
import { takeCheckpoint, type Checkpointing } from './checkpoint/take.js';
import type { Deps } from './deps.js';
import { keepRetention, type Retention } from './retention/run.js';
import { followFeed, type Feed } from './sequence/follow.js';

export type { Feed } from './sequence/follow.js';
export { createSigner } from './checkpoint/signer.js';
export { directorySink } from './export/directory.js';
export type { Retention } from './retention/run.js';

/** What the sequencer is given: whose feeds, and how heads are signed and leave. */
export interface Sequencing extends Checkpointing {
  readonly feeds: Readonly<Record<string, Feed>>;
  readonly pollMs?: readonly [lowest: number, highest: number];
  /** Absent: every record is kept for ever. */
  readonly retention?: Omit<Retention, 'signer'>;
}

const holdMs = 10_000;
const housekeepingMs = 3_600_000;
/** Long enough for a month of records to be written out: whoever takes over would only write the same files. */
const keepingHoldMs = 3_600_000;

/** What runs by itself while this context is up: one sequencer leads, in whichever process; it reads feeds, appends and signs. */
export function createAuditLoops(deps: Deps, use: Sequencing): readonly Loop[] {
  const leader = leadership(deps.db.app, schemaName, { name: 'audit.sequence', holdMs });
  let keptHouseAt = -Infinity;

  const keeper = leadership(deps.db.app, schemaName, { name: 'audit.keep', holdMs: keepingHoldMs });

  async function keep(): Promise<void> {
    if (use.retention === undefined || (await keeper.hold()) === undefined) return;
    await keepRetention(deps, { ...use.retention, signer: use.signer });
  }

  async function round(): Promise<void> {
    if ((await leader.hold()) === undefined) return;
    if (performance.now() - keptHouseAt > housekeepingMs) {
      await deps.db.app.unsafe('select audit.record_make_partitions(3)');
      keptHouseAt = performance.now();
    }
    for (const [context, feed] of Object.entries(use.feeds)) {
      // One context that is away keeps the others waiting no longer than one call.
      await followFeed(deps, { context, feed, hold: leader.hold }).catch((error: unknown) =>
        deps.telemetry.log('warn', 'a feed could not be put on record and will be tried again', { context, error }),
      );
    }
    const lease = await leader.hold();
    if (lease !== undefined) await takeCheckpoint(deps, lease, use);
  }

  return [
    startLoop(round, {
      pollMs: use.pollMs ?? [400, 1_000],
      failed: (error) => deps.telemetry.log('warn', 'the sequencer of audit failed and will try again', { error }),
      ended: leader.release,
    }),
    startLoop(keep, {
      pollMs: [housekeepingMs, 2 * housekeepingMs],
      failed: (error) => deps.telemetry.log('warn', 'retention of audit failed and will try again', { error }),
      ended: keeper.release,
    }),
  ];
}
