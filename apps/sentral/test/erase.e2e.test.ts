import { openDatabase, type Database } from '@sentral/kernel/database';
import { createKeyring, openSealed } from '@sentral/audit';
import { recordLeaf } from '@sentral/contracts/audit-proof';
import { personalDigest, type Sealed } from '@sentral/contracts/audit-seal';
import { toBase64 } from '@sentral/contracts/audit-note';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { any, as, house, made, person, userSubject, type House, type Person } from './cast.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let db: Database;
let shop: House;
let ada: Person;

// What says who she is, and is looked for afterwards: by what her issuer calls her, her name, and what she came with.
const planted = ['planted-subject-7c1', 'Planted Lovelace', 'planted-agent/7.1'];
const [subject = '', displayName, userAgent = ''] = planted;
const came = { 'user-agent': userAgent };

beforeAll(async () => {
  server = await startServer();
  db = openDatabase({ url: server.adminUrl, applicationName: 'sentral-e2e', poolSize: 2, statementTimeoutMs: 60_000 });
  shop = await house(server, 'shop');
  ada = await person(server, subject);
  const patch = { method: 'PATCH', body: { displayName }, headers: { ...any, 'idempotency-key': 'name-of-ada' } };
  await made(server.ask(`/v1/users/${ada.id}`, patch), 200);
  await made(
    server.ask(`/v1/tenants/${shop.tenant}/roleBindings`, {
      ...as(shop.owner),
      body: { subject: userSubject(ada), role: 'admin' },
    }),
  );
  // A change, a refusal and a read that is kept: all three are on record with where they came from.
  await made(server.ask(`/v1/tenants/${shop.tenant}/projects`, { ...as(ada), headers: came, body: { name: 'ada-s' } }));
  expect((await server.ask('/v1/tenants', { ...as(ada), headers: came, body: { name: 'other' } })).status).toBe(403);
  expect((await server.ask('/v1/auditRecords', { ...as(ada), headers: came })).status).toBe(200);
});
afterAll(async () => {
  await db.close();
  await server.stop();
});

/** Every place in the database where one of these texts stands, in any spelling of its bytes. */
async function placesOf(texts: readonly string[]): Promise<string[]> {
  const columns =
    await db.unsafe(`select format('%I.%I', table_schema, table_name) as place, column_name as name, data_type as type
    from information_schema.columns join information_schema.tables using (table_schema, table_name)
    where table_schema in ('tenancy', 'inventory', 'task', 'audit', 'bus') and table_type = 'BASE TABLE'
      and data_type in ('text', 'jsonb', 'bytea', 'ARRAY', 'character varying')`);
  const spellings = texts.flatMap((text) => [
    text,
    Buffer.from(text).toString('hex'),
    Buffer.from(text).toString('base64').slice(0, -4),
  ]);
  expect(columns.length).toBeGreaterThan(150);
  const looked = columns.map(({ place, name }) => {
    const holds = spellings.map((_, at) => `position($${at + 1} in "${String(name)}"::text) > 0`).join(' or ');
    return `select '${String(place)}.${String(name)}' as place where exists (select from ${String(place)} where ${holds})`;
  });
  const found = await db.unsafe(`${looked.join(' union all ')} order by 1`, spellings);
  return found.map(({ place }) => String(place));
}

/** Whatever of hers lies in a feed, as somebody with the key of feeds could read it. */
async function inFeeds(): Promise<string[]> {
  const ring = createKeyring([server.internalKey], 'feed');
  const rows = await db.unsafe(
    ['tenancy', 'inventory', 'task', 'audit']
      .map((context) => `select '${context}' as context, audit from ${context}.feed where audit is not null`)
      .join(' union all '),
  );
  const readable = rows.flatMap(({ context, audit }) => {
    const { request, personal } = audit as { request?: { sealed?: Sealed }; personal?: Sealed };
    return [request?.sealed, personal].flatMap((sealed) =>
      sealed === undefined ? [] : [`${String(context)} ${JSON.stringify(openSealed(ring, sealed).fields)}`],
    );
  });
  return readable.filter((text) => planted.some((each) => text.includes(each)));
}

