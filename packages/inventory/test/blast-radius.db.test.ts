import { encodeId, type Id } from '@sentral/contracts/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stand, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(4);
});
afterAll(() => s.close());

const node = async (kind: string, name: string, parentId?: Id<'nod'>) =>
  (await s.inventory.node.register(s.caller, { kind, name, ...(parentId === undefined ? {} : { parentId }) })).id;
const joined = (edgeType: 'connects' | 'depends' | 'memberOf' | 'backedBy', a: Id<'nod'>, b: Id<'nod'>) =>
  s.inventory.edge.connect(s.caller, { edgeType, a: [a], b: [b] });
const radius = (id: Id<'nod'> | Id<'blk'> | Id<'rng'>, more: { number?: number; limit?: number } = {}) =>
  s.inventory.blastRadius.get(s.caller, { id, ...more });
const names = (hit: Awaited<ReturnType<typeof radius>>) =>
  hit.nodes.map(({ name, by, distance }) => `${distance} ${by} ${name}`).toSorted();

test('from a node: what lies in it, what depends on it, its groups and its cables; then prefixes, holders and scopes', async () => {
  const rack = await node('rack', 'rack');
  const [server, far] = [await node('server', 'server', rack), await node('server', 'far')];
  const [port, farPort] = [await node('interface', 'port', server), await node('interface', 'far-port', far)];
  const [lag, machine, service] = [
    await node('interface', 'lag', far),
    await node('virtual-machine', 'machine'),
    await node('virtual-machine', 'service'),
  ];
  await joined('connects', port, farPort);
  await joined('memberOf', port, lag);
  await joined('depends', machine, server);
  await joined('depends', service, machine);
  await joined('depends', server, await node('pdu', 'feed'));
  await joined('depends', await node('virtual-machine', 'beyond'), far);
  const space = await s.inventory.addressSpace.create(s.caller, { name: 'space' });
  const block = await s.inventory.addressBlock.create(s.caller, {
    spaceId: space.id,
    cidr: '10.0.0.0/16',
    nodeId: rack,
  });
  const child = await s.inventory.addressBlock.create(s.caller, { spaceId: space.id, cidr: '10.0.1.0/24' });
  const domain = await s.inventory.numberDomain.create(s.caller, { name: 'vlans', kind: 'vlan' });
  const range = await s.inventory.numberRange.create(s.caller, { domainId: domain.id, start: 100, end: 199 });
  await s.inventory.number.record(s.caller, { domainId: domain.id, value: 120, nodeId: machine });
  await s.inventory.address.record(s.caller, { spaceId: space.id, address: '10.0.1.7', nodeId: port });
  const held = await s.take([{ what: 'node', nodeId: server }]);
  const hosts = await s.take([{ what: 'address', blockId: child.id }]);
  const numbers = await s.take([{ what: 'number', domainId: domain.id, number: 121 }]);
  const gone = await s.take([{ what: 'number', domainId: domain.id, number: 122 }]);
  await s.inventory.allocation.release(s.caller, { id: gone.id });

  const hit = await radius(rack);
  expect(names(hit)).toEqual(
    [
      '0 start rack',
      '1 contains server',
      '2 contains port',
      '2 depends machine',
      '3 connects far',
      '3 connects far-port',
      '3 depends service',
      '3 memberOf lag',
    ].toSorted(),
  );
  expect(hit.nodes.find(({ id }) => id === machine)).toMatchObject({ viaId: server, kind: 'virtual-machine' });
  expect([hit.blocks.map(({ id }) => id), hit.allocations.map(({ id }) => id)]).toEqual([[block.id], [held.id]]);
  expect([hit.scopes.environmentIds, hit.counts, hit.truncated]).toEqual([
    [held.environmentId],
    { nodes: 8, blocks: 1, allocations: 1 },
    false,
  ]);
  const few = await radius(rack, { limit: 2 });
  expect([few.nodes.length, few.counts.nodes, few.truncated]).toEqual([2, 8, true]);

  const ofBlock = await radius(block.id);
  expect(names(ofBlock).slice(0, 2)).toEqual(['0 uses port', '1 connects far']);
  expect([ofBlock.counts.blocks, ofBlock.allocations.map(({ id }) => id)]).toEqual([2, [hosts.id]]);
  expect((await radius(child.id)).counts).toMatchObject({ blocks: 1, allocations: 1 });

  const ofRange = await radius(range.id);
  expect([names(ofRange), ofRange.allocations.map(({ id }) => id)]).toEqual([
    ['0 uses machine', '1 depends service'],
    [numbers.id],
  ]);
  expect((await radius(range.id, { number: 120 })).allocations).toEqual([]);
  expect((await radius(range.id, { number: 121 })).counts).toEqual({ nodes: 0, blocks: 0, allocations: 1 });
});

// W8: run with SENTRAL_TEST_FIGURES=1; it prints what it measured.
test.runIf(process.env['SENTRAL_TEST_FIGURES'] === '1')(
  'figures: the blast radius of a rack with 429 nodes among 100,000',
  async () => {
    const id = (n: string) => `('00000000-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`;
    const nodesOf = (from: number) =>
      `insert into inventory.node (id, kind, name, parent_id) select ${id('r * 1000 + n')}, case when n <= 40 then 'server' else 'interface' end, 'n' || n,
         case when n <= 40 then ${id('r * 1000')} else ${id('r * 1000 + n % 40 + 1')} end from generate_series(${from}, ${from + 19}) r, generate_series(1, 428) n`;
    for (const text of [
      // 240 racks of 429 nodes each, all below one site; each node depends on the one before it in the next rack.
      `insert into inventory.node (id, kind, name) values (${id('0')}, 'site', 'all')`,
      `insert into inventory.node (id, kind, name, parent_id) select ${id('r * 1000')}, 'rack', 'r' || r, ${id('0')} from generate_series(1, 240) r`,
      ...Array.from({ length: 12 }, (_, at) => nodesOf(20 * at + 1)),
      `insert into inventory.edge (id, edge_type) select ${id('16777216 + r * 1000 + n')}, 'depends' from generate_series(1, 239) r, generate_series(1, 10) n`,
      `insert into inventory.edge_end (edge_id, edge_type, side, ordinal, node_id)
         select ${id('16777216 + r * 1000 + n')}, 'depends', side, 0, case side when 'a' then ${id('(r + 1) * 1000 + n + 300')} else ${id('r * 1000 + n')} end
         from generate_series(1, 239) r, generate_series(1, 10) n, unnest(array['a', 'b']) side`,
      'analyze inventory.node, inventory.edge, inventory.edge_end',
    ])
      await s.admin.unsafe(`set local session_replication_role = replica; ${text}`);
    const took: number[] = [];
    for (let n = 0; n < 300; n += 1) {
      const rack = `00000000-0000-7000-8000-${((1 + (n % 200)) * 1000).toString(16).padStart(12, '0')}`;
      const began = performance.now();
      const hit = await radius(encodeId('nod', rack), { limit: 1000 });
      took.push(performance.now() - began);
      expect(hit.counts.nodes).toBeGreaterThanOrEqual(429);
    }
    took.sort((a, b) => a - b);
    const at = (part: number) => Math.round(took[Math.floor(took.length * part)] ?? 0);
    process.stdout.write(`blast radius of 429 of 100,000 nodes, 300 asked: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms\n`);
  },
  300_000,
);
