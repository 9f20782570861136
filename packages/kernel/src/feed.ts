// The feed: a change and its event are one commit. Prevents: events of changes that never were, changes without an event, and
// readers that lose rows because transactions commit in another order than they began.
import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { FeedItem } from '@sentral/contracts/shared-verbs';
import { type Database, json, type Tx } from './database.js';
import { newId } from './id.js';
import { leasePosition, lockName } from './lease.js';
import { readCursor, writeCursor } from './page.js';
import { quoteName } from './tables.js';
import { currentTraceparent } from './telemetry.js';
import { inTransaction } from './transaction.js';

export interface Scope {
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly environmentId?: string | undefined;
}

/** One change of one resource; ids are uuids here and TypeIDs inside `event` and `audit`. */
export interface FeedEvent {
  readonly id?: string;
  /** `inventory.node.registered` */
  readonly type: string;
  readonly resource: { readonly type: string; readonly id: string; readonly version: number };
  readonly scope?: Scope;
  /** What everybody may read on DV_EVT; its `id`, a TypeID, becomes the CloudEvents subject. Null: not a public event. */
  readonly event: object | null;
  /** What audit keeps; null for changes that are no record of their own. */
  readonly audit: object | null;
  readonly traceparent?: string | undefined;
  readonly causation?: string | undefined;
}

export interface FeedRow extends FeedEvent {
  readonly id: string;
  readonly pos: number;
  readonly scope: Scope;
  readonly recordedAt: Date;
}

/** The lease rows of the two steps: how far numbering and publishing came, kept apart from rows that will be dropped. */
export const numberedLease = 'feed.number';
export const publishedLease = 'feed.publish';

/** Writes the feed rows of changes that this transaction makes, in the order given; without them it cannot commit. */
export async function record(tx: Tx, schema: string, events: FeedEvent | readonly FeedEvent[]): Promise<void> {
  const list = Array.isArray(events) ? (events as readonly FeedEvent[]) : [events as FeedEvent];
  if (list.length === 0) return;
  const traceparent = currentTraceparent();
  const rows = list.map((each) => ({
    id: each.id ?? newId(),
    type: each.type,
    resource_type: each.resource.type,
    resource_id: each.resource.id,
    resource_version: each.resource.version,
    tenant_id: each.scope?.tenantId,
    project_id: each.scope?.projectId,
    environment_id: each.scope?.environmentId,
    event: each.event,
    audit: each.audit,
    traceparent: each.traceparent ?? traceparent,
    causation: each.causation,
  }));
  // One text for any number of rows, so that it is planned once. The order by makes seq rise in the order given.
  await tx.unsafe(
    `insert into ${quoteName(schema)}.feed (${recordColumns})
     select ${recordColumns} from jsonb_array_elements($1) with ordinality as e(item, place),
       lateral jsonb_populate_record(null::${quoteName(schema)}.feed, e.item) order by e.place`,
    [json(rows)],
  );
}

const recordColumns = `id, type, resource_type, resource_id, resource_version, tenant_id, project_id, environment_id,
  event, audit, traceparent, causation`;

const rowColumns = `pos, id, type, resource_type as "resourceType", resource_id as "resourceId",
  resource_version as "resourceVersion", tenant_id as "tenantId", project_id as "projectId",
  environment_id as "environmentId", event, audit, traceparent, causation, recorded_at as "recordedAt"`;

interface StoredRow {
  readonly pos: number;
  readonly id: string;
  readonly type: string;
  readonly resourceType: string;
  readonly resourceId: string;
  readonly resourceVersion: number;
  readonly tenantId: string | null;
  readonly projectId: string | null;
  readonly environmentId: string | null;
  readonly event: object | null;
  readonly audit: object | null;
  readonly traceparent: string | null;
  readonly causation: string | null;
  readonly recordedAt: Date;
}

