import { leadership, startLoop, type Loop } from '@sentral/kernel/relay';
import { isKeyMissing } from './seal.js';
import { schemaName } from './change.js';
import { countContext, type Facts } from './completeness/count.js';
import { takeCheckpoint, type Checkpointing } from './checkpoint/take.js';
import type { Deps } from './deps.js';
import { keepRetention, type Retention } from './retention/run.js';
import { followFeed } from './sequence/follow.js';
import { deleteStop, upsertStop } from './sequence/sql.js';
import { rewrapKeys } from './subject/keys.js';
import type { Bus } from '@sentral/kernel/bus/port';
import { serveExports } from './export/loops.js';
import { publishRecords } from './publication/publish.js';

export { createSigner } from './checkpoint/signer.js';
export { directorySink } from './export/directory.js';
export type { Retention } from './retention/run.js';

/** What the sequencer is given: whose feeds, and how heads are signed and leave. */
export interface Sequencing extends Checkpointing {
  readonly feeds: Readonly<Record<string, Facts>>;
  readonly pollMs?: readonly [lowest: number, highest: number];
  readonly countMs?: readonly [lowest: number, highest: number];
  /** Absent: every record is kept for ever. */
  readonly retention?: Omit<Retention, 'signer'>;
  /** Where appended records are told, and how tasks ask for exports; absent: nobody hears and nobody asks. */
  readonly bus?: Bus;
}

const holdMs = 10_000;
const housekeepingMs = 3_600_000;
/** Long enough for a month of records to be written out: whoever takes over would only write the same files. */
const keepingHoldMs = 3_600_000;

/** What runs by itself while this context is up: one sequencer leads, in whichever process; it reads feeds, appends and signs. */
export function createAuditLoops(deps: Deps, use: Sequencing): readonly Pick<Loop, 'stop'>[] {
  const leader = leadership(deps.db.app, schemaName, { name: 'audit.sequence', holdMs });
  let keptHouseAt = -Infinity;
  const told = new Map<string, string | undefined>();

  /** What the last leader has told may be over: each one looks once, and then says what changes. */
  async function tellStop(context: string, reason: string | undefined): Promise<void> {
    if (told.has(context) && told.get(context) === reason) return;
    await (reason === undefined ? deleteStop(deps.db.app, context) : upsertStop(deps.db.app, context, reason));
    told.set(context, reason);
  }

  const keeper = leadership(deps.db.app, schemaName, { name: 'audit.keep', holdMs: keepingHoldMs });

  const counter = leadership(deps.db.app, schemaName, { name: 'audit.count', holdMs: 120_000 });

  async function count(): Promise<void> {
    for (const [context, facts] of Object.entries(use.feeds)) {
      if ((await counter.hold()) === undefined) return;
      await countContext(deps, { context, facts }).catch((error: unknown) =>
        deps.telemetry.log('warn', 'facts could not be counted and will be again', { context, error }),
      );
    }
  }

  async function keep(): Promise<void> {
    if (use.retention === undefined || (await keeper.hold()) === undefined) return;
    await keepRetention(deps, { ...use.retention, signer: use.signer });
  }

  async function round(): Promise<void> {
    if ((await leader.hold()) === undefined) return told.clear();
    if (performance.now() - keptHouseAt > housekeepingMs) {
      await deps.db.app.unsafe('select audit.record_make_partitions(3)');
      await rewrapKeys(deps).catch((error: unknown) =>
        deps.telemetry.log('error', 'keys of subjects could not be wrapped by the newest key', { error }),
      );
      keptHouseAt = performance.now();
    }
    for (const [context, feed] of Object.entries(use.feeds)) {
      // One context that is away keeps the others waiting no longer than one call.
      const reason = await followFeed(deps, { context, feed, hold: leader.hold }).catch((error: unknown) => {
        deps.telemetry.log('warn', 'a feed could not be put on record and will be tried again', { context, error });
        return isKeyMissing(error)
          ? 'a key is missing that it is sealed under: facts wait in the feed, whole'
          : 'it could not be read or put on record: facts wait in the feed, whole';
      });
      await tellStop(context, reason);
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
    startLoop(count, {
      pollMs: use.countMs ?? [5_000, 10_000],
      failed: (error) => deps.telemetry.log('warn', 'the count of audit failed and will try again', { error }),
      ended: counter.release,
    }),
    startLoop(keep, {
      pollMs: [housekeepingMs, 2 * housekeepingMs],
      failed: (error) => deps.telemetry.log('warn', 'retention of audit failed and will try again', { error }),
      ended: keeper.release,
    }),
    ...(use.bus === undefined ? [] : [publishRecords(deps, use.bus), ...serveExports(deps, { bus: use.bus })]),
  ];
}
