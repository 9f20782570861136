import { routes } from '@sentral/contracts/api/routes';
import { encodeId, parseId, prefixes } from '@sentral/contracts/ids';
import type { RouteDef } from '@sentral/contracts/route';
import { newId } from '@sentral/kernel/id';
import { any, behind, made, service, type House } from './cast.js';
import { waitingTask } from './waiting-task.js';
import type { Asking, TestServer } from './start-server.js';

/** Every operation of the document, and those of them that ask for a permission. */
export const everything = Object.values(routes as unknown as Record<string, RouteDef>);
export const closed = everything.filter((def) => def.permission !== null);

/** One live thing of every kind that a path can name, by the prefix of its id; what has a scope lies in the tenant. */
export type Things = Readonly<Record<string, string>>;

export const unknown = (prefix: string) => `${prefix}_01jz0000000000000000000000`;

/** The kind of id that a path wants, by trying which one its schema takes. */
export function prefixOf(def: RouteDef): string | undefined {
  return Object.keys(prefixes).find((prefix) => {
    const ask = (def.params as { entries?: { id?: { pipe?: { requirement?: RegExp }[] } } } | undefined)?.entries?.id;
    return ask?.pipe?.some(({ requirement }) => requirement?.test(unknown(prefix)));
  });
}

const keys = [
  ['/resourceClasses/', 'vcpu'],
  ['/traits/', 'of-things'],
] as const;

/** The path with its id in it; changes are tried and taken back, so that one caller's are not gone for the next. */
export function pathOf(def: RouteDef, id: string | undefined, scopeId: string): string {
  const path = def.path
    .replace(':id', id ?? '')
    .replace(':key', keys.find(([of]) => def.path.includes(of))?.[1] ?? 'site')
    .replace(':file', 'manifest.json')
    .replace(':class', 'vcpu');
  const query = [
    ...(def.on === 'queryScope' ? [`scope=${scopeId}`] : []),
    ...('dryRun' in ((def.query as { entries?: object } | undefined)?.entries ?? {}) ? ['dryRun=true'] : []),
  ];
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
}

export function asking(def: RouteDef, token: string | null): Asking {
  return {
    method: def.method,
    token,
    ...(def.body === undefined ? {} : { body: {}, headers: { 'content-type': def.bodyType ?? 'application/json' } }),
  };
}

const soon = () => new Date(Date.now() + 86_400_000).toISOString();

