import type { Caller, ReadScope } from '@sentral/contracts/contract';
import { encodeId, parseId, type Id, type Prefix } from '@sentral/contracts/ids';
import type { Problem } from '@sentral/contracts/problem';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { inTransaction } from '@sentral/kernel/transaction';
import type { TestDatabase } from '@sentral/testing';
import { createInventory, type Inventory } from '../../src/index.js';
import type { Deps } from '../../src/deps.js';
import { pathTo, tree, type Tree } from '../scope-tree.js';

const id = <P extends Prefix>(prefix: P) => encodeId(prefix, newId());

/** Whose things are; `common` are the platform's. The names stand in the names of things, so that a leak can be read. */
export const owners = ['acme', 'bolt', 'common'] as const;
export type Owner = (typeof owners)[number];

/** One of everything of an owner, by id. */
export interface Seat {
  readonly tenant: string | undefined;
  readonly environment: string;
  readonly site: string;
  readonly rack: string;
  readonly server: string;
  readonly second: string;
  readonly port: string;
  readonly spare: string;
  readonly island: string;
  readonly islandPort: string;
  readonly cable: string;
  readonly space: string;
  readonly block: string;
  readonly child: string;
  readonly address: string;
  readonly domain: string;
  readonly range: string;
  readonly allocation: string;
  /** A task that something is reserved for. */
  readonly task: string;
  readonly pool: string;
  /** A bucket that a task has begun to make. */
  readonly resource: string;
  readonly refusal: string;
  readonly finding: string;
}

/** The contract with ids as plain text. */
export type Builder = Record<string, Record<string, (caller: Caller, command: object) => Promise<{ id: string }>>>;

/** What the wall is about: a thing that is seen by who sees all of its owners. */
export interface Thing {
  readonly noun: string;
  readonly key: string;
  readonly of: readonly Owner[];
}

export interface World {
  readonly inventory: Inventory;
  readonly deps: Deps;
  readonly all: Caller;
  readonly trees: Readonly<Record<'acme' | 'bolt', Tree>>;
  readonly seats: Readonly<Record<Owner, Seat>>;
  readonly things: readonly Thing[];
  /** A seat whose ids never were. */
  missing(): Seat;
  /** Dedicates things to a tenant behind the guards: only an import does it otherwise. */
  dedicate(table: string, ids: readonly string[], owner: Owner): Promise<void>;
  close(): Promise<void>;
}

export const callerOf = (readScope: ReadScope, scopes: Caller['scopes'] = []): Caller => ({
  principal: { id: 'usr_wall', type: 'user' },
  accessEpoch: 1,
  readScope,
  scopes: [...scopes],
});

