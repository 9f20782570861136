// The relay of the feed. Prevents: events lost between commit and bus, events out of order, and a transaction that waits for
// the bus. Step a numbers rows in a short transaction; step b publishes by number, as leader, with no transaction open.
import { encodeId } from '@sentral/contracts/ids';
import type { Bus, BusMessage } from './bus/port.js';
import { isPublishFailure } from './bus/port.js';
import { eventSubject, feedSubject } from './bus/subjects.js';
import type { Database } from './database.js';
import { feedPage, type FeedRow, numberedLease, numberFeed, publishedLease } from './feed.js';
import { purgeIdempotency } from './idempotency.js';
import { purgeInbox } from './inbox.js';
import { advanceLease, claimLease, type Lease, leasePosition, lockLease, releaseLease, renewLease } from './lease.js';
import { quoteName } from './tables.js';
import type { Telemetry } from './telemetry.js';
import { inTransaction } from './transaction.js';

export interface RelayOptions {
  readonly db: Database;
  readonly schema: string;
  readonly context: string;
  readonly bus: Bus;
  readonly log: Telemetry['log'];
  /** Told how to wake this relay after a commit, where the one who commits is made elsewhere. */
  readonly wake?: (poke: () => void) => void;
  /** How far audit has confirmed this feed. Without it nothing is ever dropped. */
  readonly confirmed?: () => Promise<number>;
  readonly pollMs?: readonly [lowest: number, highest: number];
  readonly holdMs?: number;
  readonly batch?: number;
  readonly triesMax?: number;
}

export interface RelayLag {
  /** Rows without a position, and the age of the oldest: an open transaction that writes holds them back. */
  readonly unnumbered: number;
  readonly oldestSeconds: number;
  /** Numbered rows that the bus has not acknowledged. */
  readonly unpublished: number;
  /** The highest position. */
  readonly numbered: number;
}

export interface Loop {
  /** Runs now instead of at the next poll; call it after each commit that gave it work. */
  wake(): void;
  /** Ends after the round that runs. */
  stop(): Promise<void>;
}

export interface Relay extends Loop {
  lag(): Promise<RelayLag>;
}

const housekeepingMs = 3_600_000;
const dropMs = 60_000;

