import { fromBase64, openNote, parseCheckpoint, parseNoteKey } from '@sentral/contracts/audit-note';
import { recordLeaf, verifyInclusion, type Hash } from '@sentral/contracts/audit-proof';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { allocate, any, as, grant, house, made, numbers, person, type House } from './cast.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let db: Database;
let shop: House;
const written: string[] = [];

beforeAll(async () => {
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  server = await startServer();
  db = openDatabase({ url: server.adminUrl, applicationName: 'sentral-e2e', poolSize: 2, statementTimeoutMs: 60_000 });
  shop = await house(server, 'shop');
  const { ask } = server;
  const own = as(shop.owner);
  const node = await made(ask('/v1/nodes', { body: { kind: 'site', name: 'oslo-1' } }));
  await made(ask(`/v1/nodes/${node.id}`, { method: 'PATCH', body: { labels: { region: 'no' } }, headers: any }), 200);
  const account = await made(ask(`/v1/tenants/${shop.tenant}/serviceAccounts`, { ...own, body: { name: 'ci' } }));
  await made(
    ask(`/v1/serviceAccounts/${account.id}/tokens`, {
      ...own,
      body: { name: 'first', expiresAt: new Date(Date.now() + 3_600_000).toISOString() },
      headers: { 'idempotency-key': 'first' },
    }),
  );
  // Refused, tried and read: none of them is a change.
  expect((await ask('/v1/nodes', { body: { kind: 'site', name: 'oslo-1' } })).status).toBe(409);
  expect((await ask('/v1/nodes?dryRun=true', { body: { kind: 'site', name: 'oslo-2' } })).status).toBe(201);
  expect((await ask(`/v1/nodes/${node.id}`)).status).toBe(200);
  await ask(`/v1/projects/${shop.project}`, { ...own, method: 'DELETE', headers: any });
});
afterAll(async () => {
  await db.close();
  await server.stop();
  vi.restoreAllMocks();
});

/** Changes by resource and version, as the feeds of all contexts have them. */
const changes = `select resource_type, resource_id, resource_version from tenancy.feed where audit is not null
  union all select resource_type, resource_id, resource_version from inventory.feed where audit is not null
  union all select resource_type, resource_id, resource_version from task.feed where audit is not null
  union all select resource_type, resource_id, resource_version from audit.feed where audit is not null and not audit ? 'asked'`;

test('every change of every context is on record exactly once, and nothing else is', async () => {
  const difference = `with change as (${changes}), kept as (select resource_type, resource_id, resource_version from audit.record where class = 'change' and outcome = 'success')
    (select * from change except all select * from kept) union all (select * from kept except all select * from change)`;
  await expect.poll(() => db.unsafe(difference), { timeout: 20_000, interval: 250 }).toHaveLength(0);
  const [count] = await db.unsafe('select count(*)::int as n from audit.record');
  expect(count?.['n']).toBeGreaterThan(10);
  const invariants = await db.unsafe(`select l.id from audit.log l left join audit.record r on r.log_id = l.id
    where l.kind <> 'heads' group by l.id having count(r.id) <> l.size or max(r.seq) <> l.size - 1`);
  expect(invariants).toEqual([]);
});

test('what happens in a tenant is in its log, by whom and with what became of it; the platform has its own', async () => {
  const of = (where: string) =>
    db.unsafe(
      `select l.kind, r.record from audit.record r join audit.log l on l.id = r.log_id where ${where} order by r.seq`,
    );
  const [project] = await of(`r.record #>> '{resource,id}' = '${shop.project}' and r.resource_version = 1`);
  expect(project).toMatchObject({
    kind: 'tenant',
    record: {
      action: 'tenancy.scope.created',
      outcome: 'success',
      policyRelevant: true,
      actor: { type: 'user', id: shop.owner.id },
      scope: { tenantId: shop.tenant, projectId: shop.project },
      change: { before: null, after: { name: 'shop' } },
    },
  });
  const nodes = await of(`r.resource_type = 'inventory.node' and r.outcome = 'success'`);
  expect(nodes.map(({ kind, record }) => [kind, (record as { change: { changed: unknown } }).change.changed])).toEqual([
    ['platform', []],
    ['platform', ['/labels']],
  ]);
});

test('every request that changed something has one record that is its primary, and each says what it was and why it was let through', async () => {
  const wrong =
    await db.unsafe(`select r.request_id, count(*) filter (where r.record #> '{request,primary}' = 'true') as primaries,
      bool_and(r.record #>> '{request,operation}' is not null and r.record #>> '{authorization,permission}' is not null) as told
    from audit.record r where r.request_id is not null and r.class = 'change' and r.outcome = 'success' group by 1
    having count(*) filter (where r.record #> '{request,primary}' = 'true') <> 1
      or not bool_and(r.record #>> '{request,operation}' is not null and r.record #>> '{authorization,permission}' is not null)`);
  expect(wrong).toEqual([]);
  // Nobody but Sentral itself acts without a request.
  const unasked = await db.unsafe(
    `select distinct record -> 'actor' as actor from audit.record where request_id is null and class = 'change'`,
  );
  expect(unasked.map(({ actor }) => (actor as { type: string }).type)).toEqual(unasked.map(() => 'system'));
});