/** The record of the tenant's making, once it is there. */
async function onRecord(server: TestServer, { tenant, owner }: House): Promise<string> {
  for (;;) {
    const at = `/v1/auditRecords?resourceId=${tenant}&sort=id&limit=1`;
    const [record] = (await made(server.ask(at, { token: owner.token }), 200)).items;
    if (record !== undefined) return record.id;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export async function makeThings(server: TestServer, place: House): Promise<Things> {
  const as = { token: place.owner.token };
  const tenant = `/v1/tenants/${place.tenant}`;
  const id = async (at: string, body: object, more: Asking = {}): Promise<string> =>
    (await made(server.ask(at, { ...more, body }))).id;
  const ours = (at: string, body: object) => id(`${tenant}${at}`, body, as);
  const asked = {
    consumer: { service: 's', kind: 'k', id: 'refused' },
    items: [{ what: 'node', nodeId: await id('/v1/nodes', { kind: 'site' }) }],
  };
  const refused = await server.ask(`/v1/environments/${place.environment}/allocations`, {
    ...as,
    body: asked,
    headers: { 'idempotency-key': `refused-${place.tenant}` },
  });
  const staff = await service(server, place, { name: 'robot-of-things', role: 'viewer' });
  const ndm = await id('/v1/numberDomains', { name: `of-${place.tenant}`, kind: 'vlan' });
  const rng = await id(`/v1/numberDomains/${ndm}/ranges`, { start: 1, end: 100 });
  const [nod, far] = [await id('/v1/nodes', { kind: 'site' }), await id('/v1/nodes', { kind: 'site' })];
  await made(server.ask(`/v1/nodes/${nod}/capacities`, { body: { class: 'vcpu', total: 8 } }));
  await made(server.ask('/v1/traits', { body: { key: 'of-things', title: 'Of things' } }));
  const pol = await id('/v1/pools', { name: `of-${place.tenant}`, members: [{ nodeId: nod }] });
  const spc = await id('/v1/addressSpaces', { name: `of-${place.tenant}` });
  const started = await fetch(`${server.url}/v1/imports?source=things&format=changeset`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.token}`,
      'content-type': 'application/x-ndjson',
      'idempotency-key': `things-${place.tenant}`,
    },
    body: `${JSON.stringify({ op: 'upsert', externalId: 'r', resource: { type: 'node', kind: 'region', name: 'r' } })}\n`,
  });
  const own = await id('/v1/nodes', { kind: 'server', tenantId: place.tenant });
  const sighting = { nodeId: own, observedAt: '2026-01-01T00:00:00Z', generation: 1, state: 'absent' };
  const seen = await made(server.ask('/v1/observations', { body: { source: 'things', sightings: [sighting] } }), 200);
  const [aud, log] = [await onRecord(server, place), (await server.ask('/v1/auditLogs', as)).body.items[0].id];
  const store = await id('/v1/nodes', { kind: 'storage', parentId: await id('/v1/nodes', { kind: 'rack' }) });
  for (const of of ['diskGib', 'vcpu', 'memoryMib'])
    await made(server.ask(`/v1/nodes/${store}/capacities`, { body: { class: of, total: 8 }, headers: any }));
  // Its services are not there: what is made stays as it is.
  const begun = async (of: string, body: object): Promise<string> => {
    const headers = { 'idempotency-key': `${of}-${place.tenant}` };
    const asked = server.ask(`/v1/environments/${place.environment}/${of}`, { ...as, body, headers });
    return (await made(asked, 202)).input.id;
  };
  const blk = await id(`/v1/addressSpaces/${spc}/blocks`, { cidr: '10.0.0.0/24' });
  const net = await begun('networks', {
    name: 'of-things',
    vlan: { domainId: ndm },
    block: { blockId: blk, cidr: '10.0.0.128/28' },
  });
  await behind(server, `update inventory.node set state = 'available' where id = $1::uuid`, [parseId(net).uuid]);
  const [finding, letter] = [newId(), newId()];
  await behind(
    server,
    `insert into task.finding (id, kind, service, subject, state) values ($1::uuid, 'task.stale', 'sentral', $1, 'open')`,
    [finding],
  );
  await behind(
    server,
    `insert into task.dead_letter (id, origin, error, message_id) values ($1::uuid, 'inbox', '{"reason":"no JSON"}', $1)`,
    [letter],
  );
  return {
    tfd: encodeId('tfd', finding),
    dlt: encodeId('dlt', letter),
    aud,
    log,
    net,
    mch: await begun('machines', {
      name: 'of-things',
      networkId: net,
      size: { vcpu: 1, memoryMib: 1 },
      spec: { image: 'debian-13' },
    }),
    cls: await begun('clusters', {
      name: 'of-things',
      networkId: net,
      machines: { count: 1, size: { vcpu: 1, memoryMib: 1 } },
      spec: { version: '1.33', machine: { image: 'debian-13' } },
    }),
    sch: await id(
      '/v1/schedules',
      { scopeId: place.environment, name: 'of-things', kind: 'environment.empty', cron: '0 3 1 1 *' },
      as,
    ),
    lgh: await ours('/legalHolds', { reason: 'case-1' }),
    exp: (
      await made(
        server.ask(`/v1/auditExports?scope=${place.tenant}`, {
          ...as,
          body: {},
          headers: { 'idempotency-key': `export-${place.tenant}` },
        }),
        202,
      )
    ).input.exportId,
    bkt: await begun('buckets', { name: 'of-things', sizeGib: 1 }),
    tnt: place.tenant,
    prj: place.project,
    env: place.environment,
    alc: await id(
      `/v1/environments/${place.environment}/allocations`,
      {
        consumer: { service: 's', kind: 'k', id: 'of-things' },
        items: [{ what: 'number', domainId: ndm }],
        ttlSeconds: 600,
      },
      { ...as, headers: { 'idempotency-key': `things-${place.tenant}` } },
    ),
    rfs: refused.body.refusalId,
    hol: await ours('/holds', { origin: 'case-1', reason: 'kept' }),
    pex: await ours('/exemptions', { key: 'inventory.requiredLabels', reason: 'moving', expiresAt: soon() }),
    dny: await ours('/denyRules', {
      permissions: ['audit.record.read'],
      subjects: [{ type: 'group', issuer: 'https://idp.invalid', name: 'interns' }],
      reason: 'r',
    }),
    rbd: (await server.ask(`${tenant}/roleBindings`, as)).body.items[0].id,
    sac: staff.account,
    tok: staff.tokenId,
    qta: await id(`${tenant}/quotas`, { dimension: 'tenancy.projects', limit: 9 }),
    usr: place.owner.id,
    nod,
    edg: await id('/v1/edges', { edgeType: 'depends', a: [nod], b: [far] }),
    pol,
    spc,
    blk,
    adr: await id(`/v1/addressSpaces/${spc}/addresses`, { address: '10.0.0.9' }),
    ndm,
    rng,
    imp: ((await started.json()) as { id: string }).id,
    tsk: await waitingTask(server, place),
    fnd: seen.items[0].finding.id,
  };
}