export async function createWorld(place: TestDatabase): Promise<World> {
  const as = (role: string): Database =>
    openDatabase({ url: place.url(role), applicationName: 'wall-test', poolSize: 4 });
  const db = { app: as('inventory_app'), read: as('inventory_read'), platform: as('inventory_platform') };
  const admin = openDatabase({ url: place.adminUrl, applicationName: 'wall-test', poolSize: 1 });
  const deps: Deps = { db, now: () => new Date(), newId, telemetry: createTelemetry({ level: 'error' }) };
  const inventory = createInventory(deps, { results: true });
  const build = inventory as unknown as Builder;
  const trees = { acme: tree(1, 1), bolt: tree(1, 1) };
  const all = callerOf({ all: true });
  const things: Thing[] = [];
  const made = (noun: string, key: string, ...of: Owner[]): string => {
    things.push({ noun, key, of });
    return key;
  };
  const tenantOf = (owner: Owner) => (owner === 'common' ? undefined : trees[owner].tenant.id);
  const dedicate: World['dedicate'] = async (table, ids, owner) => {
    const tenant = tenantOf(owner);
    if (tenant === undefined) return;
    await inTransaction(admin, async (tx) => {
      await tx.unsafe('set local session_replication_role = replica');
      await tx.unsafe(`update inventory.${table} set tenant_id = $1 where id = any($2::uuid[])`, [
        parseId(tenant).uuid,
        ids.map((each) => parseId(each).uuid),
      ]);
    });
  };
  const dedicated = async (table: string, thing: string, owner: Owner) => dedicate(table, [thing], owner);

  const node = async (owner: Owner, of: Record<string, unknown>): Promise<string> =>
    made('node', (await build['node']!['register']!(all, of)).id, owner);
  const joined = async (edgeType: string, [a, b]: readonly [string, string], of: readonly Owner[]) =>
    made('edge', (await build['edge']!['connect']!(all, { edgeType, a: [a], b: [b] })).id, ...of);

  await build['trait']!['register']!(all, { key: 'walled', title: 'Walled' });
  const seats = {} as Record<Owner, Seat>;
  for (const [at, owner] of owners.entries()) {
    const tenant = tenantOf(owner);
    // What is dedicated to a tenant wants one that is known here.
    if (owner !== 'common') await inventory.projection.apply(callerOf({ all: true }, [trees[owner].tenant]), {});
    const site = await node(owner, { kind: 'site', name: `${owner}-site`, tenantId: tenant });
    const rack = await node(owner, {
      kind: 'rack',
      name: `${owner}-rack`,
      parentId: site,
      attributes: { heightUnits: 10 },
    });
    const position = { face: 'front', startHalfUnit: 0, heightHalfUnits: 4, fullDepth: true };
    const server = await node(owner, { kind: 'server', name: `${owner}-server`, parentId: rack, position });
    const second = await node(owner, { kind: 'server', name: `${owner}-second`, parentId: rack });
    const island = await node(owner, { kind: 'server', name: `${owner}-island`, parentId: rack });
    await build['capacity']!['add']!(all, {
      nodeId: island,
      version: 1,
      capacity: { class: 'vcpu', total: 8, maxUnit: 8 },
    });
    const portOf = (parentId: string, name: string) =>
      node(owner, { kind: 'interface', name: `${owner}-${name}`, parentId });
    const [port, spare] = [await portOf(server, 'eth0'), await portOf(server, 'eth1')];
    const islandPort = await portOf(island, 'eth0');
    const cable = await joined('connects', [port, await portOf(second, 'eth0')], [owner]);
    const { id: space } = await build['addressSpace']!['create']!(all, { name: `${owner}-space` });
    const block = await build['addressBlock']!['create']!(all, {
      spaceId: space,
      cidr: `10.${at}.0.0/16`,
      nodeId: rack,
    });
    const child = await build['addressBlock']!['create']!(all, { spaceId: space, cidr: `10.${at}.1.0/24` });
    const address = await build['address']!['record']!(all, {
      spaceId: space,
      address: `10.${at}.1.1`,
      nodeId: port,
    });
    await dedicated('address_space', space, owner);
    const named = { name: `${owner}-domain`, kind: 'vlan', nodeId: rack };
    const { id: domain } = await build['numberDomain']!['create']!(all, named);
    const range = await build['numberRange']!['create']!(all, { domainId: domain, start: 1, end: 50 });
    await build['number']!['record']!(all, { domainId: domain, value: 7, name: `${owner}-number` });
    const pool = await build['pool']!['create']!(all, {
      name: `${owner}-pool`,
      members: [{ nodeId: island }, { nodeId: server, shares: true }],
    });
    await dedicated('pool', made('pool', pool.id, owner), owner);
    made('addressSpace', space, owner);
    for (const each of [block, child]) made('addressBlock', each.id, owner);
    made('address', address.id, owner);
    made('numberDomain', domain, owner);
    made('numberRange', range.id, owner);
    made('number', `${owner}-number`, owner);
    seats[owner] = {
      tenant,
      environment: id('env'),
      site,
      rack,
      server,
      second,
      port,
      spare,
      island,
      islandPort,
      cable,
      space,
      block: block.id,
      child: child.id,
      address: address.id,
      domain,
      range: range.id,
      allocation: id('alc'),
      task: id('tsk'),
      pool: pool.id,
      resource: id('nod'),
      refusal: id('rfs'),
      finding: id('fnd'),
    };
  }

  const { acme, bolt, common } = seats;
  for (const [at, owner] of (['acme', 'bolt'] as const).entries()) {
    // Guests of the platform: a server in its rack, a prefix of its space with a host, a number of its domain.
    await node(owner, {
      kind: 'server',
      name: `${owner}-guest`,
      parentId: common.rack,
      tenantId: tenantOf(owner),
      position: { face: 'front', startHalfUnit: 4 + 2 * at, heightHalfUnits: 2, fullDepth: false },
    });
    const spaceId = common.space;
    const block = await build['addressBlock']!['create']!(all, { spaceId, cidr: `10.2.${10 + at}.0/24` });
    await dedicated('address_block', made('addressBlock', block.id, owner), owner);
    const lent = await build['address']!['record']!(all, { spaceId, address: `10.2.${10 + at}.9` });
    made('address', lent.id, owner);
    const own = await build['address']!['record']!(all, { spaceId, address: `10.2.20.${10 + at}` });
    await dedicated('address', made('address', own.id, owner), owner);
    const name = `${owner}-guest`;
    await build['number']!['record']!(all, { domainId: common.domain, value: 20 + at, name });
    made('number', name, owner);
    await inTransaction(admin, async (tx) => {
      await tx.unsafe('set local session_replication_role = replica');
      const tenant = parseId(trees[owner].tenant.id).uuid;
      await tx.unsafe('update inventory.number set tenant_id = $1 where name = $2', [tenant, name]);
    });
    const [environment] = trees[owner].environments;
    if (environment === undefined) throw new Error('a tree without environments');
    const scopes = pathTo(trees[owner], environment);
    const allocation = await build['allocation']!['reserve']!(callerOf({ all: true }, scopes), {
      environmentId: environment.id,
      consumer: { service: owner, kind: 'wall', id: `${owner}-holder` },
      items: [{ what: 'number', domainId: common.domain, number: 30 + at }],
    });
    made('allocation', allocation.id, owner);
    const { task } = seats[owner];
    const reserved = await build['allocation']!['reserve']!(callerOf({ all: true }, scopes), {
      environmentId: environment.id,
      consumer: { service: 'sentral', kind: 'task', id: task },
      items: [{ what: 'number', domainId: common.domain, number: 40 + at }],
      ttlSeconds: 3600,
    });
    made('allocation', reserved.id, owner);
    const making = { tenantId: tenantOf(owner), taskId: id('tsk') };
    const ground = await build['allocation']!['reserve']!(callerOf({ all: true }, scopes), {
      environmentId: environment.id,
      consumer: { service: 'sentral', kind: 'task', id: making.taskId },
      items: [{ what: 'number', domainId: common.domain, number: 45 + at }],
    });
    made('allocation', ground.id, owner);
    const { resource: nodeId } = seats[owner];
    await build['allocation']!['bind']!(all, {
      ...making,
      records: [{ nodeId, kind: 'bucket', name: `${owner}-bucket` }],
    });
    made('node', made('platformResource', nodeId, owner), owner);
    // Refused what the other owner has: told to who sees everything, so its words are for nobody else.
    const refused = await build['allocation']!['reserve']!(callerOf({ all: true }, scopes), {
      environmentId: environment.id,
      consumer: { service: owner, kind: 'wall', id: `${owner}-refused` },
      items: [{ what: 'number', domainId: common.domain, number: 20 + at }],
    }).catch((error: unknown) => ({ id: String((error as Problem).facts['refusalId']) }));
    made('refusal', refused.id, owner);
    seats[owner] = {
      ...seats[owner],
      environment: environment.id,
      allocation: allocation.id,
      refusal: refused.id,
    };
  }
  // A source has seen the server of each, and that it is not as intended.
  const seen = await inventory.observation.report(all, {
    source: 'wall',
    sightings: owners.map((owner) => ({
      nodeId: seats[owner].server as Id<'nod'>,
      observedAt: new Date().toISOString(),
      generation: 1,
      attributes: { owner: `${owner}-secret` },
    })),
  });
  for (const [at, owner] of owners.entries()) {
    made('observation', seen.items[at]?.observationId ?? '', owner);
    seats[owner] = { ...seats[owner], finding: made('finding', seen.items[at]?.finding?.id ?? '', owner) };
  }
  // Lodgers: two servers of bolt, one on the other, in the rack of acme.
  for (const [at, name] of ['bolt-lodger', 'bolt-lodger-above'].entries())
    await node('bolt', {
      kind: 'server',
      name,
      parentId: acme.rack,
      tenantId: tenantOf('bolt'),
      position: { face: 'front', startHalfUnit: 8 + 3 * at, heightHalfUnits: 3, fullDepth: false },
    });
  const up = async (owner: Owner, parentId: string) =>
    node(owner, { kind: 'interface', name: `${owner}-up`, parentId });
  // Cables and dependencies across: acme to bolt, and acme to itself by way of the platform's.
  await joined('connects', [acme.spare, bolt.spare], ['acme', 'bolt']);
  await joined('depends', [acme.server, bolt.server], ['acme', 'bolt']);
  await joined('connects', [acme.islandPort, common.spare], ['acme', 'common']);
  await joined('connects', [await up('acme', acme.second), await up('common', common.server)], ['acme', 'common']);
  await joined('depends', [common.server, bolt.server], ['bolt', 'common']);

  const missing = (): Seat => ({
    tenant: id('tnt'),
    environment: id('env'),
    cable: id('edg'),
    space: id('spc'),
    address: id('adr'),
    site: id('nod'),
    rack: id('nod'),
    server: id('nod'),
    second: id('nod'),
    port: id('nod'),
    spare: id('nod'),
    island: id('nod'),
    islandPort: id('nod'),
    block: id('blk'),
    child: id('blk'),
    domain: id('ndm'),
    range: id('rng'),
    allocation: id('alc'),
    task: id('tsk'),
    pool: id('pol'),
    resource: id('nod'),
    refusal: id('rfs'),
    finding: id('fnd'),
  });
  const close = async () => void (await Promise.all([...Object.values(db), admin].map((each) => each.close())));
  return { inventory, deps, all, trees, seats, things, missing, dedicate, close };
}
