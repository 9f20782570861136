// Isolation: READ COMMITTED. Lock order of every transaction that takes or gives back:
//   1. scope_view rows, root first        for key share: `deleting` and an allocation cannot pass each other
//   2. capacity rows, by node and class   no key update: of all that is taken, given back, or about to be ended because it ran out
//   3. provider_use rows, by provider id  for update (by the upsert): takers of one thing stand in line
//   4. allocation rows, by id             for update: what has expired is ended before anything is taken
//   5. node rows, by id                   for share, with what components are parts of: a node cannot retire while it is being taken;
//                                         no key update where one is taken whole, before those who take of its components
//   6. hold rows, block rows, by the key of the thing
//   7. quota_use rows, tenants, then projects, then environments, each by id: last, or every allocation of a tenant would
//      wait for one row through its whole transaction
// Each is one statement over everything that the transaction touches, also where that is a batch. Which counters an allocation
// holds is read before 2 and read again at 4: who finds more than it has locked begins anew (movedOn).
// Who begins bookings takes 2, 3, 4 and 7. Renew and confirm take 1 and 4, bind takes 4; release, the sweeper and who counts a scope (its row for update before) 2, 4 and 7, with the nodes of 5 that are to be scrubbed: none of them
// takes a provider, and none can wait in a circle.
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { json, type Tx } from '@sentral/kernel/database';
import { listCapacityKeys, lockCapacity, type CapacityKey } from './capacity-sql.js';
import { microseconds } from './instant-sql.js';
import type { Window } from './window.js';

export interface AllocationRow {
  readonly id: string;
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly scopeId: string;
  readonly requestId: string;
  readonly consumerService: string;
  readonly consumerKind: string;
  readonly consumerId: string;
  readonly state: 'booked' | 'held' | 'active' | 'releasing' | 'released' | 'expired' | 'failed';
  readonly boundTaskId: string | null;
  readonly ttlSeconds: number | null;
  readonly maxTtlSeconds: number | null;
  readonly onExpiry: 'release' | 'quarantine' | 'notify';
  readonly startsAt: Date;
  readonly expiresAt: Date | null;
  readonly endedAt: Date | null;
  readonly noticeSeconds: number | null;
  readonly noticeAt: Date | null;
  readonly noticedAt: Date | null;
  readonly failure: Failure | null;
  readonly flags: NonNullable<Allocation['flags']>;
  readonly labels: Record<string, string>;
  readonly policyVersion: number | null;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Past its expiry by the database's clock, whether or not it has been ended. */
  readonly overdue: boolean;
  /** Booked, and its window has begun by the database's clock. */
  readonly due: boolean;
}

/** Why a booking could not begin. */
export type Failure = NonNullable<Allocation['failure']>;

export interface ItemRow {
  readonly id: string;
  readonly allocationId: string;
  readonly ordinal: number;
  readonly what: 'node' | 'capacity' | 'number' | 'block' | 'address';
  /** What it counts as, and how much of it. */
  readonly dimension: string | null;
  readonly amount: number;
  readonly nodeId: string | null;
  readonly class: string | null;
  readonly domainId: string | null;
  readonly number: number | null;
  readonly spaceId: string | null;
  readonly blockId: string | null;
  readonly address: string | null;
  readonly takenBlockId: string | null;
  readonly cidr: string | null;
  readonly fence: number;
  /** Counted as booked: the window of its allocation has not begun. */
  readonly booked: boolean;
  /** Nobody has used it: a booking that has not begun, or a hold that was neither confirmed nor bound. */
  readonly unused: boolean;
  /** How long after its span the thing is cleaned. */
  readonly cleaningSeconds: number;
  /** Its span in microseconds since 1970. Null is without an end; so is a hold, which may be confirmed. */
  readonly fromUs: number;
  readonly untilUs: number | null;
  readonly releasedAt: Date | null;
  readonly endedAt: Date | null;
}

/** The columns of an allocation under their names in code; the list and the two reads share it, so it stands once. */
export const allocationColumns = `
  a.id, a.tenant_id as "tenantId", a.project_id as "projectId", a.scope_id as "scopeId", a.request_id as "requestId",
  a.consumer_service as "consumerService", a.consumer_kind as "consumerKind", a.consumer_id as "consumerId", a.state,
  a.bound_task_id as "boundTaskId", a.ttl_seconds as "ttlSeconds", a.max_ttl_seconds as "maxTtlSeconds", a.on_expiry as "onExpiry",
  a.starts_at as "startsAt", a.expires_at as "expiresAt", a.ended_at as "endedAt", a.notice_seconds as "noticeSeconds", a.notice_at as "noticeAt",
  a.noticed_at as "noticedAt", a.failure, a.flags, a.labels, a.policy_version as "policyVersion", a.version,
  a.created_at as "createdAt", a.updated_at as "updatedAt",
  (a.ended_at is null and a.expires_at <= now()) as overdue,
  (a.state = 'booked' and a.starts_at <= now() and coalesce(a.expires_at > now(), true)) as due`;

