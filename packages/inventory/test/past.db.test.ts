import type { Caller } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { newId } from '@sentral/kernel/id';
import { inTransaction } from '@sentral/kernel/transaction';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sweepAllocations } from '../src/allocation/sweep.js';
import { recordChanges } from '../src/events.js';
import { codeOf, orProblem, stand, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(4);
});
afterAll(() => s?.close());

const roots = 3;
const actions = [
  'register',
  'label',
  'move',
  'offer',
  'retire',
  'cable',
  'uncable',
  'block',
  'status',
  'unblock',
  'address',
  'unaddress',
  'number',
  'take',
  'book',
  'hold',
  'confirm',
  'renew',
  'replace',
  'release',
  'expire',
] as const;
const step = fc.record({ op: fc.constantFrom(...actions), at: fc.nat({ max: 1000 }), to: fc.nat({ max: 1000 }) });

interface Place {
  readonly spaceId: Id<'spc'>;
  readonly domainId: Id<'ndm'>;
  readonly pools: readonly Id<'nod'>[];
  readonly nodes: Id<'nod'>[];
  readonly ports: Id<'nod'>[];
  readonly edges: Id<'edg'>[];
  readonly blocks: Id<'blk'>[];
  readonly addresses: Id<'adr'>[];
  readonly allocations: Id<'alc'>[];
  count: number;
}

test('whatever was done, at every instant that was recorded a read as of it says what a read said then', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 25, maxLength: 40 }), async (steps) => {
      const place = await begin();
      const recorded: { at: string; said: unknown }[] = [];
      for (const each of steps) {
        await orProblem(act(place, each));
        const at = await s.instant();
        recorded.push({ at, said: await everything(place) });
      }
      for (const { at, said } of recorded) expect(await everything(place, at)).toEqual(said);
    }),
    { numRuns: 2, endOnFailure: true },
  );
}, 120_000);

async function begin(): Promise<Place> {
  const { inventory, caller } = s;
  const space = await inventory.addressSpace.create(caller, { name: `s-${newId()}` });
  const domain = await inventory.numberDomain.create(caller, { name: `d-${newId()}`, kind: 'vlan' });
  await inventory.numberRange.create(caller, { domainId: domain.id, start: 1, end: 4094 });
  const pools = [];
  for (let n = 0; n < roots; n += 1) pools.push(await s.host([{ class: 'vcpu', total: 100, maxUnit: 100 }]));
  return {
    spaceId: space.id,
    domainId: domain.id,
    pools,
    nodes: [...pools],
    ports: [],
    edges: [],
    blocks: [],
    addresses: [],
    allocations: [],
    count: 0,
  };
}

