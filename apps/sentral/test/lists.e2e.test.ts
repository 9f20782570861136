import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { as, grant, house, made, person, type House } from './cast.js';
import { startServer, type Answer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let place: House;
beforeAll(async () => {
  server = await startServer();
  place = await house(server, 'lists');
});
afterAll(() => server.stop());

/** Every item of a list, page by page along the links. */
async function walk(at: string, token = server.token): Promise<Json[]> {
  const items: Json[] = [];
  for (let next: string | undefined = at; next !== undefined;) {
    const { status, body, headers }: Answer<Json> = await server.ask(next, { token });
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    items.push(...body.items);
    next = /^<(.+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
  }
  return items;
}

const refused = async (at: string) => {
  const { status, body } = await server.ask(at);
  return [status, body.code, body.parameter];
};

async function rackOf(names: readonly (string | undefined)[]): Promise<string> {
  const site = await made(server.ask('/v1/nodes', { body: { kind: 'site', name: `site-${Math.random()}` } }));
  for (const name of names)
    await made(
      server.ask('/v1/nodes', { body: { kind: 'rack', parentId: site.id, ...(name === undefined ? {} : { name }) } }),
    );
  return site.id;
}

describe('sort', () => {
  // Byte by byte: capitals come before small letters, whatever the collation of the database.
  const names = ['b', 'B', undefined, 'å', 'a', undefined, 'Z', 'zz', 'z', undefined];
  let under: string;
  beforeAll(async () => {
    under = await rackOf(names);
  });

  const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const orders: Record<string, (a: Json, b: Json) => number> = {
    id: (a, b) => byBytes(a.id, b.id),
    name: (a, b) => byBytes(a.name ?? '', b.name ?? '') || byBytes(a.id, b.id),
    createdAt: (a, b) => byBytes(a.createdAt, b.createdAt) || byBytes(a.id, b.id),
  };

  test.each(Object.keys(orders))('nodes come by %s both ways, each once, in pages of three', async (field) => {
    const all = (await walk(`/v1/nodes?parentId=${under}`)).toSorted(orders[field]);
    expect(all).toHaveLength(names.length);
    const up = await walk(`/v1/nodes?parentId=${under}&limit=3&sort=${field}`);
    expect(up.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    const down = await walk(`/v1/nodes?parentId=${under}&limit=3&sort=-${field}`);
    expect(down.map(({ id }) => id)).toEqual(all.map(({ id }) => id).toReversed());
  });

  test('projects come by name, allocations by the time they were made, spaces and domains by name, imports the oldest first', async () => {
    for (const name of ['c', 'a', 'b'])
      await made(server.ask(`/v1/tenants/${place.tenant}/projects`, { ...as(place.owner), body: { name } }));
    const projects = await walk(`/v1/tenants/${place.tenant}/projects?sort=-name&limit=2`, place.owner.token);
    expect(projects.map(({ name }) => name)).toEqual(['shop', 'c', 'b', 'a']);
    for (const name of ['v', 'u']) {
      await made(server.ask('/v1/addressSpaces', { body: { name: `${name}-list` } }));
      await made(server.ask('/v1/numberDomains', { body: { name: `${name}-list`, kind: 'vni' } }));
    }
    for (const collection of ['addressSpaces', 'numberDomains']) {
      const found = (await walk(`/v1/${collection}?sort=name&limit=1`)).map(({ name }) => name as string);
      expect(found).toEqual(found.toSorted(byBytes));
      expect(found).toContain('u-list');
    }
    for (const at of ['/v1/allocations?sort=-createdAt', '/v1/imports?sort=id', '/v1/environments?sort=-createdAt'])
      expect([at, (await server.ask(at)).status]).toEqual([at, 200]);
  });

  test('ranges come by their start, blocks by address and edges by age, both ways, each once, in pages of one', async () => {
    const { id: domain } = await made(server.ask('/v1/numberDomains', { body: { name: 'ranges', kind: 'vni' } }));
    for (const start of [1000, 20, 3])
      await made(server.ask(`/v1/numberDomains/${domain}/ranges`, { body: { start, end: start + 9 } }));
    const { id: space } = await made(server.ask('/v1/addressSpaces', { body: { name: 'blocks' } }));
    for (const cidr of ['2001:db8::/32', '10.20.0.0/16', '9.0.0.0/8', '10.0.0.0/8'])
      await made(server.ask(`/v1/addressSpaces/${space}/blocks`, { body: { cidr } }));
    const [hub, ...ends] = await walk(`/v1/nodes?parentId=${await rackOf(['hub', 'x', 'y', 'z'])}`);
    for (const { id } of ends)
      await made(server.ask('/v1/edges', { body: { edgeType: 'depends', a: [hub.id], b: [id] } }));
    for (const [at, field, expected] of [
      [`/v1/numberDomains/${domain}/ranges?`, 'start', [3, 20, 1000]],
      [`/v1/addressSpaces/${space}/blocks?`, 'cidr', ['9.0.0.0/8', '10.0.0.0/8', '10.20.0.0/16', '2001:db8::/32']],
      [`/v1/edges?nodeId=${hub.id}&`, 'createdAt', undefined],
    ] as const) {
      const all = (await walk(at)).toSorted(orders['id']);
      const up = await walk(`${at}limit=1&sort=${field}`);
      expect(up.map((each) => each[field])).toEqual(expected ?? all.map((each) => each[field]).toSorted(byBytes));
      expect(await walk(`${at}limit=1&sort=-${field}`)).toEqual(up.toReversed());
      expect(await walk(`${at}limit=1&sort=-id`)).toEqual(all.toReversed());
      expect(up).toHaveLength(expected?.length ?? ends.length);
    }
  });

  test('a list offers what an index serves and nothing else, and the refusal names the parameter', async () => {
    for (const at of [
      'nodes?sort=labels',
      'nodes?sort=--name',
      'nodes?sort=',
      'edges?sort=edgeType',
      'deviceTypes?sort=id',
      'nodes?sort=name&sort=id',
    ])
      expect([at, await refused(`/v1/${at}`)]).toEqual([at, [400, 'invalid-parameter', 'sort']]);
  });

  test('a cursor goes on with its filters and its order alone, with any limit and any fields', async () => {
    const list = `/v1/nodes?parentId=${under}&sort=name`;
    const { body } = await server.ask(`${list}&limit=2`);
    const on = `&cursor=${body.nextCursor}`;
    expect((await server.ask(`${list}&limit=5&fields=id${on}`)).body.items).toHaveLength(5);
    for (const other of [
      `/v1/nodes?parentId=${under}`,
      `/v1/nodes?parentId=${under}&sort=-name`,
      `/v1/nodes?sort=name`,
    ])
      expect(await refused(`${other}${on}`)).toEqual([400, 'invalid-cursor', 'cursor']);
  });
});

describe('fields', () => {
  test('an answer holds the fields that were asked for and no ETag; whole it has one, and 304 for who knows it', async () => {
    const site = await made(server.ask('/v1/nodes', { body: { kind: 'site', name: 'fields' } }));
    const at = `/v1/nodes/${site.id}`;
    const cut = await server.ask(`${at}?fields=id,version&fields=parentId`);
    expect([cut.body, cut.headers.get('etag')]).toEqual([{ id: site.id, version: 1 }, null]);
    const known = { 'if-none-match': '"1"' };
    expect((await server.ask(`${at}?fields=id`, { headers: known })).status).toBe(200);
    const whole = await server.ask(at, { headers: known });
    expect([whole.status, whole.headers.get('etag')]).toEqual([304, '"1"']);
    const page = await server.ask('/v1/nodes?fields=kind&limit=1');
    expect(page.body.items).toEqual([{ kind: expect.any(String) as string }]);
    expect(page.body.nextCursor).toBeTypeOf('string');
  });

  test('a field that there is not is refused by name of the parameter, also where a list shows no resource', async () => {
    for (const at of [
      '/v1/nodes?fields=secret',
      '/v1/nodes?fields=',
      '/v1/nodes?fields=__proto__',
      '/v1/whoami?fields=principal',
    ])
      expect([at, await refused(at)]).toEqual([at, [400, 'invalid-parameter', 'fields']]);
  });
});

describe('expand', () => {
  test('what ids name stands beside them, on an item and on each of a page', async () => {
    const under = await rackOf(['one', 'two']);
    const racks = await walk(`/v1/nodes?parentId=${under}&expand=parent&fields=name&limit=1`);
    expect(racks.map(({ name, parent }) => [name, parent.id, parent.kind])).toEqual([
      ['one', under, 'site'],
      ['two', under, 'site'],
    ]);
    const { body, headers } = await server.ask(
      `/v1/environments/${place.environment}?expand=tenant,project`,
      as(place.owner),
    );
    expect([body.tenant.id, body.project.id, headers.get('etag')]).toEqual([place.tenant, place.project, null]);
  });

  test('what the caller may not see is left out, and so is what is not there', async () => {
    const other = await house(server, 'others');
    const dedicated = await made(
      server.ask('/v1/nodes', { body: { kind: 'site', name: 'dedicated', tenantId: other.tenant } }),
    );
    expect((await server.ask(`/v1/nodes/${dedicated.id}?expand=tenant`)).body.tenant.id).toBe(other.tenant);
    // Who is let into one project alone sees no tenant.
    const guest = await person(server, 'guest');
    const body = { subject: { type: 'user', id: guest.id }, role: 'viewer' };
    await made(server.ask(`/v1/projects/${place.project}/roleBindings`, { ...as(place.owner), body }));
    const look = async () => {
      const { body: seen } = await server.ask(`/v1/environments/${place.environment}?expand=tenant,project`, as(guest));
      return [seen.tenantId, seen.project?.id, seen.tenant?.id];
    };
    // A read is decided on grants of at most five seconds ago.
    const soon = { timeout: 15_000 };
    await expect.poll(look, soon).toEqual([place.tenant, place.project, undefined]);
    await grant(server, place, { to: guest, role: 'viewer' });
    await expect.poll(look, soon).toEqual([place.tenant, place.project, place.tenant]);
    const root = await server.ask(`/v1/nodes/${dedicated.id}?expand=parent`);
    expect([root.status, 'parent' in root.body]).toEqual([200, false]);
  });

  test('only what a list offers, and at most three', async () => {
    for (const at of ['/v1/nodes?expand=labels', '/v1/edges?expand=node', '/v1/nodes?expand=parent,tenant,x'])
      expect([at, await refused(at)]).toEqual([at, [400, 'invalid-parameter', 'expand']]);
  });
});