const itemColumns = `
  i.id, i.allocation_id as "allocationId", i.ordinal, i.what, i.dimension, i.amount, i.class, i.node_id as "nodeId", i.domain_id as "domainId", i.number,
  i.space_id as "spaceId", i.block_id as "blockId", host(i.address) as address, i.taken_block_id as "takenBlockId",
  (select b.cidr::text from address_block b where b.id = i.taken_block_id) as cidr, i.fence, a.state = 'booked' as booked,
  (a.state in ('booked', 'held') and a.bound_task_id is null) as unused, i.cleaning_seconds as "cleaningSeconds",
  ${microseconds('lower(i.during)')} as "fromUs", case when a.state <> 'held' then ${microseconds('upper(i.during)')} end as "untilUs", i.released_at as "releasedAt", i.ended_at as "endedAt"`;

/** Set beside the counters that were locked: somebody changed what there is to lock, so the attempt begins anew. */
export const movedOn = new Error('what was to be locked has changed');

const outrunBy = new WeakSet<object>();

/** Marks the refusal of what was chosen before the locks: somebody was faster, so the attempt begins anew. */
export function outrun<E extends object>(refusal: E): E {
  outrunBy.add(refusal);
  return refusal;
}

export const wasOutrun = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && outrunBy.has(error);

/** The row of a statement that always gives one. */
export function only<R>(rows: readonly R[]): R {
  const [row] = rows;
  if (row === undefined) throw new Error('a statement that always gives a row gave none');
  return row;
}

