import type { Caller } from '@sentral/contracts/contract';
import { isProblem } from '@sentral/contracts/problem';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { callerOf, createWorld, type Builder, type Seat, type World } from './wall/world.js';

let place: TestDatabase;
let world: World;
let acme: Seat;
let bolt: Seat;
let common: Seat;
let asAcme: Caller;
let asPlatform: Caller;

beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  world = await createWorld(place);
  ({ acme, bolt, common } = world.seats);
  const none = { projectIds: [], environmentIds: [] };
  asAcme = callerOf({ ...none, tenantIds: [acme.tenant as never] });
  asPlatform = callerOf({ ...none, tenantIds: [], platform: true });
});
afterAll(async () => {
  await world?.close();
  await place?.drop();
});

interface Shown {
  readonly [field: string]: unknown;
  readonly id: string;
  readonly items: readonly Shown[];
  readonly name?: string;
}
const call = (verb: `${string}.${string}`, caller: Caller, command: object): Promise<Shown> => {
  const [noun = '', name = ''] = verb.split('.');
  const found = (world.inventory as unknown as Builder)[noun]?.[name];
  if (found === undefined) throw new Error(`no verb ${verb}`);
  return found(caller, command) as never;
};
const refusal = async (verb: `${string}.${string}`, caller: Caller, command: object) => {
  try {
    await call(verb, caller, command);
  } catch (error) {
    if (isProblem(error)) return JSON.parse(JSON.stringify(error)) as Record<string, unknown>;
    throw error;
  }
  throw new Error(`${verb} was not refused`);
};
const names = ({ items }: Shown) => items.map(({ name }) => name ?? '').toSorted();
const guestOf = async (name: string) => (await call('node.list', world.all, { name })).items[0] as Shown;

describe('a walk ends where it meets what the caller does not see, as if the graph ended there', () => {
  test('down: what another tenant has in one’s own rack is not there', async () => {
    const everything = names(await call('node.subtree', world.all, { id: acme.rack }));
    expect(everything.filter((name) => name.startsWith('bolt'))).toHaveLength(2);
    const own = names(await call('node.subtree', asAcme, { id: acme.rack }));
    expect(own).toEqual(everything.filter((name) => !name.startsWith('bolt')));
  });

  test('up: the platform’s rack around one’s own server has no name, and the server is a root', async () => {
    const guest = await guestOf('acme-guest');
    expect(guest['parentId']).toBe(common.rack);
    expect((await call('node.ancestors', asAcme, { id: guest.id })).items).toEqual([]);
    const shown = await call('node.get', asAcme, { id: guest.id });
    expect([shown['parentId'], shown['rootId'], shown['tenantId']]).toEqual([undefined, guest.id, acme.tenant]);
    expect(names(await call('node.list', asAcme, { parentId: null }))).toEqual([
      'acme-bucket',
      'acme-guest',
      'acme-site',
    ]);
    expect((await call('node.list', asAcme, { parentId: common.rack })).items).toEqual([]);
  });

  test('a component without a tenant is its device’s, and what comes to lie in a rack is the rack’s', async () => {
    expect((await call('node.get', asAcme, { id: acme.port }))['tenantId']).toBeUndefined();
    const moved = await call('node.register', world.all, { kind: 'server', name: 'mover', parentId: common.site });
    expect(await refusal('node.get', asAcme, { id: moved.id })).toMatchObject({ code: 'not-found' });
    await call('node.amend', world.all, { id: moved.id, patch: { parentId: acme.rack } });
    expect((await call('node.get', asAcme, { id: moved.id })).name).toBe('mover');
    expect(await refusal('node.get', asPlatform, { id: moved.id })).toMatchObject({ code: 'not-found' });
    await call('node.retire', world.all, { id: moved.id });
  });

  test('across: a cable of which one end is foreign joins nothing', async () => {
    expect((await call('node.neighbors', world.all, { id: acme.spare })).items).toHaveLength(1);
    expect((await call('node.neighbors', asAcme, { id: acme.spare })).items).toEqual([]);
    const both = callerOf({ tenantIds: [acme.tenant, bolt.tenant] as never, projectIds: [], environmentIds: [] });
    expect((await call('node.neighbors', both, { id: acme.spare })).items).toHaveLength(1);
  });

  test('a path leads over what is seen alone', async () => {
    const command = { fromId: acme.island, toId: acme.second };
    expect((await call('node.path', world.all, command))['found']).toBe(true);
    expect(await call('node.path', asAcme, command)).toEqual({ found: false, steps: [] });
    expect((await call('node.path', asAcme, { ...command, fromId: acme.server }))['found']).toBe(true);
  });

  test('in a rack, the units of another are taken, by nobody and in one piece', async () => {
    const claims = async (caller: Caller) =>
      (await call('node.elevation', caller, { id: acme.rack }))['claims'] as Shown[];
    const unnamed = (await claims(asAcme)).filter((claim) => claim['node'] === undefined);
    expect(unnamed).toEqual([{ layer: 'device', face: 'front', startHalfUnit: 8, heightHalfUnits: 6 }]);
    expect((await claims(world.all)).filter((claim) => claim['node'] === undefined)).toEqual([]);
    const [own, all] = await Promise.all([asAcme, world.all].map((c) => call('node.elevation', c, { id: acme.rack })));
    expect(own?.['freeHalfUnits']).toBe(all?.['freeHalfUnits']);
  });
});