async function act(place: Place, { op, at, to }: { op: (typeof actions)[number]; at: number; to: number }) {
  const { inventory, caller } = s;
  place.count += 1;
  const n = place.count;
  const some = <T>(of: readonly T[], which: number): T => of[which % Math.max(of.length, 1)] as T;
  const node = some(place.nodes, at);
  const held = some(place.allocations, at);
  const things = [{ what: 'capacity' as const, nodeId: some(place.pools, at), class: 'vcpu', amount: 1 + (to % 5) }];
  const taking = async (more: object) => void place.allocations.push((await s.take(things, more)).id);
  switch (op) {
    case 'register': {
      const made = await inventory.node.register(caller, {
        kind: 'location',
        name: `n-${n}`,
        parentId: node,
        externalIds: [{ source: 't', externalId: newId() }],
      });
      place.nodes.push(made.id);
      const port = await inventory.node.register(caller, {
        kind: 'interface',
        name: `p-${n}`,
        parentId: (await server(made.id, n)).id,
      });
      return void place.ports.push(port.id);
    }
    case 'label':
      return inventory.node.amend(caller, { id: node, patch: { labels: { n: String(to) }, name: `r-${n}` } });
    case 'move':
      return inventory.node.amend(caller, { id: node, patch: { parentId: some(place.nodes, to) } });
    case 'offer':
      return inventory.capacity.set(caller, {
        nodeId: node,
        capacities: [{ class: 'vcpu', total: 100 + to, maxUnit: 50 }],
      });
    case 'retire':
      return inventory.node.retire(caller, { id: node });
    case 'cable': {
      const edge = await inventory.edge.connect(caller, {
        edgeType: 'connects',
        a: [some(place.ports, at)],
        b: [some(place.ports, to)],
        externalIds: [{ source: 't', externalId: newId() }],
      });
      return void place.edges.push(edge.id);
    }
    case 'uncable':
      return inventory.edge.disconnect(caller, { id: some(place.edges, at) });
    case 'block': {
      const block = await inventory.addressBlock.create(caller, {
        spaceId: place.spaceId,
        cidr: to % 3 === 0 ? `10.${at % 4}.0.0/16` : `10.${at % 4}.${to % 8}.0/24`,
        nodeId: node,
      });
      return void place.blocks.push(block.id);
    }
    case 'status':
      return inventory.addressBlock.amend(caller, { id: some(place.blocks, at), patch: { status: `s${to}` } });
    case 'unblock':
      return inventory.addressBlock.remove(caller, { id: some(place.blocks, at) });
    case 'address': {
      const made = await inventory.address.record(caller, {
        spaceId: place.spaceId,
        address: `10.${at % 4}.${to % 8}.${n}`,
        nodeId: node,
      });
      return void place.addresses.push(made.id);
    }
    case 'unaddress':
      return inventory.address.remove(caller, { id: some(place.addresses, at) });
    case 'number':
      return inventory.number.record(caller, { domainId: place.domainId, value: 1 + (to % 4000), nodeId: node });
    case 'take':
      return void place.allocations.push((await s.take([...things, { what: 'number', domainId: place.domainId }])).id);
    case 'book':
      return taking({
        startsAt: new Date(Date.now() + 3_600_000).toISOString(),
        endsAt: new Date(Date.now() + 7_200_000).toISOString(),
      });
    case 'hold':
      return taking({ ttlSeconds: 600 + to, maxTtlSeconds: 10_000 });
    case 'confirm':
      return inventory.allocation.confirm(caller, { id: held });
    case 'renew':
      return inventory.allocation.renew(caller, { id: held, ttlSeconds: 700 + to });
    case 'replace':
      return inventory.allocation.replace(caller, {
        id: held,
        items: [
          { ...things[0]!, amount: 1 + (to % 9) },
          { what: 'number', domainId: place.domainId },
        ],
      });
    case 'release':
      return inventory.allocation.release(caller, { id: held });
    default: {
      // One second is the shortest lease: its end is seen before anyone sweeps, and after.
      await taking({ ttlSeconds: 1 });
      if (to % 4 === 0) await s.admin.unsafe('select pg_sleep(1.01)');
      return to % 2 === 0 ? sweepAllocations(s.deps) : undefined;
    }
  }
}

const server = (parentId: Id<'nod'>, n: number) =>
  s.inventory.node.register(s.caller, { kind: 'server', name: `m-${n}`, parentId });

/** All that is asked with an instant, as it says it now or as of then. */
async function everything(place: Place, at?: string) {
  const asOf = at === undefined ? {} : { asOf: at };
  const { inventory, caller } = s;
  const limit = 500;
  const [nodes, edges, blocks, addresses, numbers, allocations, ...below] = await Promise.all([
    inventory.node.list(caller, { ...asOf, limit, showRetired: true, sort: 'name' }),
    inventory.edge.list(caller, { ...asOf, limit }),
    inventory.addressBlock.list(caller, { ...asOf, limit, spaceId: place.spaceId }),
    inventory.address.list(caller, { ...asOf, limit, spaceId: place.spaceId }),
    inventory.number.list(caller, { ...asOf, limit, domainId: place.domainId }),
    inventory.allocation.list(caller, { ...asOf, limit }),
    ...place.pools.map((id) => inventory.node.subtree(caller, { ...asOf, id, limit })),
  ]);
  const last = nodes.items.at(-1)?.id ?? place.pools[0]!;
  return {
    nodes: nodes.items.map(facts),
    last: facts(await inventory.node.get(caller, { ...asOf, id: last })),
    above: (await inventory.node.ancestors(caller, { ...asOf, id: last })).items.map(facts),
    below: below.map(({ items }) => items.map(facts)),
    edges,
    blocks,
    addresses,
    numbers,
    // The clock of the two reads is some milliseconds apart, which matters to a lease of one second alone.
    allocations: allocations.items.filter((each) => each.ttlSeconds !== 1 || each.updatedAt < each.createdAt),
  };
}

