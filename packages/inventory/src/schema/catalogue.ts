/**
 * Facts: a change of a row moves its version by one and leaves a feed row in the same transaction. The guard of the kernel
 * refuses everything else at COMMIT.
 */
export const auditedTables = [
  'node',
  'edge',
  'rack_reservation',
  'device_type',
  'address_space',
  'address_block',
  'address_range',
  'address',
  'number_domain',
  'number_range',
  'number',
  'allocation',
] as const;

/** Facts whose tables came after the kernel's step; the migration that makes them guards them. */
export const laterAuditedTables = ['trait', 'resource_class', 'pool', 'finding'] as const;

/** Parts of a fact: they change with the version of the row they belong to, and never alone. */
export const partTables = [
  'external_id',
  'edge_end',
  'rack',
  'rack_claim',
  'allocation_item',
  'node_trait',
  'pool_member',
  'platform_resource',
] as const;

/** Bookkeeping: no version that anyone may rely on, no guard, no event. */
export const bookkeepingTables = [
  'kind',
  'node_history',
  'node_past',
  'edge_past',
  'edge_end_past',
  'address_space_past',
  'address_block_past',
  'address_past',
  'number_domain_past',
  'number_past',
  'external_id_past',
  'allocation_past',
  'allocation_item_past',
  'past_begins',
  'capacity',
  'provider_use',
  'observation',
  'finding_sighting',
  'address_hold',
  'number_hold',
  'scope_view',
  'quota_use',
  'refusal',
  'import',
  'import_chunk',
  'import_row',
  'feed',
  'outbox',
  'inbox',
  'idempotency',
  'operation',
  'lease',
] as const;
