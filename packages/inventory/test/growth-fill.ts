import { decodeId, encodeId, type Id, type Prefix } from '@sentral/contracts/ids';
import { defaultEnvironmentId, defaultProjectId, defaultTenantId } from '@sentral/contracts/tenancy';
import type { Database } from '@sentral/kernel/database';

/** A rack has a switch and 16 servers, each with two ports, one of them cabled; 66 nodes with itself and the ports of the switch. */
const servers = 16;
const perRack = 2 + servers * 4;

const family = {
  rack: '8a01',
  switch: '8a02',
  server: '8a03',
  port: '8a04',
  switchPort: '8a05',
  cable: '8a06',
  allocation: '8a07',
  item: '8a08',
} as const;
type Family = keyof typeof family;

const uuid = (of: Family, n: number | string): string =>
  `('00000000-0000-7000-${family[of]}-' || lpad(to_hex(${n}), 12, '0'))::uuid`;

/** The n-th of a family, by the id of the contract. */
export const nth = <P extends Prefix>(prefix: P, of: Family, n: number): Id<P> =>
  encodeId(prefix, `00000000-0000-7000-${family[of]}-${n.toString(16).padStart(12, '0')}`);

export interface Volume {
  readonly racks: number;
  readonly allocations: number;
}

export const volumeOf = (nodes: number): Volume => ({ racks: Math.floor(nodes / perRack), allocations: nodes * 10 });

/**
 * Adds what lies between two volumes: racks in one site, and allocations that have ended, half of them on the first ten servers.
 * Rows alone, behind the back of the triggers: each ended allocation has the version before, as a release leaves it.
 */
export async function fill(
  admin: Database,
  { site, from, to }: { site: Id<'nod'>; from: Volume; to: Volume },
): Promise<void> {
  const racks = `generate_series(${from.racks + 1}, ${to.racks}) r`;
  const boxes = `${racks}, generate_series(1, ${servers}) s`;
  const box = `(r - 1) * ${servers} + s`;
  const node = 'insert into inventory.node (created_at, updated_at, id, kind, name, parent_id)';
  const old = `now() - interval '300 days'`;
  const [tenant, project, environment] = [
    decodeId('tnt', defaultTenantId),
    decodeId('prj', defaultProjectId),
    decodeId('env', defaultEnvironmentId),
  ];
  const when = `${old} + n * interval '20 seconds'`;
  const on = `case when n % 2 = 0 then (n / 2) % 10 + 1 else n % (${to.racks} * ${servers}) + 1 end`;
  const texts = [
    `${node} select ${old}, ${old}, ${uuid('rack', 'r')}, 'rack', 'rack-' || r, '${decodeId('nod', site)}' from ${racks}`,
    `${node} select ${old}, ${old}, ${uuid('switch', 'r')}, 'switch', 'switch-' || r, ${uuid('rack', 'r')} from ${racks}`,
    `${node} select ${old}, ${old}, ${uuid('server', box)}, 'server', 'server-' || s, ${uuid('rack', 'r')} from ${boxes}`,
    `${node} select ${old}, ${old}, ${uuid('port', `2 * (${box}) + p`)}, 'interface', 'eth' || p, ${uuid('server', box)} from ${boxes}, generate_series(0, 1) p`,
    `${node} select ${old}, ${old}, ${uuid('switchPort', box)}, 'interface', 'port' || s, ${uuid('switch', 'r')} from ${boxes}`,
    `insert into inventory.capacity (node_id, class, total, max_unit, cap) select ${uuid('server', box)}, 'vcpu', 1000000, 1000000, 1000000 from ${boxes}`,
    `insert into inventory.node_history (node_id, version, type, recorded_at, state) select id, 1, 'inventory.node.registered', now(), '{"fence":0,"useVersion":0}' from inventory.node n
       where n.parent_id = '${decodeId('nod', site)}' on conflict do nothing`,
    `insert into inventory.edge (created_at, updated_at, id, edge_type) select ${old}, ${old}, ${uuid('cable', box)}, 'connects' from ${boxes}`,
    `insert into inventory.edge_end (since, edge_id, edge_type, side, ordinal, node_id)
       select ${old}, ${uuid('cable', box)}, 'connects', side, 0, case side when 'a' then ${uuid('port', `2 * (${box})`)} else ${uuid('switchPort', box)} end from ${boxes}, unnest(array['a', 'b']) side`,
  ];
  const behind = (text: string) => admin.unsafe(`set local session_replication_role = replica; ${text}`);
  for (const text of texts) await behind(text);
  for (let first = from.allocations + 1; first <= to.allocations; first += 50_000) {
    const made = `generate_series(${first}, ${Math.min(first + 49_999, to.allocations)}) n`;
    for (const text of [
      `insert into inventory.allocation (id, tenant_id, project_id, scope_id, request_id, consumer_service, consumer_kind, consumer_id, state, starts_at, created_at, updated_at, ended_at, version)
       select ${uuid('allocation', 'n')}, '${tenant}', '${project}', '${environment}', 'r' || n, 's', 'k', 'c' || n % 5000, 'released', ${when}, ${when}, ${when} + interval '1 hour', ${when} + interval '1 hour', 2 from ${made}`,
      `insert into inventory.allocation_past (allocation_id, tenant_id, until_at, state, on_expiry, starts_at, labels, version, updated_at)
       select ${uuid('allocation', 'n')}, '${tenant}', ${when} + interval '1 hour', 'active', 'release', ${when}, '{}', 1, ${when} from ${made}`,
      `insert into inventory.allocation_item (id, allocation_id, tenant_id, ordinal, what, dimension, amount, node_id, class, during, fence, taken_at, released_at, ended_at)
       select ${uuid('item', 'n')}, ${uuid('allocation', 'n')}, '${tenant}', 0, 'capacity', 'inventory.vcpu', 1, ${uuid('server', on)}, 'vcpu',
         tstzrange(${when}, ${when} + interval '1 hour'), n, ${when}, ${when} + interval '1 hour', ${when} + interval '1 hour' from ${made}`,
    ])
      await behind(text);
  }
  await behind(`update inventory.past_begins set at = now() - interval '301 days'`);
  for (const table of [
    'node',
    'edge',
    'edge_end',
    'capacity',
    'allocation',
    'allocation_item',
    'allocation_past',
    'node_history',
  ])
    await admin.unsafe(`vacuum analyze inventory.${table}`);
}
