// How many decisions a second the evaluator makes, on the size that api.md B.5 names: 1,861 scopes, 500 principals, 20 deny
// rules. Run by hand after a build: `node packages/contracts/test/access-bench.mjs`. The figures stand in tenancy's README.
import { decide, permissions, visibleScopes } from '../dist/access.js';
import { encodeId } from '../dist/ids.js';
import { permissionsOfRole, roles } from '../dist/roles.js';

let seed = 7;
const below = (n) => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) % n;
const uuid = (n) => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;

// 1 platform, 60 tenants, 5 projects each, 5 environments each: 1 + 60 + 300 + 1,500.
const scopes = [{ id: 'platform', kind: 'platform', parentId: null, tenantId: null }];
const chains = [[scopes[0]]];
const add = (scope, above) => {
  scopes.push(scope);
  chains.push([...above, scope]);
  return chains.at(-1);
};
for (let t = 0, n = 0; t < 60; t += 1) {
  const tenantId = encodeId('tnt', uuid((n += 1)));
  const tenant = add({ id: tenantId, kind: 'tenant', parentId: 'platform', tenantId }, chains[0]);
  for (let p = 0; p < 5; p += 1) {
    const id = encodeId('prj', uuid((n += 1)));
    const project = add({ id, kind: 'project', parentId: tenantId, tenantId }, tenant);
    for (let e = 0; e < 5; e += 1)
      add({ id: encodeId('env', uuid((n += 1))), kind: 'environment', parentId: id, tenantId }, project);
  }
}
const tenants = scopes.filter(({ kind }) => kind === 'tenant');
const denies = Array.from({ length: 20 }, (_, at) => ({
  id: `rule ${at}`,
  scopeId: at < 4 ? 'platform' : tenants[below(tenants.length)].id,
  permissions: [permissions[below(permissions.length)], permissions[below(permissions.length)]],
}));
const snapshots = Array.from({ length: 500 }, () => ({
  epoch: 1,
  grants: Array.from({ length: 1 + below(6) }, (_, at) => {
    const role = Object.keys(roles)[below(10)];
    const places = scopes.filter(({ kind }) => roles[role].boundOn.includes(kind));
    return { id: `${at}`, scope: places[below(places.length)], permissions: [...permissionsOfRole(role)] };
  }),
  denies,
}));
const asked = Array.from({ length: 200_000 }, () => [
  snapshots[below(500)],
  permissions[below(permissions.length)],
  chains[below(chains.length)],
]);

let allowed = 0;
for (let round = 0; round < 3; round += 1) {
  const start = performance.now();
  for (const [snapshot, permission, chain] of asked) if (decide(snapshot, permission, chain).allowed) allowed += 1;
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${scopes.length} scopes, 500 principals, ${denies.length} rules: ${(asked.length / seconds / 1e6).toFixed(2)} M decisions/s, ${((seconds / asked.length) * 1e6).toFixed(2)} µs each`,
  );
}
const start = performance.now();
for (let at = 0; at < 20_000; at += 1) visibleScopes(asked[at][0], asked[at][1]);
console.log(
  `visibleScopes: ${(((performance.now() - start) / 20_000) * 1000).toFixed(2)} µs each (${allowed} allowed in all)`,
);
