// External ids belong to the resource that they name and change under its row lock; there is no lock of their own.
import type { Tx } from '@sentral/kernel/database';

export interface ExternalKey {
  readonly source: string;
  readonly externalId: string;
}

/** As part of a select: the keys of the resource whose id column is named. */
export const externalIdsOf = (idColumn: string): string =>
  `coalesce((select jsonb_agg(jsonb_build_object('source', e.source, 'externalId', e.external_id) order by e.source, e.external_id) from external_id e where e.resource_id = ${idColumn}), '[]'::jsonb) as "externalIds"`;

/** Names a new resource by its keys. */
export async function insertExternalIds(
  tx: Tx,
  of: { type: string; id: string },
  keys: readonly ExternalKey[],
): Promise<void> {
  if (keys.length === 0) return;
  await tx.sql`
    insert into external_id (source, external_id, resource_type, resource_id)
    select source, external_id, ${of.type}::text, ${of.id}::uuid
    from unnest(${keys.map((key) => key.source)}::text[], ${keys.map((key) => key.externalId)}::text[]) as given (source, external_id)`;
}