/** How often a node was taken from and seen is not what its versions say. */
const facts = <T extends { fence: number; useVersion: number; observedAt?: string | undefined }>({
  fence: _f,
  useVersion: _u,
  observedAt: _o,
  ...rest
}: T) => rest;

test('who held a number on a day: the allocation by what it held then, and the record of it', async () => {
  const { inventory, caller } = s;
  const domain = await inventory.numberDomain.create(caller, { name: `d-${newId()}`, kind: 'vlan' });
  await inventory.numberRange.create(caller, { domainId: domain.id, start: 120, end: 120 });
  const vlan = { what: 'number' as const, domainId: domain.id };
  const who = async (asOf: string) =>
    (
      await inventory.allocation.list(caller, { domainId: domain.id, number: 120, asOf, state: ['active', 'held'] })
    ).items.map(({ id }) => id);
  const before = await s.instant();
  const first = await s.take([vlan]);
  const had = await s.instant();
  await inventory.allocation.replace(caller, {
    id: first.id,
    items: [{ what: 'node', nodeId: await s.host([], 'server') }],
  });
  const between = await s.instant();
  const second = await s.take([vlan]);
  const now = await s.instant();
  expect([await who(before), await who(had), await who(between), await who(now)]).toEqual([
    [],
    [first.id],
    [],
    [second.id],
  ]);
  expect(await inventory.allocation.get(caller, { id: first.id, asOf: had })).toMatchObject({
    version: 1,
    items: [{ number: 120 }],
  });
  expect(codeOf(await orProblem(inventory.allocation.get(caller, { id: first.id, asOf: before })))).toBe('not-found');
});

test('an instant that has not been is refused, and one from before the history is lost', async () => {
  const id = await s.host();
  const at = (asOf: string) => orProblem(s.inventory.node.get(s.caller, { id, asOf }));
  const soon = new Date(Date.now() + 60_000).toISOString();
  expect(await at(soon)).toMatchObject({ code: 'invalid-parameter', facts: { parameter: 'asOf' } });
  expect(await at('2001-01-01T00:00:00Z')).toMatchObject({ code: 'position-expired' });
  expect(codeOf(await orProblem(s.inventory.allocation.list(s.caller, { asOf: soon })))).toBe('invalid-parameter');
});

test('what raw SQL changes is kept too, at the instant of its transaction whatever it claims', async () => {
  const id = await s.host();
  const before = await s.instant();
  const uuid = decodeId('nod', id);
  await inTransaction(s.deps.db.app, async (tx) => {
    await tx.unsafe(
      `update node set labels = '{"raw":"yes"}', updated_at = '2001-01-01', version = version + 1 where id = $1`,
      [uuid],
    );
    await recordChanges(tx, s.caller, [{ what: 'node.amended', id: uuid, version: 2, after: null }]);
  });
  const get = (asOf?: string) => s.inventory.node.get(s.caller, { id, ...(asOf === undefined ? {} : { asOf }) });
  expect((await get(before)).labels).toEqual({});
  expect((await get(await s.instant())).labels).toEqual({ raw: 'yes' });
  expect(Date.parse((await get()).updatedAt)).toBeGreaterThan(Date.parse(before));
  await expect(s.deps.db.app.unsafe(`update node_past set labels = '{}'`)).rejects.toThrow('permission denied');
});

