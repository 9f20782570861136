import { decodeId, encodeId, type Id, type Prefix } from '@sentral/contracts/ids';
import { defaultEnvironmentId, defaultProjectId, defaultTenantId } from '@sentral/contracts/tenancy';
import { nodesInRack, rackTexts, serversInRack, uuidOf, uuidText, type Family } from '@sentral/facts/volume';
import type { Database } from '@sentral/kernel/database';

/** The n-th of a family, by the id of the contract. */
export const nth = <P extends Prefix>(prefix: P, of: Family, n: number): Id<P> => encodeId(prefix, uuidOf(of, n));

export interface Volume {
  readonly racks: number;
  readonly allocations: number;
}

export const volumeOf = (nodes: number): Volume => ({
  racks: Math.floor(nodes / nodesInRack),
  allocations: nodes * 10,
});

/**
 * Adds what lies between two volumes: racks in one site, and allocations that have ended, half of them on the first ten servers.
 * Rows alone, behind the back of the triggers: each ended allocation has the version before, as a release leaves it.
 */
export async function fill(
  admin: Database,
  { site, from, to }: { site: Id<'nod'>; from: Volume; to: Volume },
): Promise<void> {
  const old = `now() - interval '300 days'`;
  const [tenant, project, environment] = [
    decodeId('tnt', defaultTenantId),
    decodeId('prj', defaultProjectId),
    decodeId('env', defaultEnvironmentId),
  ];
  const when = `${old} + n * interval '20 seconds'`;
  const on = `case when n % 2 = 0 then (n / 2) % 10 + 1 else n % (${to.racks} * ${serversInRack}) + 1 end`;
  const behind = (text: string) => admin.unsafe(`set local session_replication_role = replica; ${text}`);
  const racks = { site: decodeId('nod', site), from: from.racks + 1, to: to.racks, age: '300 days' };
  for (const text of rackTexts(racks)) await behind(text);
  await behind(`insert into inventory.node_history (node_id, version, type, recorded_at, state)
    select id, 1, 'inventory.node.registered', now(), '{"fence":0,"useVersion":0}' from inventory.node on conflict do nothing`);
  for (let first = from.allocations + 1; first <= to.allocations; first += 50_000) {
    const made = `generate_series(${first}, ${Math.min(first + 49_999, to.allocations)}) n`;
    for (const text of [
      `insert into inventory.allocation (id, tenant_id, project_id, scope_id, request_id, consumer_service, consumer_kind, consumer_id, state, starts_at, created_at, updated_at, ended_at, version)
       select ${uuidText('allocation', 'n')}, '${tenant}', '${project}', '${environment}', 'r' || n, 's', 'k', 'c' || n % 5000, 'released', ${when}, ${when}, ${when} + interval '1 hour', ${when} + interval '1 hour', 2 from ${made}`,
      `insert into inventory.allocation_past (allocation_id, tenant_id, until_at, state, on_expiry, starts_at, labels, version, updated_at)
       select ${uuidText('allocation', 'n')}, '${tenant}', ${when} + interval '1 hour', 'active', 'release', ${when}, '{}', 1, ${when} from ${made}`,
      `insert into inventory.allocation_item (id, allocation_id, tenant_id, ordinal, what, dimension, amount, node_id, class, during, fence, taken_at, released_at, ended_at)
       select ${uuidText('item', 'n')}, ${uuidText('allocation', 'n')}, '${tenant}', 0, 'capacity', 'inventory.vcpu', 1, ${uuidText('server', on)}, 'vcpu',
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