test('an allocation is on record by who took it, with the binding, the project and what became of it; the tenant reads it by the API', async () => {
  const own = as(shop.owner);
  const domainId = await numbers(server, 'trail');
  const taken = await made(allocate(server, shop.environment, { domainId, ...own }));
  const reason = { 'sentral-reason': 'CHG-1234' };
  await made(server.ask(`/v1/allocations/${taken.id}/release`, { ...own, method: 'POST', headers: reason }), 200);
  const at = `/v1/auditRecords?resourceId=${taken.id}&sort=id`;
  await expect
    .poll(async () => (await server.ask(at, own)).body.items.length, { timeout: 20_000, interval: 250 })
    .toBe(2);
  const [first, second] = (await server.ask(at, own)).body.items;
  expect(first).toMatchObject({
    actor: { type: 'user', id: shop.owner.id },
    scope: { tenantId: shop.tenant, projectId: shop.project, environmentId: shop.environment },
    request: { operation: 'createAllocation', primary: true, idempotencyKeyHash: expect.any(String) },
    authorization: {
      permission: 'inventory.allocation.create',
      decision: 'allow',
      via: expect.stringMatching(/^rbd_/),
      accessEpoch: expect.any(Number),
    },
  });
  expect(second).toMatchObject({ action: 'inventory.allocation.released', reason: 'CHG-1234' });
  const { body: proof } = await server.ask(`/v1/auditRecords/${second.id}/proof`, own);
  const bytes = (text: string) => fromBase64(text) as Hash;
  const { index, treeSize: size, leaf, root, hashes } = proof;
  expect(bytes(leaf)).toEqual(await recordLeaf(second));
  const claim = { leaf: bytes(leaf), index, size, proof: hashes.map(bytes), root: bytes(root) };
  expect(await verifyInclusion(claim)).toBe(true);
  // Staff of the platform reads the platform's log, and nothing of a tenant's.
  expect((await server.ask(at)).body.items).toEqual([]);
  const platform = (await server.ask('/v1/auditRecords?resourceType=inventory.node')).body.items;
  expect(platform.map((record: { action: string }) => record.action)).toContain('inventory.node.registered');
});

test('what is refused, fails or reads audit is on record once a minute, where those may see it who may know of it', async () => {
  const guest = await person(server, 'guest');
  await grant(server, shop, { to: guest, role: 'viewer' });
  const path = `/v1/projects/${shop.project}`;
  const before = new Date(Date.now() - 1_000).toISOString();
  for (let tries = 0; tries < 5; tries += 1)
    expect((await server.ask(`${path}/suspend`, { ...as(guest), method: 'POST', headers: any })).status).toBe(403);
  const stranger = await person(server, 'stranger');
  expect((await server.ask(path, { ...as(stranger), method: 'DELETE', headers: any })).status).toBe(404);
  expect((await server.ask('/v1/whoami', { token: 'nonsense' })).status).toBe(401);
  expect((await server.ask(path, { ...as(shop.owner), method: 'DELETE', headers: { 'if-match': '"9"' } })).status).toBe(
    412,
  );
  expect((await server.ask(`${path}?dryRun=true`, { ...as(shop.owner), method: 'DELETE', headers: any })).status).toBe(
    409,
  );
  expect((await server.ask(path, as(guest))).status).toBe(200);
  const about = `occurredAt.gte=${before}&limit=500&sort=id`;
  const told = async (token: string | undefined, filter: string) =>
    (await server.ask(`/v1/auditRecords?${about}&${filter}`, token === undefined ? {} : { token })).body
      .items as Json[];
  await expect
    .poll(async () => (await told(shop.owner.token, 'class=change&outcome=failed')).length, {
      timeout: 20_000,
      interval: 250,
    })
    .toBe(1);
  const short = (items: Json[]) =>
    items.map(({ actor, action, outcome, resource, problem, scope }) => [
      actor.id,
      action,
      outcome,
      resource?.id,
      problem?.code,
      scope.projectId,
    ]);
  const { tenant, project, owner } = shop;
  expect(short(await told(owner.token, 'class=access_denied'))).toEqual([
    [guest.id, 'suspendProject', 'denied', project, 'permission-denied', project],
  ]);
  expect(short(await told(owner.token, 'outcome=failed'))).toEqual([
    [owner.id, 'deleteProject', 'failed', project, 'version-mismatch', project],
  ]);
  // A tenant hears of no stranger; the platform does.
  expect(short(await told(undefined, 'class=access_denied,authn'))).toEqual([
    [stranger.id, 'deleteProject', 'denied', project, 'not-found', undefined],
    ['anonymous', 'whoami', 'denied', undefined, 'unauthenticated', undefined],
  ]);
  await expect
    .poll(async () => (await told(owner.token, 'class=read')).length, { timeout: 20_000, interval: 250 })
    .toBeGreaterThan(2);
  const [read] = await told(owner.token, 'class=read');
  expect(read).toMatchObject({
    action: 'listAuditRecords',
    actor: { id: owner.id },
    scope: { tenantId: tenant },
    outcome: 'success',
  });
});

