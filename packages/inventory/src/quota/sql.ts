// Lock order: the last rows that a transaction locks, tenants first, then projects, then environments, each by id.
import type { Database, Tx } from '@sentral/kernel/database';

export interface Move {
  readonly scopeId: string;
  /** 0 tenant, 1 project, 2 environment. */
  readonly rank: number;
  readonly dimension: string;
  readonly delta: number;
}

export interface CounterRow {
  readonly scopeId: string;
  readonly dimension: string;
  readonly used: number;
  readonly cap: number | null;
}

/** For update, in the one order that everyone uses. */
export async function lockQuota(tx: Tx, moves: readonly Move[]): Promise<readonly CounterRow[]> {
  const [scopes, dimensions, ranks] = columnsOf(moves);
  const rows = await tx.sql<CounterRow & object>`
    select q.scope_id as "scopeId", q.dimension, q.used, q.cap
    from unnest(${scopes}::uuid[], ${dimensions}::text[], ${ranks}::int[]) as w(scope_id, dimension, rank)
    join quota_use q on q.scope_id = w.scope_id and q.dimension = w.dimension
    order by w.rank, q.scope_id, q.dimension for update of q`;
  if (rows.length === moves.length) return rows;
  // A counter is made by the first taking, in the same order; then all are locked again.
  await tx.sql`
    insert into quota_use (scope_id, dimension)
    select w.scope_id, w.dimension from unnest(${scopes}::uuid[], ${dimensions}::text[], ${ranks}::int[]) as w(scope_id, dimension, rank)
    order by w.rank, w.scope_id, w.dimension
    on conflict (scope_id, dimension) do nothing`;
  return lockQuota(tx, moves);
}

/** Counts up or down what is locked; giving back writes down what still lies over a lowered limit. */
export async function amendQuota(tx: Tx, moves: readonly Move[]): Promise<void> {
  const [scopes, dimensions] = columnsOf(moves);
  await tx.sql`
    update quota_use q set used = q.used + w.delta,
      over_by = case when w.delta < 0 then greatest(0, q.used + w.delta - coalesce(q.cap, q.used + w.delta)) else q.over_by end
    from unnest(${scopes}::uuid[], ${dimensions}::text[], ${moves.map((move) => move.delta)}::bigint[]) as w(scope_id, dimension, delta)
    where q.scope_id = w.scope_id and q.dimension = w.dimension`;
}

function columnsOf(moves: readonly Move[]): [string[], string[], number[]] {
  return [moves.map((move) => move.scopeId), moves.map((move) => move.dimension), moves.map((move) => move.rank)];
}

/** How many more of a dimension a scope may take; infinite without a limit. */
export async function findRoom(
  on: Database,
  { scopeId, dimension }: Pick<CounterRow, 'scopeId' | 'dimension'>,
): Promise<number> {
  const [row] = await on.sql<{ room: number | null }>`
    select cap - used as room from quota_use where scope_id = ${scopeId}::uuid and dimension = ${dimension}`;
  return row?.room ?? Infinity;
}

type UseRow = CounterRow & { readonly kind: string; readonly overBy: number };

/** The counters of a scope itself; the platform has none, so what its tenants use is summed. */
export async function listOwnUse(on: Database, scopeId: string): Promise<readonly UseRow[]> {
  const rows = await on.unsafe(
    `select q.scope_id as "scopeId", s.kind, q.dimension, q.used, q.cap, q.over_by as "overBy"
     from scope_view s join quota_use q on q.scope_id = s.id where s.id = $1::uuid
     union all
     select p.id, p.kind, q.dimension, sum(q.used)::bigint, null, 0
     from scope_view p join scope_view s on s.parent_id = p.id join quota_use q on q.scope_id = s.id
     where p.id = $1::uuid and p.kind = 'platform' group by p.id, p.kind, q.dimension
     order by 3`,
    [scopeId],
  );
  return rows as unknown as readonly UseRow[];
}

/** The counters of what lies directly below a scope. */
export async function listChildUse(on: Database, scopeId: string, limit: number): Promise<readonly UseRow[]> {
  const rows = await on.unsafe(
    `select q.scope_id as "scopeId", s.kind, q.dimension, q.used, q.cap, q.over_by as "overBy"
     from scope_view s join quota_use q on q.scope_id = s.id where s.parent_id = $1::uuid
     order by s.id, q.dimension limit $2`,
    [scopeId, limit],
  );
  return rows as unknown as readonly UseRow[];
}

/** A quota counter of a scope, less what has run out in it and waits to be ended. */
export interface Room {
  readonly scopeId: string;
  readonly dimension: string;
  readonly used: number;
  readonly cap: number | null;
}

export async function listRoom(
  tx: Tx,
  of: readonly { readonly scopeId: string; readonly dimension: string; readonly column: string }[],
): Promise<readonly Room[]> {
  const rooms: Room[] = [];
  for (const { scopeId, dimension, column } of of) {
    const [row] = await tx.unsafe(
      `select q.scope_id as "scopeId", q.dimension, q.cap, q.used - (
         select coalesce(sum(i.amount), 0)::bigint from allocation a join allocation_item i on i.allocation_id = a.id and i.ended_at is null
         where a.${column} = q.scope_id and a.ended_at is null and a.expires_at <= now() and i.dimension = q.dimension) as used
       from quota_use q where q.scope_id = $1::uuid and q.dimension = $2 and q.cap is not null`,
      [scopeId, dimension],
    );
    if (row !== undefined) rooms.push(row as unknown as Room);
  }
  return rooms;
}
