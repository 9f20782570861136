import type { Database } from '@sentral/kernel/database';

/** Tens of thousands of rows, so that the planner has reason to choose. */
export const rows = 20_000;
export const uuid = (family: string, n: number | string): string =>
  `'00000000-0000-7000-${family}-' || lpad(to_hex(${n}), 12, '0')`;
export const id = (family: string, n: number): string =>
  `00000000-0000-7000-${family}-${n.toString(16).padStart(12, '0')}`;

const n = `generate_series(1, ${rows}) n`;
const filled = [
  `insert into inventory.node (id, kind, name, parent_id, created_at) select (${uuid('8001', 'n')})::uuid, 'rack', 'n' || n,
     case when n > 1 then (${uuid('8001', 'n / 20 + 1')})::uuid end, now() - n * interval '1 second' from ${n}`,
  `insert into inventory.provider_use (provider_id) select id from inventory.node`,
  `insert into inventory.capacity (node_id, class, total, max_unit, cap) select id, 'vcpu', 8, 8, 8 from inventory.node`,
  `insert into inventory.observation (id, node_id, source, generation, state, observed_at)
     select (${uuid('800a', 'n')})::uuid, (${uuid('8001', 'n')})::uuid, 's', 1, 'available', now() from ${n}`,
  `insert into inventory.node_history (node_id, version, type, recorded_at, state)
     select (${uuid('8001', 'n % 1000 + 1')})::uuid, n / 1000 + 1, 'inventory.node.amended', now(), '{}' from ${n}`,
  `insert into inventory.allocation (id, tenant_id, scope_id, request_id, consumer_service, consumer_kind, consumer_id, state, created_at, starts_at, expires_at)
     select (${uuid('8002', 'n')})::uuid, (${uuid('8003', 'n % 50')})::uuid, (${uuid('8004', 'n % 500')})::uuid, 'r' || n, 's', 'k', 'c' || n, 'held',
       now() - n * interval '1 second', now() - interval '2 days', now() + (n - 20) * interval '1 hour' from ${n}`,
  `insert into inventory.allocation_item (id, allocation_id, tenant_id, ordinal, what, node_id, during, fence)
     select (${uuid('8005', 'n')})::uuid, (${uuid('8002', 'n')})::uuid, (${uuid('8003', 'n % 50')})::uuid, 0, 'node', (${uuid('8001', 'n')})::uuid,
       tstzrange(now(), null), n from ${n}`,
  `insert into inventory.address_space (id, name) select (${uuid('8006', 'n')})::uuid, 's' || n from generate_series(1, 200) n`,
  `insert into inventory.address_block (id, space_id, cidr) select (${uuid('8007', 's')})::uuid, (${uuid('8006', 's')})::uuid, '10.0.0.0/8' from generate_series(1, 200) s`,
  `insert into inventory.address_block (id, space_id, parent_id, parent_cidr, cidr)
     select gen_random_uuid(), (${uuid('8006', 'n % 200 + 1')})::uuid, (${uuid('8007', 'n % 200 + 1')})::uuid, '10.0.0.0/8',
       set_masklen('10.128.0.0'::inet + (n / 200) * 256::bigint, 24)::cidr from ${n}`,
  `insert into inventory.address_hold (space_id, host, free_at) select (${uuid('8006', 'n % 200 + 1')})::uuid, '10.0.0.0'::inet + n / 200 + 1, 'infinity' from ${n}`,
  `insert into inventory.number_domain (id, name, kind, pooled) select (${uuid('8008', 'n')})::uuid, 'd' || n, 'vni', true from generate_series(1, 200) n`,
  `insert into inventory.number_range (id, domain_id, domain_kind, numbers)
     select gen_random_uuid(), (${uuid('8008', 'n % 200 + 1')})::uuid, 'vni', int8range(n / 200 * 1000, n / 200 * 1000 + 1000) from ${n}`,
  `insert into inventory.number_hold (domain_id, domain_kind, value, free_at) select (${uuid('8008', 'n % 200 + 1')})::uuid, 'vni', n / 200, 'infinity' from ${n}`,
  `insert into inventory.edge (id, edge_type, created_at) select (${uuid('800a', 'n')})::uuid, 'depends', now() - n * interval '1 second' from ${n}`,
  `insert into inventory.edge_end (edge_id, edge_type, side, ordinal, node_id)
     select (${uuid('800a', 'n')})::uuid, 'depends', side, 0, (${uuid('8001', `(n + ascii(side)) % ${rows} + 1`)})::uuid from ${n}, unnest(array['a', 'b']) side`,
  // One scope in ten has a lien, each on a thing of its own.
  `insert into inventory.scope_view (id, kind, parent_id, state, version, holds)
     select (${uuid('8009', 'n')})::uuid, case when n = 1 then 'platform' else 'environment' end, case when n > 1 then (${uuid('8009', 1)})::uuid end, 'active', 1,
       case when n % 10 = 7 then jsonb_build_array(jsonb_build_object('id', 'hol_' || n, 'resourceId', 'nod_' || n, 'origin', 'o', 'reason', 'r')) else '[]' end from ${n}`,
  `insert into inventory.feed (id, pos, type, resource_type, resource_id, resource_version, event)
     select gen_random_uuid(), case when n <= ${rows - 100} then n end, 't', 'inventory.node', gen_random_uuid(), 1, '{}' from ${n}`,
  `insert into inventory.lease (name, position) values ('feed.number', ${rows - 100}) on conflict (name) do update set position = excluded.position`,
];

/** Rows alone, behind the back of the guards. */
export async function fillPlans(admin: Database, ...more: readonly string[]): Promise<void> {
  for (const text of [...filled, ...more]) await admin.unsafe(`set local session_replication_role = replica; ${text}`);
  await admin.unsafe('analyze');
}