test('no secret is on record, and no tenant is named in the log of another', async () => {
  const secrets = await db.unsafe(`select id from audit.record where record::text ~ 'snt_|eyJ'`);
  expect(secrets).toEqual([]);
  const strangers = await db.unsafe(`select r.id from audit.record r join audit.log l on l.id = r.log_id
    where l.tenant_id is distinct from r.tenant_id or (l.kind = 'tenant' and r.record #>> '{scope,tenantId}' is null)`);
  expect(strangers).toEqual([]);
});

test('signed heads leave the process, and are opened by the key beside them', async () => {
  const line = await vi.waitFor(
    () => {
      const found = written
        .join('')
        .split('\n')
        .find((each) => each.includes('"auditCheckpoint"'));
      expect(found).toBeDefined();
      return found as string;
    },
    { timeout: 20_000, interval: 250 },
  );
  const { auditCheckpoint } = JSON.parse(line) as { auditCheckpoint: { note: string; key: string } };
  const key = await parseNoteKey(auditCheckpoint.key);
  const text = key && (await openNote(auditCheckpoint.note, key));
  expect(parseCheckpoint(text ?? '')?.size).toBeGreaterThan(0);
});

test('a legal hold is set by who may, seen where it lies, ended with a reason and the version that was read; both are on record for years', async () => {
  const own = as(shop.owner);
  const place = `/v1/projects/${shop.project}/legalHolds`;
  expect((await server.ask(place, { ...own, body: {} })).body).toMatchObject({
    code: 'validation-failed',
    errors: [{ pointer: '/reason' }],
  });
  expect(
    (await server.ask(place, { ...own, body: { reason: 'r', resourceId: 'xyz_00000000000000000000000000' } })).status,
  ).toBe(400);
  const held = await made(server.ask(place, { ...own, body: { reason: 'case 7', resourceId: shop.environment } }));
  expect(held).toMatchObject({
    scopeId: shop.project,
    tenantId: shop.tenant,
    resourceId: shop.environment,
    createdBy: shop.owner.id,
    version: 1,
  });
  const guest = await person(server, 'hold-guest');
  await grant(server, shop, { to: guest, role: 'viewer' });
  expect((await server.ask('/v1/legalHolds', as(guest))).body.items).toEqual([]);
  expect((await server.ask('/v1/legalHolds', own)).body.items.map(({ id }: Json) => id)).toEqual([held.id]);
  const end = `/v1/legalHolds/${held.id}/end`;
  expect((await server.ask(end, { ...own, body: { reason: 'settled' } })).status).toBe(428);
  expect((await server.ask(end, { ...own, body: { reason: 'settled' }, headers: { 'if-match': '"7"' } })).status).toBe(
    412,
  );
  const ended = await made(
    server.ask(end, { ...own, body: { reason: 'settled' }, headers: { 'if-match': '"1"' } }),
    200,
  );
  expect(ended).toMatchObject({ version: 2, endReason: 'settled' });
  expect((await server.ask('/v1/legalHolds', own)).body.items).toEqual([]);
  const about = `/v1/auditRecords?resourceId=${held.id}&policyRelevant=true&class=change&sort=id`;
  await expect
    .poll(async () => (await server.ask(about, own)).body.items.length, { timeout: 20_000, interval: 250 })
    .toBe(2);
  const [set] = (await server.ask(about, own)).body.items;
  expect(set).toMatchObject({
    action: 'audit.legalHold.set',
    change: { after: { reason: 'case 7' } },
    scope: { projectId: shop.project },
  });
});

test('every fact of every context has all its records, and is counted in whatever context it lies', async () => {
  await db.unsafe('update audit.completeness set cursor = null, finished_at = null');
  const counted = `select context, missing::int, checked::int from audit.completeness where finished_at is not null order by context`;
  await expect.poll(() => db.unsafe(counted), { timeout: 60_000, interval: 500 }).toHaveLength(4);
  const rows = await db.unsafe(counted);
  expect(rows.map(({ context, missing }) => [context, missing])).toEqual([
    ['audit', 0],
    ['inventory', 0],
    ['task', 0],
    ['tenancy', 0],
  ]);
  expect(rows.find(({ context }) => context === 'tenancy')?.['checked']).toBeGreaterThan(10);
  const { parts } = (await server.ask('/readyz')).body;
  expect(parts).toContainEqual({ name: 'audit integrity', status: 'ok' });
});