test('what ends where a millisecond ends was there in it and is not in the next; what came then is there from the next on', async () => {
  const id = await s.host();
  await s.inventory.node.amend(s.caller, { id, patch: { labels: { is: 'next' } } });
  const edge = Math.floor(Date.now() / 1_000) * 1_000 - 1_000;
  const at = (milliseconds: number) => new Date(edge + milliseconds).toISOString();
  // Behind the guards, as no clock would hit it: the instant of a change is the beginning of a millisecond.
  await inTransaction(s.admin, async (tx) => {
    await tx.unsafe(`set local session_replication_role = 'replica'`);
    const uuid = decodeId('nod', id);
    await tx.unsafe(`update inventory.past_begins set at = least(at, $1::timestamptz)`, [at(-1_000)]);
    await tx.unsafe(`update inventory.node_past set updated_at = $2, until_at = $3 where id = $1`, [
      uuid,
      at(-1_000),
      at(0),
    ]);
    await tx.unsafe(`update inventory.node set updated_at = $2 where id = $1`, [uuid, at(0)]);
  });
  const then = async (asOf: string) =>
    (await s.inventory.node.list(s.caller, { asOf, limit: 500 })).items
      .filter((each) => each.id === id)
      .map(({ labels, version }) => [labels, version]);
  const [was, next] = [[[{}, 1]], [[{ is: 'next' }, 2]]];
  expect([await then(at(-2)), await then(at(-1)), await then(at(0)), await then(at(1))]).toEqual([
    was,
    was,
    next,
    next,
  ]);
});

test('a transaction that waited for a younger one comes after it, and no instant has two versions of a thing', async () => {
  const id = await s.host();
  const uuid = decodeId('nod', id);
  const amend = (name: string) => s.inventory.node.amend(s.caller, { id, patch: { name } });
  let younger = '';
  await inTransaction(s.admin, async (tx) => {
    await tx.unsafe('select now()');
    await amend('younger');
    younger = await s.instant();
    await tx.unsafe(`update inventory.node set name = 'older', version = version + 1 where id = $1`, [uuid]);
    await recordChanges(tx, s.caller, [{ what: 'node.amended', id: uuid, version: 3, after: null }]);
  });
  const named = await s.inventory.node.list(s.caller, { asOf: younger, limit: 500 });
  expect(named.items.filter((each) => each.id === id).map(({ name }) => name)).toEqual(['older']);
});

test('a node is shown as of a time to who saw it then and sees it still', async () => {
  const { inventory, caller } = s;
  const [was, is] = [encodeId('tnt', newId()), encodeId('tnt', newId())];
  const seeing = (tenantId: Id<'tnt'>): Caller => ({
    ...caller,
    readScope: { tenantIds: [tenantId], projectIds: [], environmentIds: [] },
  });
  const id = await s.host();
  const dedicate = async (tenantId: Id<'tnt'>) => {
    await inTransaction(s.admin, async (tx) => {
      const uuid = decodeId('nod', id);
      const [row] = await tx.unsafe(
        `update inventory.node set tenant_id = $2, version = version + 1 where id = $1 returning version`,
        [uuid, decodeId('tnt', tenantId)],
      );
      await recordChanges(tx, caller, [
        { what: 'node.amended', id: uuid, version: Number(row?.['version']), after: null },
      ]);
    });
  };
  await dedicate(was);
  const then = await s.instant();
  const before = (tenant: Id<'tnt'>, asOf?: string) =>
    orProblem(inventory.node.get(seeing(tenant), { id, ...(asOf === undefined ? {} : { asOf }) }));
  const list = async (tenant: Id<'tnt'>, asOf: string) =>
    (await inventory.node.list(seeing(tenant), { asOf })).items.length;
  expect(codeOf(await before(was, then))).toBe('ok');
  expect(await list(was, then)).toBe(1);
  await dedicate(is);
  const later = await s.instant();
  expect([
    codeOf(await before(is)),
    codeOf(await before(is, later)),
    codeOf(await before(is, then)),
    codeOf(await before(was, then)),
  ]).toEqual(['ok', 'ok', 'not-found', 'not-found']);
  expect([await list(is, then), await list(was, then), await list(is, later)]).toEqual([0, 0, 1]);
  expect(await inventory.node.get(caller, { id, asOf: then })).toMatchObject({ tenantId: was });
});
