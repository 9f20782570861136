// Reads only: the unique index over what is live judges. READ COMMITTED.
import type { Tx } from '@sentral/kernel/database';
import { allocationColumns, type AllocationRow } from './sql.js';

export interface Consumer {
  readonly service: string;
  readonly kind: string;
  readonly id: string;
}

export async function findByConsumer(
  tx: Tx,
  tenantId: string,
  { service, kind, id }: Consumer,
): Promise<AllocationRow | undefined> {
  const rows = await tx.unsafe(
    `select ${allocationColumns} from allocation a
     where a.tenant_id = $1 and a.consumer_service = $2 and a.consumer_kind = $3 and a.consumer_id = $4 and a.ended_at is null`,
    [tenantId, service, kind, id],
  );
  return rows[0] as AllocationRow | undefined;
}

/** What these consumers hold, each in the tenant of its scope. */
export async function listByConsumers(
  tx: Tx,
  of: readonly { readonly scopeId: string; readonly consumer: Consumer }[],
): Promise<readonly AllocationRow[]> {
  const rows = await tx.unsafe(
    `select ${allocationColumns} from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as w(scope_id, service, kind, id)
     join scope_view s on s.id = w.scope_id
     join allocation a on a.tenant_id = s.tenant_id and a.consumer_service = w.service and a.consumer_kind = w.kind and a.consumer_id = w.id
       and a.ended_at is null`,
    [
      of.map(({ scopeId }) => scopeId),
      of.map(({ consumer }) => consumer.service),
      of.map(({ consumer }) => consumer.kind),
      of.map(({ consumer }) => consumer.id),
    ],
  );
  return rows as unknown as readonly AllocationRow[];
}