/** Starts to number and publish the feed of one context; any number of processes may, one leads. */
export function startRelay(options: RelayOptions): Relay {
  const { db, schema, log } = options;
  const batch = options.batch ?? 200;
  const leader = leadership(db, schema, { name: publishedLease, holdMs: options.holdMs ?? 5_000 });
  const triesMax = options.triesMax ?? 10;
  let stuck = { pos: 0, tries: 0 };
  let keptHouseAt = -Infinity;
  let droppedAt = -Infinity;

  async function publishBatch(lease: Lease, after: number): Promise<number | undefined> {
    const rows = await feedPage(db, schema, after, batch);
    const last = rows.at(-1);
    if (last === undefined) return undefined;
    try {
      await options.bus.publish(rows.flatMap((row) => messagesOf(options.context, row)));
      return (await leader.advance(lease, last.pos)) && rows.length === batch ? last.pos : undefined;
    } catch (error) {
      log('warn', 'a batch of the feed was not acknowledged', { context: options.context, after, error });
    }
    // One by one: the rows before the bad one get through, the ones behind it wait.
    for (const row of rows) {
      if (!(await publishRow(lease, row))) return undefined;
      if (!(await leader.advance(lease, row.pos))) return undefined;
    }
    return last.pos;
  }

  async function publishRow(lease: Lease, row: FeedRow): Promise<boolean> {
    try {
      await options.bus.publish(messagesOf(options.context, row));
      return true;
    } catch (error) {
      const permanent = isPublishFailure(error) && error.failed.some((each) => each.permanent);
      // While the bus is away no row is to blame, and nothing is counted against it.
      if (!permanent && !options.bus.health().connected) return false;
      stuck = { pos: row.pos, tries: (stuck.pos === row.pos ? stuck.tries : 0) + 1 };
      const reason = error instanceof Error ? error.message : String(error);
      log('error', 'a feed row cannot be published', {
        context: options.context,
        pos: row.pos,
        tries: stuck.tries,
        reason,
      });
      return stuck.tries >= triesMax && (await publishStub(lease, row, reason));
    }
  }

  async function publishStub(lease: Lease, row: FeedRow, reason: string): Promise<boolean> {
    await options.bus.publish([stubOf(options.context, row)]);
    return inTransaction(db, async (tx) => {
      if (!(await lockLease(tx, schema, lease))) return false;
      await tx.unsafe(
        `update ${quoteName(schema)}.feed set dead_reason = $3 where id = $1 and recorded_at >= $2::timestamptz - interval '1 second' and recorded_at < $2::timestamptz + interval '1 second'`,
        [row.id, row.recordedAt, reason.slice(0, 2000)],
      );
      return true;
    });
  }

  /** While audit is away nothing is dropped: the feed waits, whole. */
  async function dropConfirmed(): Promise<void> {
    if (options.confirmed === undefined || performance.now() - droppedAt < dropMs) return;
    droppedAt = performance.now();
    try {
      const pos = await options.confirmed();
      await db.unsafe(`select ${quoteName(schema)}.feed_drop_confirmed($1)`, [pos]);
    } catch (error) {
      log('warn', 'days of the feed are kept for now', { context: options.context, error });
    }
  }

  async function round(): Promise<void> {
    while ((await numberFeed(db, schema, 1000)) === 1000);
    const lease = await leader.hold();
    if (lease === undefined) return;
    let after: number | undefined = await leasePosition(db, schema, publishedLease);
    while (after !== undefined && (await leader.hold()) === lease) after = await publishBatch(lease, after);
    await dropConfirmed();
    if (performance.now() - keptHouseAt < housekeepingMs) return;
    keptHouseAt = performance.now();
    await db.unsafe(`select ${quoteName(schema)}.feed_make_partitions(3)`);
    await purgeInbox(db, schema);
    await purgeIdempotency(db, schema);
  }

  const loop = startLoop(round, {
    pollMs: options.pollMs ?? [250, 750],
    failed: (error) => log('error', 'the relay failed and will try again', { context: options.context, error }),
    ended: leader.release,
  });
  options.wake?.(loop.wake);
  return { ...loop, lag: () => relayLag(db, schema) };
}

async function relayLag(db: Database, schema: string): Promise<RelayLag> {
  const name = quoteName(schema);
  const [row] = await db.unsafe(
    `select count(*)::int as unnumbered, coalesce(extract(epoch from now() - min(recorded_at)), 0)::float8 as "oldestSeconds",
       coalesce((select position from ${name}.lease where name = $1), 0) as numbered, coalesce((select position from ${name}.lease where name = $2), 0) as published
     from ${name}.feed where pos is null`,
    [numberedLease, publishedLease],
  );
  return {
    unnumbered: Number(row?.['unnumbered'] ?? 0),
    oldestSeconds: Number(row?.['oldestSeconds'] ?? 0),
    unpublished: Number(row?.['numbered'] ?? 0) - Number(row?.['published'] ?? 0),
    numbered: Number(row?.['numbered'] ?? 0),
  };
}