describe('what is free is told of what is seen, and who has the rest is not', () => {
  test('the container of a global space counts the hosts of the spaces that are seen', async () => {
    const { id: spaceId } = await call('addressSpace.create', world.all, {
      name: 'global',
      attributes: { global: true },
    });
    const cidr = '10.0.0.0/8';
    const { id } = await call('addressBlock.create', world.all, { spaceId, cidr, status: 'container' });
    const used = async (caller: Caller) => (await call('addressBlock.available', caller, { id }))['usedAddresses'];
    const [all, platform] = [Number(await used(world.all)), Number(await used(asPlatform))];
    // One host of each tenant lies in a space of its own.
    expect(all - platform).toBe(2);
  });

  test('a refusal names a holder to who sees it, and to others that it is taken', async () => {
    const { environment } = acme;
    const consumer = { service: 's', kind: 'k', id: 'loser' };
    const number = (value: number) => ({ what: 'number', domainId: common.domain, number: value });
    const reserve = (item: object) => ({ environmentId: environment, consumer, items: [item] });
    const [foreign, own] = [
      await refusal('allocation.reserve', asAcme, reserve(number(31))),
      await refusal('allocation.reserve', asAcme, reserve(number(30))),
    ];
    expect(foreign).toMatchObject({ code: 'allocation-conflict', conflicts: [{ value: 31 }], detail: 'It is taken.' });
    expect(JSON.stringify(foreign)).not.toMatch(/alc_|bolt/);
    expect(own).toMatchObject({ conflicts: [{ allocationId: acme.allocation, consumer: { id: 'acme-holder' } }] });
    const all = await refusal('allocation.reserve', callerOf({ all: true }), reserve(number(31)));
    expect(all).toMatchObject({ conflicts: [{ allocationId: bolt.allocation }] });
    const block = { what: 'block', blockId: common.block, cidr: '10.2.8.0/21' };
    expect(JSON.stringify(await refusal('allocation.reserve', asAcme, reserve(block)))).not.toContain('10.2.11');
  });

  test('recording what is taken names the holder within what is seen', async () => {
    const recorded = { domainId: common.domain, value: 30 };
    expect(JSON.stringify(await refusal('number.record', asPlatform, recorded))).not.toContain('alc_');
    expect(await refusal('number.record', world.all, recorded)).toMatchObject({
      conflicts: [{ allocationId: acme.allocation }],
    });
    const host = { spaceId: common.space, address: '10.2.10.9' };
    expect((await refusal('address.record', asPlatform, host))['conflictingId']).toBeUndefined();
    expect((await refusal('address.record', world.all, host))['conflictingId']).toMatch(/^adr_/);
    const cidr = { spaceId: common.space, cidr: '10.2.10.0/24' };
    expect((await refusal('addressBlock.create', asPlatform, cidr))['conflictingId']).toBeUndefined();
    expect((await refusal('addressBlock.create', world.all, cidr))['conflictingId']).toMatch(/^blk_/);
  });

  test('a name, a port or a unit that another has is taken, by nobody', async () => {
    const name = { kind: 'server', name: 'acme-guest', parentId: common.rack };
    expect((await refusal('node.register', asPlatform, name))['conflictingId']).toBeUndefined();
    expect((await refusal('node.register', world.all, name))['conflictingId']).toMatch(/^nod_/);
    const cable = { edgeType: 'connects', a: [acme.islandPort], b: [acme.spare] };
    expect(JSON.stringify(await refusal('edge.connect', asAcme, cable))).not.toContain('edg_');
    expect(JSON.stringify(await refusal('edge.connect', world.all, cable))).toContain('edg_');
    const position = { face: 'front', startHalfUnit: 8, heightHalfUnits: 2, fullDepth: false };
    const stands = { kind: 'server', name: 'new', parentId: acme.rack, position };
    expect(await refusal('node.register', asAcme, stands)).toMatchObject({
      code: 'allocation-conflict',
      conflicts: [],
    });
    expect((await refusal('node.register', world.all, stands))['conflicts']).toHaveLength(1);
  });

  test('what stands in the way of an end is named and counted within what is seen', async () => {
    const rack = await refusal('node.retire', asAcme, { id: acme.rack });
    expect(rack).toMatchObject({ code: 'has-dependents', dependents: [{ type: 'node', count: 3 }] });
    expect((await refusal('node.retire', world.all, { id: acme.rack }))['dependents']).toMatchObject([
      { type: 'node', count: 5 },
    ]);
    const block = async (caller: Caller) =>
      (await refusal('addressBlock.remove', caller, { id: common.block }))['dependents'];
    const [seen, all] = [(await block(asPlatform)) as Shown[], (await block(world.all)) as Shown[]];
    expect(seen.map(({ type, count }) => [type, count])).toEqual([
      ['addressBlock', 1],
      ['address', 1],
    ]);
    expect(all.map(({ type, count }) => [type, count])).toEqual([
      ['addressBlock', 3],
      ['address', 5],
    ]);
  });

  test('an address that has ended stays with whom it was', async () => {
    const spaceId = common.space;
    const home = await call('addressBlock.create', world.all, { spaceId, cidr: '10.2.99.0/24' });
    await world.dedicate('address_block', [home.id], 'acme');
    const { id } = await call('address.record', world.all, { spaceId, address: '10.2.99.1' });
    await call('address.remove', world.all, { id });
    await call('addressBlock.remove', world.all, { id: home.id });
    expect((await call('address.get', asAcme, { id }))['state']).toBe('ended');
    expect(await refusal('address.get', asPlatform, { id })).toMatchObject({ code: 'not-found' });
  });
});