/** Reads on after a position, in order; only rows that the relay has numbered exist for a reader. */
export async function feedPage(
  db: Database | Tx,
  schema: string,
  afterPos: number,
  limit: number,
): Promise<readonly FeedRow[]> {
  const rows = await db.unsafe(
    `select ${rowColumns} from ${quoteName(schema)}.feed where pos > $1 order by pos limit $2`,
    [afterPos, Math.min(limit, 1000)],
  );
  return (rows as unknown as readonly StoredRow[]).map((row) => ({
    pos: row.pos,
    id: row.id,
    type: row.type,
    resource: { type: row.resourceType, id: row.resourceId, version: row.resourceVersion },
    scope: {
      ...(row.tenantId === null ? {} : { tenantId: row.tenantId }),
      ...(row.projectId === null ? {} : { projectId: row.projectId }),
      ...(row.environmentId === null ? {} : { environmentId: row.environmentId }),
    },
    event: row.event,
    audit: row.audit,
    ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
    ...(row.causation === null ? {} : { causation: row.causation }),
    recordedAt: row.recordedAt,
  }));
}

/** When the oldest row that the relay has not numbered was recorded: asked before a page, what is in neither has been read. */
export async function unnumberedSince(db: Database, schema: string): Promise<Date | undefined> {
  const [row] = await db.unsafe(`select min(recorded_at) as since from ${quoteName(schema)}.feed where pos is null`);
  return (row?.['since'] as Date | null) ?? undefined;
}

/**
 * Gives the next rows their dense position: those whose transactions, and all that began before them, have ended. Returns how
 * many; short, so that it hardly delays its own horizon.
 */
export async function numberFeed(db: Database, schema: string, limit: number): Promise<number> {
  const name = quoteName(schema);
  const [waiting] = await db.unsafe(`select 1 as one from ${name}.feed where pos is null limit $1`, [1]);
  if (waiting === undefined) return 0;
  return inTransaction(
    db,
    async (tx) => {
      await lockName(tx, schema, numberedLease);
      // A statement of its own: its snapshot must be taken when the lock is held, and so sees the last holder's numbers.
      const [row] = await tx.unsafe(
        `with next as materialized (
           select id, recorded_at, row_number() over (order by seq) as n from (
             select id, recorded_at, seq, bool_and(xid < pg_snapshot_xmin(pg_current_snapshot())) over (order by seq) as settled
             from (select id, recorded_at, xid, seq from ${name}.feed where pos is null order by seq limit $2) as waiting
           ) as visible where settled
         ), numbered as (
           update ${name}.feed f set pos = coalesce((select position from ${name}.lease where name = $1), 0) + next.n
           from next where f.id = next.id and f.recorded_at = next.recorded_at returning f.pos
         ), kept as (
           insert into ${name}.lease (name, position) select $1, max(pos) from numbered having count(*) > 0
           on conflict (name) do update set position = excluded.position
         ) select count(*) as "count" from numbered`,
        [numberedLease, limit],
      );
      return Number(row?.['count'] ?? 0);
    },
    // The indexes fit, whatever the statistics of a fresh partition say.
    { settings: { enable_seqscan: 'off', enable_hashjoin: 'off', enable_mergejoin: 'off' } },
  );
}

/**
 * After a dump was restored into another cluster, whose transaction ids mean something else: run by the owner while nothing
 * writes. Numbering goes on after the highest position known here or confirmed elsewhere; `lost` is the range between.
 */
export async function restoreFeed(
  tx: Tx,
  schema: string,
  confirmedPos = 0,
): Promise<{
  readonly nextPos: number;
  readonly waiting: number;
  readonly lost?: { readonly from: number; readonly to: number };
}> {
  const name = quoteName(schema);
  await lockName(tx, schema, numberedLease);
  // 3 is the first normal transaction id of any cluster: older than every horizon.
  const moved = await tx.unsafe(`update ${name}.feed set xid = '3' where pos is null`);
  const [found] = await tx.unsafe(`select coalesce(max(pos), 0) as "maxPos" from ${name}.feed`);
  const kept = await leasePosition(tx, schema, numberedLease);
  const known = Math.max(Number(found?.['maxPos']), kept);
  const last = Math.max(known, confirmedPos);
  await tx.unsafe(
    `insert into ${name}.lease (name, position) values ($1, $2) on conflict (name) do update set position = excluded.position`,
    [numberedLease, last],
  );
  const [proof] = await tx.unsafe(
    `select l.position = greatest(coalesce(max(f.pos), 0), $2::bigint, $3::bigint) as dense
     from ${name}.lease l left join ${name}.feed f on f.pos is not null where l.name = $1 group by l.position`,
    [numberedLease, kept, confirmedPos],
  );
  if (proof?.['dense'] !== true) throw new Error(`the next position of ${schema} is not the highest one plus 1`);
  const lost = last > known ? { lost: { from: known + 1, to: last } } : {};
  return { nextPos: last + 1, waiting: moved.count, ...lost };
}