/** The public event, where there is one, and then the row for audit: pos and audit part. */
function messagesOf(context: string, row: FeedRow): readonly BusMessage[] {
  const id = encodeId('evt', row.id);
  const scope = {
    ...(row.scope.tenantId === undefined ? {} : { tenantid: encodeId('tnt', row.scope.tenantId) }),
    ...(row.scope.projectId === undefined ? {} : { projectid: encodeId('prj', row.scope.projectId) }),
    ...(row.scope.environmentId === undefined ? {} : { environmentid: encodeId('env', row.scope.environmentId) }),
  };
  const trace = row.traceparent === undefined ? {} : { traceparent: row.traceparent };
  const subjectId = row.event !== null && 'id' in row.event ? row.event.id : undefined;
  const event = row.event !== null && {
    specversion: '1.0',
    id,
    source: `/sentral/${context}`,
    type: `dev.dataverket.${row.type}.v1`,
    subject: typeof subjectId === 'string' ? `${row.resource.type}/${subjectId}` : row.resource.type,
    time: row.recordedAt.toISOString(),
    datacontenttype: 'application/json',
    sequence: String(row.pos),
    resourceversion: row.resource.version,
    ...scope,
    ...trace,
    ...(row.causation === undefined ? {} : { causationid: row.causation }),
    data: row.event,
  };
  const fact =
    row.audit === null
      ? { pos: row.pos, id }
      : { pos: row.pos, id, recordedAt: row.recordedAt.toISOString(), event: event || null, audit: row.audit };
  const headers = { 'content-type': 'application/cloudevents+json', ...trace };
  return [
    ...(event === false ? [] : [{ subject: eventSubject(row.type), id, data: JSON.stringify(event), headers }]),
    {
      subject: feedSubject(context),
      id: `${id}:feed`,
      data: JSON.stringify(fact),
      headers: { 'content-type': 'application/json' },
    },
  ];
}

function stubOf(context: string, row: FeedRow): BusMessage {
  const id = encodeId('evt', row.id);
  return { subject: feedSubject(context), id: `${id}:stub`, data: JSON.stringify({ pos: row.pos, id, stub: true }) };
}

export interface Leadership {
  /** The lease while it is ours: claimed when free, renewed in time, undefined when another one leads. */
  hold(): Promise<Lease | undefined>;
  /** Records how far we came and renews; false when another epoch has begun. */
  advance(lease: Lease, position: number): Promise<boolean>;
  release(): Promise<void>;
}

/** Keeps one lease through the rounds of a loop. */
export function leadership(
  db: Database,
  schema: string,
  want: { readonly name: string; readonly holdMs: number },
): Leadership {
  let mine: Lease | undefined;
  let renewedAt = 0;
  const { holdMs } = want;
  const renewed = (kept: boolean): void => {
    if (kept) renewedAt = performance.now();
    else mine = undefined;
  };
  return {
    async hold() {
      if (mine !== undefined && performance.now() - renewedAt < holdMs / 3) return mine;
      if (mine !== undefined) renewed(await renewLease(db, schema, { ...mine, holdMs }));
      if (mine === undefined) {
        mine = await claimLease(db, schema, want.name, { holdMs });
        renewedAt = performance.now();
      }
      return mine;
    },
    async advance(lease, position) {
      const kept = await advanceLease(db, schema, { ...lease, holdMs, position });
      if (mine?.epoch === lease.epoch) renewed(kept);
      return kept;
    },
    async release() {
      if (mine !== undefined) await releaseLease(db, schema, mine);
      mine = undefined;
    },
  };
}

/** Runs rounds one after another: at once when woken, else after a pause within the bounds, so that replicas spread out. */
export function startLoop(
  round: () => Promise<void>,
  options: {
    readonly pollMs: readonly [lowest: number, highest: number];
    readonly failed: (error: unknown) => void;
    readonly ended: () => Promise<void>;
  },
): Loop {
  let stopping = false;
  let woken = false;
  let rouse: () => void = () => undefined;

  async function run(): Promise<void> {
    while (!stopping) {
      woken = false;
      try {
        await round();
      } catch (error) {
        options.failed(error);
        woken = false;
      }
      if (!stopping && !woken) await pause();
    }
    await options.ended().catch(options.failed);
  }

  async function pause(): Promise<void> {
    const [lowest, highest] = options.pollMs;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, lowest + Math.random() * (highest - lowest));
      rouse = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const running = run();
  return {
    wake() {
      woken = true;
      rouse();
    },
    async stop() {
      stopping = true;
      rouse();
      await running;
    },
  };
}
