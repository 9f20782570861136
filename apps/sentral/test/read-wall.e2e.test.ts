import { routes } from '@sentral/contracts/api/routes';
import type { RouteDef } from '@sentral/contracts/route';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allocate, as, house, made, numbers, type House } from './cast.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let a: House;
let b: House;
let things: Readonly<Record<string, string>>;
let domainId: string;

beforeAll(async () => {
  server = await startServer();
  [a, b] = [await house(server, 'acme'), await house(server, 'bolt')];
  const make = async (path: string, body: object) => (await made(server.ask(path, { body }))).id as string;
  const site = await make('/v1/nodes', { kind: 'site', name: 'bolt-site', tenantId: b.tenant });
  const nod = await make('/v1/nodes', { kind: 'server', name: 'bolt-server', parentId: site });
  const other = await make('/v1/nodes', { kind: 'server', name: 'bolt-other', parentId: site });
  const edg = await make('/v1/edges', { edgeType: 'depends', a: [nod], b: [other] });
  const spc = await make('/v1/addressSpaces', { name: 'bolt-space' });
  const blk = await make(`/v1/addressSpaces/${spc}/blocks`, { cidr: '10.0.0.0/16' });
  const adr = await make(`/v1/addressSpaces/${spc}/addresses`, { address: '10.0.0.1' });
  const ndm = await make('/v1/numberDomains', { name: 'bolt-domain', kind: 'vlan', nodeId: site });
  const rng = await make(`/v1/numberDomains/${ndm}/ranges`, { start: 1, end: 10 });
  things = { nod, edg, spc, blk, adr, ndm, rng };
  domainId = await numbers(server, 'shared');
});
afterAll(() => server.stop());

const never = (prefix: string) => `${prefix}_01jz0000000000000000000000`;
const inventoryItems = Object.values(routes as unknown as Record<string, RouteDef>).filter(
  (def) => def.permission?.startsWith('inventory.') === true && def.path.includes(':id') && prefixOf(def) !== undefined,
);

function prefixOf(def: RouteDef): string | undefined {
  const { id } =
    (def.params as { entries?: { id?: { pipe?: { requirement?: RegExp }[] } } } | undefined)?.entries ?? {};
  return ['nod', 'edg', 'spc', 'blk', 'adr', 'ndm', 'rng'].find((prefix) =>
    id?.pipe?.some(({ requirement }) => requirement?.test(never(prefix))),
  );
}

function shape({ status, headers, body }: { status: number; headers: Headers; body: Json }) {
  const { instance: _, requestId: __, ...rest } = body;
  const kept = [...headers].filter(([name]) => !['request-id', 'date', 'ratelimit'].includes(name));
  return { status, headers: kept, body: rest };
}

describe('what is dedicated to another tenant', () => {
  test('is on every route of the graph and the pools, to the byte and the header, what never was', async () => {
    expect(inventoryItems.length).toBeGreaterThan(20);
    for (const def of inventoryItems) {
      const prefix = prefixOf(def) ?? '';
      const asking = {
        ...as(a.owner),
        method: def.method,
        ...(def.body === undefined
          ? {}
          : { body: {}, headers: { 'content-type': def.bodyType ?? 'application/json' } }),
      };
      const [foreign, missing] = await Promise.all(
        [things[prefix] ?? '', never(prefix)].map((id) => server.ask(def.path.replace(':id', id), asking)),
      );
      if (foreign === undefined || missing === undefined) throw new Error('two answers');
      expect([def.operationId, shape(foreign)]).toEqual([def.operationId, shape(missing)]);
      expect([403, 404]).toContain(foreign.status);
    }
  });

  test('cannot be taken: the refusal is that of a thing that never was', async () => {
    const items = (of: (prefix: string) => string) => [
      { what: 'node', nodeId: of('nod') },
      { what: 'number', domainId: of('ndm') },
      { what: 'number', rangeId: of('rng') },
    ];
    const tried = async (item: object, key: string) =>
      shape(
        await server.ask(`/v1/environments/${a.environment}/allocations`, {
          ...as(a.owner),
          headers: { 'idempotency-key': key },
          body: { consumer: { service: 's', kind: 'k', id: 'wall' }, items: [item] },
        }),
      );
    const nevers = items(never);
    for (const [at, item] of items((prefix) => things[prefix] ?? '').entries()) {
      const foreign = await tried(item, `foreign-${at}`);
      expect(foreign).toEqual(await tried(nevers[at] ?? {}, `never-${at}`));
      expect([foreign.status, foreign.body.code]).toEqual([
        422,
        at === 2 ? 'validation-failed' : 'reference-not-found',
      ]);
    }
    const own = await server.ask(`/v1/environments/${b.environment}/allocations`, {
      ...as(b.owner),
      headers: { 'idempotency-key': 'own' },
      body: { consumer: { service: 's', kind: 'k', id: 'own' }, items: [{ what: 'node', nodeId: things['nod'] }] },
    });
    expect(own.status).toBe(201);
  });

  test('holds a number of the platform without its holder being told', async () => {
    const held = await made(allocate(server, b.environment, { domainId, token: b.owner.token }));
    const value = held.items[0].number;
    const asked = await server.ask(`/v1/environments/${a.environment}/allocations`, {
      ...as(a.owner),
      headers: { 'idempotency-key': 'loser' },
      body: {
        consumer: { service: 's', kind: 'k', id: 'loser' },
        items: [{ what: 'number', domainId, number: value }],
      },
    });
    expect(asked.body).toMatchObject({ code: 'allocation-conflict', conflicts: [{ value }], detail: 'It is taken.' });
    expect(JSON.stringify(asked.body)).not.toContain(held.id.slice(4));
    expect(asked.body.conflicts[0]).not.toHaveProperty('consumer');
  });
});