/** Readers and transactions alike can ask these. */
export interface Asks {
  unsafe(text: string, params?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
}

export async function findAllocation(db: Asks, id: string): Promise<AllocationRow | undefined> {
  const rows = await db.unsafe(`select ${allocationColumns} from allocation a where a.id = $1`, [id]);
  return rows[0] as AllocationRow | undefined;
}

/** What an allocation holds, or held at its end; what was replaced before is history. */
export async function listItems(db: Asks, allocationIds: readonly string[]): Promise<readonly ItemRow[]> {
  const rows = await db.unsafe(
    `select ${itemColumns} from allocation_item i join allocation a on a.id = i.allocation_id
     where i.allocation_id = any($1::uuid[]) and (i.ended_at is null or i.ended_at >= a.ended_at) order by i.allocation_id, i.ordinal`,
    [allocationIds],
  );
  return rows as unknown as readonly ItemRow[];
}

/** For update: its state and items change with it, and confirm, renew, release and a taker's clean-up must not interleave. */
export async function lockAllocation(tx: Tx, id: string): Promise<AllocationRow | undefined> {
  const rows = await tx.unsafe(`select ${allocationColumns} from allocation a where a.id = $1 for update`, [id]);
  return rows[0] as AllocationRow | undefined;
}

export async function findByRequest(tx: Tx, tenantId: string, requestId: string): Promise<AllocationRow | undefined> {
  const rows = await tx.unsafe(
    `select ${allocationColumns} from allocation a where a.tenant_id = $1 and a.request_id = $2`,
    [tenantId, requestId],
  );
  return rows[0] as AllocationRow | undefined;
}

/** One statement in id order: two takers of the same two things can never hold one each. */
export async function lockProviders(tx: Tx, providerIds: readonly string[]): Promise<void> {
  await tx.sql`
    insert into provider_use as u (provider_id, use_version)
    select p.id, 1 from unnest(${[...providerIds]}::uuid[]) as p(id) order by p.id
    on conflict (provider_id) do update set use_version = u.use_version + 1`;
}

/**
 * What the consumers still seem to hold, and so much of what has run out among the things about to be taken. Read before the locks.
 * Found from what has run out, which is little: a block may hold 65,000 live addresses.
 */
export async function listOverdue(
  tx: Tx,
  among: {
    providerIds: readonly string[];
    keys: readonly CapacityKey[];
    holderIds: readonly string[];
    limit: number;
  },
): Promise<readonly string[]> {
  const rows = await tx.sql<{ id: string }>`
    select a.id from allocation a where a.id = any(${[...among.holderIds]}::uuid[]) and a.ended_at is null and a.expires_at <= now()
    union all
    select * from (
      select i.allocation_id as id
      from unnest(${among.keys.map((key) => key.nodeId)}::uuid[], ${among.keys.map((key) => key.class)}::text[]) as k(node_id, class)
      join allocation_item i on i.node_id = k.node_id and i.class = k.class and i.what = 'capacity' and i.ended_at is null and upper(i.during) <= now()
      union
      select a.id from allocation a
      where a.ended_at is null and a.expires_at <= now()
        and exists (
          select from allocation_item i
          where i.allocation_id = a.id and i.ended_at is null
            and (i.node_id = any(${[...among.providerIds]}::uuid[]) or i.block_id = any(${[...among.providerIds]}::uuid[])))
      limit ${among.limit}) few`;
  return [...new Set(rows.map((row) => row.id))];
}

/** For update, as they are once nobody else is busy with them. */
export async function lockAllocations(tx: Tx, ids: readonly string[]): Promise<readonly AllocationRow[]> {
  if (ids.length === 0) return [];
  const rows = await tx.unsafe(
    `select ${allocationColumns} from allocation a where a.id = any($1::uuid[]) order by a.id for update`,
    [[...ids]],
  );
  return rows as unknown as readonly AllocationRow[];
}

export interface NewAllocation
  extends
    Window,
    Pick<
      AllocationRow,
      | 'id'
      | 'tenantId'
      | 'projectId'
      | 'scopeId'
      | 'requestId'
      | 'consumerService'
      | 'consumerKind'
      | 'consumerId'
      | 'ttlSeconds'
      | 'maxTtlSeconds'
      | 'onExpiry'
      | 'noticeSeconds'
      | 'labels'
      | 'policyVersion'
    > {}

/** All new allocations of a transaction at once, in the order given. */
export async function insertAllocations(tx: Tx, made: readonly NewAllocation[]): Promise<readonly AllocationRow[]> {
  const rows = (await tx.unsafe(
    `insert into allocation as a (id, tenant_id, project_id, scope_id, request_id, consumer_service, consumer_kind, consumer_id, state,
       ttl_seconds, max_ttl_seconds, on_expiry, starts_at, expires_at, labels, policy_version, notice_seconds, notice_at)
     select n.id, n."tenantId", n."projectId", n."scopeId", n."requestId", n."consumerService", n."consumerKind", n."consumerId",
       case when n."startsAt" is not null then 'booked' when n."ttlSeconds" is null then 'active' else 'held' end, n."ttlSeconds", n."maxTtlSeconds", n."onExpiry",
       coalesce(n."startsAt", now()), coalesce(n."endsAt", now() + make_interval(secs => n."ttlSeconds")), n.labels, n."policyVersion", n."noticeSeconds",
       case when n."noticeSeconds" is not null then greatest(coalesce(n."startsAt", now()), n."endsAt" - make_interval(secs => n."noticeSeconds")) end
     from jsonb_to_recordset($1) as n(id uuid, "tenantId" uuid, "projectId" uuid, "scopeId" uuid, "requestId" text, "consumerService" text,
       "consumerKind" text, "consumerId" text, "ttlSeconds" int, "maxTtlSeconds" int, "onExpiry" text, "startsAt" timestamptz, "endsAt" timestamptz,
       "noticeSeconds" int, labels jsonb, "policyVersion" int)
     returning ${allocationColumns}`,
    [json(made)],
  )) as unknown as readonly AllocationRow[];
  const byId = new Map(rows.map((row) => [row.id, row]));
  return made.flatMap(({ id }) => byId.get(id) ?? []);
}

export interface NewItem {
  readonly id: string;
  readonly allocationId: string;
  readonly tenantId: string;
  readonly ordinal: number;
  readonly what: ItemRow['what'];
  readonly dimension?: string;
  readonly nodeId?: string;
  readonly domainId?: string;
  readonly number?: number;
  readonly spaceId?: string;
  readonly blockId?: string;
  readonly address?: string;
  readonly takenBlockId?: string;
  readonly cleaningSeconds?: number;
}

/** The fence is drawn here, after every lock: whoever took the thing before has committed and drew a smaller one. */
export async function insertItem(tx: Tx, item: NewItem): Promise<void> {
  await tx.sql`
    insert into allocation_item (id, allocation_id, tenant_id, ordinal, what, dimension, node_id, domain_id, number, space_id, block_id, address, taken_block_id, cleaning_seconds, during, fence)
    select ${item.id}::uuid, a.id, ${item.tenantId}::uuid, ${item.ordinal}::int, ${item.what}::text, ${item.dimension ?? null}::text, ${item.nodeId ?? null}::uuid, ${item.domainId ?? null}::uuid,
           ${item.number ?? null}::bigint, ${item.spaceId ?? null}::uuid, ${item.blockId ?? null}::uuid, ${item.address ?? null}::inet, ${item.takenBlockId ?? null}::uuid, ${item.cleaningSeconds ?? 0}::int,
           tstzrange(greatest(a.starts_at, now()), coalesce(a.expires_at, 'infinity')), nextval('allocation_fence')
    from allocation a where a.id = ${item.allocationId}::uuid`;
}

/** The place of the next item: those that were replaced keep theirs. */
export async function findNextOrdinal(tx: Tx, id: string): Promise<number> {
  const rows = await tx.sql<{ next: number }>`
    select coalesce(max(ordinal) + 1, 0) as next from allocation_item where allocation_id = ${id}::uuid`;
  return only(rows).next;
}

/** The counters of allocations that are about to be ended, before the allocations themselves. */
export async function lockCountersOf(tx: Tx, allocationIds: readonly string[]) {
  return lockCapacity(tx, { keys: await listCapacityKeys(tx, allocationIds), nodeIds: [] });
}

/** The highest fence among what an allocation holds. */
export async function findFence(tx: Tx, id: string): Promise<number> {
  const rows = await tx.sql<{
    fence: number;
  }>`select coalesce(max(fence), 0) as fence from allocation_item where allocation_id = ${id}::uuid`;
  return only(rows).fence;
}