/** The feed holds the facts of every tenant and the audit parts: it is for the contexts themselves. */
function expectContext(caller: Caller, schema: string): void {
  if (!('all' in caller.readScope)) throw problem('permission-denied', { missingPermission: `${schema}.feed.read` });
}

/** Facts after a position, in order and without a gap. @throws Problem permission-denied, position-expired */
export async function factPage(
  db: Database,
  { schema, wireId }: Pick<Versions, 'schema' | 'wireId'>,
  { caller, afterPos, limit }: { caller: Caller; afterPos: number; limit: number },
): Promise<{ items: FeedItem[]; more: boolean; unnumberedSince?: string }> {
  expectContext(caller, schema);
  // Asked before the rows: what is numbered between the two is in them, and is no gap.
  const since = await unnumberedSince(db, schema);
  const numbered = await leasePosition(db, schema, numberedLease);
  const rows = await feedPage(db, schema, afterPos, limit);
  const first = rows[0]?.pos ?? numbered + 1;
  // Positions are dense, so a later first one means that what lay between is no longer kept.
  if (first > afterPos + 1) throw problem('position-expired', { oldest: first });
  return {
    items: rows.map(({ scope: { tenantId, projectId, environmentId }, ...row }) => ({
      ...row,
      id: encodeId('evt', row.id),
      recordedAt: row.recordedAt.toISOString(),
      resource: { ...row.resource, id: wireId(row.resource.type, row.resource.id) },
      ...(tenantId === undefined ? {} : { tenantId: encodeId('tnt', tenantId) }),
      ...(projectId === undefined ? {} : { projectId: encodeId('prj', projectId) }),
      ...(environmentId === undefined ? {} : { environmentId: encodeId('env', environmentId) }),
      event: row.event as FeedItem['event'],
      audit: row.audit as FeedItem['audit'],
    })),
    more: rows.length === limit,
    ...(since === undefined ? {} : { unnumberedSince: since.toISOString() }),
  };
}

/** The tables of facts of a context; what the feed names a row, and how many records it must have, as SQL where table and version do not tell. */
export interface Versions {
  readonly schema: string;
  readonly sources: readonly { table: string; type?: string; version?: string; changes?: string }[];
  readonly wireId: (type: string, uuid: string) => string;
}

/** Facts in the order of the tables and of their ids, each with its version. @throws Problem permission-denied, invalid-cursor */
export async function versionPage(
  db: Database,
  { schema, sources, wireId }: Versions,
  { caller, cursor, limit }: { caller: Caller; cursor?: string | undefined; limit: number },
) {
  expectContext(caller, schema);
  const first = '00000000-0000-0000-0000-000000000000';
  const [at = 0, after = first] = readCursor(cursor, ['number', 'uuid']) ?? [];
  const [source, following] = [sources[Number(at)], Number(at) + 1];
  if (source === undefined) throw problem('invalid-cursor');
  const noun = source.table.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const { table, type = `'${schema}.${noun}'`, version = 'version', changes = 'version' } = source;
  const rows = (await db.unsafe(
    `select ${type} as type, id, ${version} as version, ${changes} as changes from ${quoteName(schema)}.${quoteName(table)} where id > $1 order by id limit $2`,
    [after, limit],
  )) as unknown as readonly { type: string; id: string; version: number; changes: number }[];
  const items = rows.map((row) => ({ ...row, id: wireId(row.type, row.id) }));
  if (rows.length === limit) return { items, nextCursor: writeCursor([Number(at), rows.at(-1)?.id ?? first]) };
  return following < sources.length ? { items, nextCursor: writeCursor([following, first]) } : { items };
}
