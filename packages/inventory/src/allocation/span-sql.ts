// Lock order and isolation: sql.ts. Of an allocation that is locked, the row, the spans of its items and the holds of its values move together.
import type { Tx } from '@sentral/kernel/database';
import { allocationColumns, only, type AllocationRow } from './sql.js';
import type { Window } from './window.js';

/** Bind, confirm and renew: the row, the span of its items and the holds of its values move together. */
export async function amendExpiry(
  tx: Tx,
  change: { id: string; state: string; expiresInSeconds: number | null; policyVersion: number | null; taskId?: string },
): Promise<AllocationRow> {
  const rows = await tx.unsafe(
    `update allocation as a set state = $2, expires_at = now() + make_interval(secs => $3::int), policy_version = $4,
       bound_task_id = coalesce($5::uuid, a.bound_task_id), version = a.version + 1, updated_at = now()
     where a.id = $1 returning ${allocationColumns}`,
    [change.id, change.state, change.expiresInSeconds, change.policyVersion, change.taskId ?? null],
  );
  await moveSpans(tx, change.id);
  return rows[0] as unknown as AllocationRow;
}

/** The spans of live items and the holds of their values follow their allocation; with `restarted` also where they begin. */
export async function moveSpans(tx: Tx, id: string, restarted = false): Promise<void> {
  await tx.sql`
    update allocation_item i set during = tstzrange(case when ${restarted} then a.starts_at else lower(i.during) end, coalesce(a.expires_at, 'infinity'))
    from allocation a where a.id = i.allocation_id and i.allocation_id = ${id}::uuid and i.ended_at is null`;
  await tx.sql`
    update number_hold h set free_at = coalesce(a.expires_at + make_interval(secs => d.cool_down_seconds), 'infinity')
    from allocation_item i, allocation a, number_domain d
    where i.allocation_id = ${id}::uuid and i.ended_at is null and a.id = i.allocation_id and h.item_id = i.id and d.id = h.domain_id`;
  await tx.sql`
    update address_hold h set free_at = coalesce(a.expires_at + make_interval(secs => s.cool_down_seconds), 'infinity')
    from allocation_item i, allocation a, address_space s
    where i.allocation_id = ${id}::uuid and i.ended_at is null and a.id = i.allocation_id and h.item_id = i.id and s.id = h.space_id`;
}

/** Another set of things or another window: the row moves with them. A notice that was given is due again where it lies ahead. */
export async function touchAllocation(
  tx: Tx,
  change: {
    id: string;
    policyVersion: number | null;
    flags: AllocationRow['flags'];
    window?: (Window & { state: AllocationRow['state']; noticeSeconds: number | null }) | undefined;
  },
): Promise<AllocationRow> {
  const { window } = change;
  const rows = await tx.unsafe(
    `update allocation as a set policy_version = $2, flags = $8::text[], version = a.version + 1, updated_at = now(), state = coalesce($4, a.state),
       starts_at = n.starts_at, expires_at = n.expires_at, notice_seconds = n.notice_seconds, notice_at = n.notice_at,
       noticed_at = case when n.notice_at > now() then null else a.noticed_at end
     from (
       select m.*, case when m.notice_seconds is not null and m.expires_at is not null
         then greatest(m.starts_at, m.expires_at - make_interval(secs => m.notice_seconds)) end as notice_at
       from (
         select case when not $3::boolean or b.state = 'active' then b.starts_at else coalesce($5::timestamptz, now()) end as starts_at,
           case when $3::boolean then $6::timestamptz else b.expires_at end as expires_at,
           case when $3::boolean then $7::int else b.notice_seconds end as notice_seconds
         from allocation b where b.id = $1) m) n
     where a.id = $1 returning ${allocationColumns}`,
    [
      change.id,
      change.policyVersion,
      window !== undefined,
      window?.state ?? null,
      window?.startsAt ?? null,
      window?.endsAt ?? null,
      window?.noticeSeconds ?? null,
      [...change.flags],
    ],
  );
  return rows[0] as unknown as AllocationRow;
}

/** Whole seconds since the allocation began, by the transaction's clock. */
export async function findAgeSeconds(tx: Tx, id: string): Promise<number> {
  const rows = await tx.sql<{
    age: number;
  }>`select floor(extract(epoch from now() - starts_at))::int as age from allocation where id = ${id}::uuid`;
  return only(rows).age;
}