const onRecord = () =>
  expect
    .poll(
      async () =>
        (
          await db.unsafe(`select f.id from (select id from tenancy.feed where audit is not null union all select id from audit.feed where audit is not null) f
            left join audit.record r on r.id = f.id where r.id is null`)
        ).length,
      { timeout: 20_000, interval: 100 },
    )
    .toBe(0);

const hers = async (): Promise<Json[]> =>
  (await db.unsafe(
    `select record, sealed, leaf from audit.record where actor_id = $1 or resource_id = $1 order by id`,
    [(await db.unsafe(`select id from tenancy.principal where subject = $1`, [subject]))[0]?.['id'] ?? erasedUuid],
  )) as unknown as Json[];
let erasedUuid: unknown;

test('who she is stands in tenancy alone, and sealed everywhere else; who may read it reads it, and that it was read is on record', async () => {
  await onRecord();
  // Tenancy's own row, and the answer that it keeps a day for the repeated key.
  expect(await placesOf(planted)).toEqual([
    'tenancy.idempotency.result',
    'tenancy.principal.display_name',
    'tenancy.principal.subject',
  ]);
  expect((await inFeeds()).length).toBeGreaterThan(4);
  const own = as(shop.owner);
  const { items } = (await server.ask(`/v1/auditRecords?actorId=${ada.id}&class=change`, own)).body;
  expect(items).toHaveLength(1);
  const [record] = items;
  expect(record.sealed).toEqual([{ of: 'actor', alg: 'hmac-sha256', digest: expect.any(String) }]);
  const { body } = await server.ask(`/v1/auditRecords/${record.id}/personal`, own);
  const { issuer } = server.people.issuer;
  expect(body.parts).toEqual([
    {
      of: 'actor',
      digest: record.sealed[0].digest,
      state: 'shown',
      salt: expect.any(String),
      fields: { source: { ip: '127.0.0.1', userAgent }, actor: { issuer, subject, displayName } },
    },
  ]);
  const salt = new Uint8Array(Buffer.from(body.parts[0].salt, 'base64url'));
  expect(await personalDigest(salt, body.parts[0].fields)).toBe(record.sealed[0].digest);
  const reads = `select record from audit.record where class = 'read' and record #>> '{request,operation}' = 'getAuditRecordPersonal'`;
  await onRecord();
  expect(await db.unsafe(reads)).toMatchObject([
    { record: { actor: { id: shop.owner.id }, scope: { tenantId: shop.tenant }, resource: { id: record.id } } },
  ]);
  // A viewer of audit sees that something is sealed, and no more.
  const auditor = await person(server, 'auditor');
  await made(
    server.ask(`/v1/tenants/${shop.tenant}/roleBindings`, {
      ...own,
      body: { subject: userSubject(auditor), role: 'auditor' },
    }),
  );
  expect((await server.ask(`/v1/auditRecords/${record.id}`, as(auditor))).body.sealed).toEqual(record.sealed);
  const denied = await server.ask(`/v1/auditRecords/${record.id}/personal`, as(auditor));
  expect([denied.status, denied.body.missingPermission]).toEqual([403, 'audit.personal.read']);
});

test('one record is redacted by the platform, with a reason that the tenant reads; the record and its leaf stay', async () => {
  const own = as(shop.owner);
  const [record] = (await server.ask(`/v1/auditRecords?actorId=${ada.id}&class=change`, own)).body.items;
  const at = `/v1/auditRecords/${record.id}/redact`;
  const body = { reason: 'CASE-7' };
  expect((await server.ask(at, { body: {} })).status).toBe(422);
  expect((await server.ask(at, { ...own, body })).status).toBe(403);
  expect((await server.ask(`${at}?dryRun=true`, { body })).status).toBe(200);
  const tries = await Promise.all(Array.from({ length: 5 }, () => server.ask(at, { body })));
  expect(tries.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409, 409]);
  const { redaction } = tries.find(({ status }) => status === 200)?.body ?? {};
  await onRecord();
  expect((await server.ask(`/v1/auditRecords/${redaction}`, own)).body).toMatchObject({
    action: 'audit.record.redacted',
    policyRelevant: true,
    reason: 'CASE-7',
    resource: { type: 'audit.record', id: record.id },
  });
  expect((await server.ask(`/v1/auditRecords/${record.id}`, own)).body).toEqual(record);
  expect((await server.ask(`/v1/auditRecords/${record.id}/proof`, own)).body.leaf).toBe(
    toBase64(await recordLeaf(record)),
  );
  const { parts } = (await server.ask(`/v1/auditRecords/${record.id}/personal`, own)).body;
  expect(parts).toEqual([{ of: 'actor', digest: record.sealed[0].digest, state: 'redacted' }]);
});

