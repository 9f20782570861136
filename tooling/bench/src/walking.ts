import { decodeId, encodeId, type Id } from '@sentral/contracts/ids';
import { nodesInRack, rackTexts, serversInRack, uuidOf } from '@sentral/facts/volume';
import { ask, type Run, type Workload } from './allocating.js';
import { limit, together, type Measured } from './load.js';
import type { Json } from './stand.js';

const racks = Math.ceil(100_000 / nodesInRack);
const page = 100;

/** A walk as SQL alone: what any answer to the question has to read, without owners, versions of parts, and shapes. */
const bare = {
  subtree: `with recursive down (id, depth) as (
      select id, 0 from inventory.node where id = $1::uuid
      union all
      select n.id, down.depth + 1 from inventory.node n join down on n.parent_id = down.id where n.state <> 'retired'
    ) select n.*, (select jsonb_agg(e.*) from inventory.external_id e where e.resource_id = n.id), down.depth as given
    from down join inventory.node n on n.id = down.id order by down.depth, n.id limit ${page}`,
  // From a server over its ports and cables to the switch, and to the servers beyond.
  path: `select o.parent_id as given from inventory.node p join inventory.edge_end a on a.node_id = p.id and a.live
      join inventory.edge_end b on b.edge_id = a.edge_id and b.side <> a.side join inventory.node q on q.id = b.node_id
      join inventory.node r on r.parent_id = q.parent_id join inventory.edge_end c on c.node_id = r.id and c.live
      join inventory.edge_end d on d.edge_id = c.edge_id and d.side <> c.side join inventory.node o on o.id = d.node_id
    where p.parent_id = $1::uuid`,
  'blast radius': `with recursive hit (id) as (
      select $1::uuid
      union
      select n.id from inventory.node n join hit on n.parent_id = hit.id where n.state <> 'retired'
    ) select (select count(*) from hit join inventory.node n on n.id = hit.id) +
      (select count(*) from hit join inventory.edge_end a on a.node_id = hit.id and a.live join inventory.edge_end b on b.edge_id = a.edge_id) +
      (select count(*) from hit join inventory.allocation_item i on i.node_id = hit.id and i.ended_at is null) as given`,
} as const;

/** Subtree, path and blast radius beside 100,000 nodes. */
export const w8: Workload = async function* (run) {
  const { stand } = run;
  const site: Json = await stand.ask('POST', '/v1/nodes', { kind: 'site', name: `walks-${Date.now()}` });
  for (const text of rackTexts({ site: decodeId('nod', site.id as Id<'nod'>), from: 1, to: racks, age: '1 day' }))
    await stand.admin.unsafe(`set local session_replication_role = replica; ${text}`);
  for (const table of ['node', 'edge', 'edge_end', 'capacity'])
    await stand.admin.unsafe(`vacuum analyze inventory.${table}`);
  const some = Array.from({ length: 200 }, (_, n) => 1 + ((n * 7) % racks));
  const rackIds = some.map((rack) => uuidOf('rack', rack));
  const serverIds = some.map((rack) => uuidOf('server', (rack - 1) * serversInRack + 1));
  const nod = (uuid: string) => encodeId('nod', uuid);
  const last = (rack: number) => nod(uuidOf('server', rack * serversInRack));
  const walks = [
    { walk: 'subtree', targets: rackIds, paths: rackIds.map((id) => `/v1/nodes/${nod(id)}/subtree?limit=${page}`) },
    {
      walk: 'path',
      targets: serverIds,
      paths: serverIds.map((id, n) => `/v1/paths?from=${nod(id)}&to=${last(some[n] ?? 1)}`),
    },
    { walk: 'blast radius', targets: rackIds, paths: rackIds.map((id) => `/v1/nodes/${nod(id)}/blastRadius`) },
  ] as const;
  for (const walk of walks) yield await measure(run, walk);
};

async function measure(
  run: Run,
  { walk, targets, paths }: { walk: keyof typeof bare; targets: readonly string[]; paths: readonly string[] },
) {
  const clients = 8;
  const ours: Measured[] = [];
  const limits: Measured[] = [];
  const order = { clients, shape: 'read', targets: paths.map((path) => ({ nodeIds: [], path })) } as const;
  await ask(run, { ...order, seconds: 1 });
  for (let round = 0; round < run.rounds; round += 1) {
    limits.push(await limit({ clients, url: run.stand.adminUrl, seconds: run.seconds, round: [bare[walk]], targets }));
    ours.push(await ask(run, order));
  }
  return {
    workload: 'W8',
    what: `${walk} at ${(racks * nodesInRack).toLocaleString('en')} nodes, ${clients} clients`,
    value: together(ours),
    limit: together(limits),
    ratioLeast: 0.7,
    p99MsMost: 50,
  };
}
