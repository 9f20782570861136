import type { RouteDef } from '@sentral/contracts/route';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { placeOf, readPermissionOf } from '../src/auth/authorize.js';
import { any, as, house, made, person, service, userSubject, type House } from './cast.js';
import { closed, asking, everything, makeThings, pathOf, prefixOf, type Things } from './operations.js';
import { startServer, type Json, type TestServer } from './start-server.js';

/** The reviewed text is what the API is held against: `owner@T` and `tenancy.quota.create` give `..pe`. */
const golden = readFileSync(
  createRequire(import.meta.url)
    .resolve('@sentral/contracts/package.json')
    .replace('package.json', 'golden/permission-matrix.txt'),
  'utf8',
);
const [head = '', ...rows] = golden.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const columns = head.trim().split(/\s+/);
const cells = new Map(
  rows.map((row) => {
    const [permission = '', ...of] = row.trim().split(/\s+/);
    return [permission, of] as const;
  }),
);
const reaches = (column: string, permission: string | null, kind: Kind): boolean =>
  cells.get(String(permission))?.[columns.indexOf(column)]?.includes(kind) ?? false;

type Kind = 'P' | 'T' | 'p' | 'e';
/** What lies on the platform, in the tenant, its project and its environment. */
const kinds: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(
    ['usr', 'nod', 'edg', 'pol', 'spc', 'blk', 'adr', 'ndm', 'rng', 'imp', 'tfd', 'dlt'].map((prefix) => [prefix, 'P']),
  ),
  ...Object.fromEntries(
    ['tnt', 'hol', 'pex', 'dny', 'rbd', 'sac', 'tok', 'qta', 'aud', 'log', 'fnd', 'lgh', 'exp'].map((prefix) => [
      prefix,
      'T',
    ]),
  ),
  prj: 'p',
  env: 'e',
  alc: 'e',
  tsk: 'e',
  sch: 'e',
  rfs: 'e',
  bkt: 'e',
  net: 'e',
  mch: 'e',
  cls: 'e',
};
const scopeNames = { T: 'tenant', p: 'project', e: 'environment' } as const;

let server: TestServer;
let place: House;
let things: Things;
const bearers = new Map<string, string>();
const robot = 'a service account as viewer@T';

const platformRoles: Readonly<Record<string, string>> = {
  'pl-admin': 'platform-admin',
  'pl-oper': 'platform-operator',
  'pl-view': 'platform-viewer',
};

beforeAll(async () => {
  server = await startServer();
  place = await house(server, 'acme');
  things = await makeThings(server, place);
  bearers.set(robot, (await service(server, place, { name: 'robot', role: 'viewer' })).token);
  const paths = {
    T: `tenants/${place.tenant}`,
    p: `projects/${place.project}`,
    e: `environments/${place.environment}`,
  };
  for (const column of columns) {
    const [role, kind] = column.split('@') as [string, Kind];
    const who = await person(server, `has-${column}`);
    const subject = userSubject(who);
    bearers.set(column, who.token);
    if (kind === 'P') {
      await made(server.ask('/v1/platform/roleBindings', { body: { subject, role: platformRoles[role] } }));
    } else if (role === 'glass') {
      // Broken by one who, apart from that, administers the platform: the binding of that is taken away again.
      const admin = await made(server.ask('/v1/platform/roleBindings', { body: { subject, role: 'platform-admin' } }));
      await made(
        server.ask(`/v1/tenants/${place.tenant}/breakGlass`, { ...as(who), body: { ttlSeconds: 3600, reason: 'r' } }),
      );
      await made(server.ask(`/v1/roleBindings/${admin.id}`, { method: 'DELETE', headers: any }), 200);
    } else {
      await made(server.ask(`/v1/${paths[kind]}/roleBindings`, { ...as(place.owner), body: { subject, role } }));
    }
  }
});
afterAll(() => server.stop());

/** What the matrix says of one operation: past the door, forbidden, or not there at all. */
function expected(def: RouteDef, column: string): 'in' | 403 | 404 {
  const at = placeOf(def);
  if (at === 'visible') return 'in';
  const kind = at === 'platform' ? 'P' : at === 'queryScope' ? 'T' : (kinds[prefixOf(def) ?? ''] ?? 'P');
  const holds = reaches(column, def.permission, kind);
  if (at === 'platform' || kind === 'P') return holds ? 'in' : 403;
  const seeing = at === 'item' ? readPermissionOf(def.permission!) : (`tenancy.${scopeNames[kind]}.read` as const);
  if (!reaches(column, seeing, kind)) return 404;
  return holds ? 'in' : 403;
}

test('the document has no operation that is not asked here, and no kind of thing that does not exist here', async () => {
  const { body } = await server.ask('/openapi.json', { token: null });
  const documented = Object.values(body.paths as Record<string, Record<string, Json>>).flatMap((item) =>
    Object.values(item).flatMap(({ operationId }): string[] => (operationId === undefined ? [] : [operationId])),
  );
  expect(documented.toSorted()).toEqual(everything.map(({ operationId }) => operationId).toSorted());
  for (const def of everything) {
    // Of a node's capacity the class is named too, of an export the file; every one of the cast has it.
    const named = [...def.path.matchAll(/:(\w+)/g)].flatMap(([, name = '']) =>
      /^(class|file)$/.test(name) ? [] : [name],
    );
    expect([def.operationId, ...named]).toEqual([
      def.operationId,
      ...(named.length === 0 ? [] : [named.includes('key') ? 'key' : 'id']),
    ]);
    if (!named.includes('id')) continue;
    const prefix = prefixOf(def);
    expect([def.operationId, prefix, things[prefix ?? ''], kinds[prefix ?? '']]).toEqual([
      def.operationId,
      expect.any(String),
      expect.stringMatching(new RegExp(`^${prefix}_`)),
      expect.any(String),
    ]);
  }
  expect(closed.filter(({ permission }) => !cells.has(String(permission))).map((def) => def.operationId)).toEqual([]);
});

test.each([...columns, robot])('%s opens exactly what the matrix says', async (who) => {
  const token = bearers.get(who)!;
  const column = who.slice(who.lastIndexOf(' ') + 1);
  const wrong: string[] = [];
  for (const def of closed) {
    const { status, body } = await server.ask(
      pathOf(def, things[prefixOf(def) ?? ''], place.tenant),
      asking(def, token),
    );
    const said = status === 401 || status === 403 || status === 404 ? status : 'in';
    const want = expected(def, column);
    if (said !== want || status >= 500) wrong.push(`${def.operationId}: ${status} instead of ${want}`);
    else if (said === 403 && body.missingPermission !== def.permission)
      wrong.push(`${def.operationId}: names ${body.missingPermission}`);
  }
  expect(wrong).toEqual([]);
});