test('a person who is erased is read nowhere any more, and in no feed once its days are over', async () => {
  erasedUuid = (await db.unsafe('select id from tenancy.principal where subject = $1', [subject]))[0]?.['id'];
  const before = await hers();
  const erase = `/v1/users/${ada.id}/erase`;
  expect((await server.ask(erase, { method: 'POST' })).status).toBe(428);
  expect((await server.ask(erase, { ...as(shop.owner), method: 'POST', headers: any })).status).toBe(403);
  const { body, status } = await server.ask(erase, { method: 'POST', headers: any });
  expect(status).toBe(200);
  const { id, completeBy } = body;
  expect(body).toEqual({
    id,
    type: 'user',
    state: 'erased',
    version: 3,
    createdAt: expect.any(String),
    updatedAt: expect.any(String),
    completeBy: expect.stringMatching(/T00:00:00.000Z$/),
  });
  expect(Date.parse(completeBy) - Date.now()).toBeGreaterThan(8 * 86_400_000);
  expect((await server.ask(erase, { method: 'POST', headers: any })).body).toEqual(body);
  // A repeated key is answered with what is left.
  const patch = { method: 'PATCH', body: { displayName }, headers: { ...any, 'idempotency-key': 'name-of-ada' } };
  expect((await server.ask(`/v1/users/${ada.id}`, patch)).body.displayName).toBeUndefined();
  await onRecord();
  expect(await placesOf(planted)).toEqual([]);
  const after = await hers();
  // Not one leaf has changed, and nothing beside them opens.
  expect(after.slice(0, before.length).map(({ record }) => record)).toEqual(before.map(({ record }) => record));
  for (const { record } of after.filter((each) => each.record.sealed !== undefined)) {
    const shown = (await server.ask(`/v1/auditRecords/${record.id}/personal`)).body;
    const states = shown.parts?.filter(
      ({ of }: Json) => (of === 'actor' ? record.actor.id : record.resource.id) === id,
    );
    for (const part of states ?? []) expect([part.state, part.fields]).toEqual(['erased', undefined]);
  }
  expect(await db.unsafe('select wrapped from audit.subject_key where subject_id = $1', [erasedUuid])).toEqual([
    { wrapped: null },
  ]);
  const undone = `update audit.subject_key set wrapped = 'x', key_id = 'x', erased_at = null where subject_id = $1`;
  await expect(db.unsafe(undone, [erasedUuid])).rejects.toThrow(/gets no key again/);

  // The copies on their way are readable with the key of feeds until their days are dropped.
  expect((await inFeeds()).length).toBeGreaterThan(0);
  for (const context of ['tenancy', 'inventory', 'task', 'audit']) {
    const [day] = await db.unsafe(`select distinct tableoid::regclass::text as name from ${context}.feed`);
    if (day === undefined) continue;
    await db.unsafe(`alter table ${String(day['name'])} rename to feed_p20200101`);
    const confirmed = `coalesce((select confirmed_pos from audit.producer where context = '${context}'), 0)`;
    const drop = async () =>
      (await db.unsafe(`select ${context}.feed_drop_confirmed(${confirmed}) as days`))[0]?.['days'];
    // As soon as all of it is published and on record; the relay itself does it within a minute.
    await expect.poll(drop, { timeout: 20_000, interval: 100 }).toBe(1);
  }
  expect(await inFeeds()).toEqual([]);
  expect(await placesOf(planted)).toEqual([]);
});
