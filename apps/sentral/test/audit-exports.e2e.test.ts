import { verifyExport, type ReadFile } from '@sentral/contracts/audit-export';
import { parseNoteKey, type NoteKey } from '@sentral/contracts/audit-note';
import { encodeId, parseId } from '@sentral/contracts/ids';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { any, as, grant, house, made, person, type House, type Person } from './cast.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let shop: House;
let guest: Person;
/** Begun together: each waits for the next signed checkpoint, and it is the same one. */
let begun: Readonly<Record<'whole' | 'ocsf' | 'authn' | 'personal' | 'unwanted', Json>>;
const written: string[] = [];

beforeAll(async () => {
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  server = await startServer();
  shop = await house(server, 'shop');
  guest = await person(server, 'guest');
  await grant(server, shop, { to: guest, role: 'viewer' });
  begun = {
    whole: await made(begin({}), 202),
    ocsf: await made(begin({ format: 'ocsf', filter: { class: ['change'] } }, { scope: shop.project }), 202),
    authn: await made(begin({ filter: { class: ['authn'] } }), 202),
    personal: await made(begin({ personal: true }), 202),
    unwanted: await made(begin({}), 202),
  };
});
afterAll(async () => {
  await server.stop();
  vi.restoreAllMocks();
});

let keys = 0;
const begin = (body: object, more: { token?: string; scope?: string; key?: string } = {}) =>
  server.ask(`/v1/auditExports?scope=${more.scope ?? shop.tenant}`, {
    token: more.token ?? shop.owner.token,
    body,
    headers: { 'idempotency-key': more.key ?? `export-${(keys += 1)}` },
  });

async function ready(task: Json): Promise<string> {
  expect(task).toMatchObject({ type: 'task', kind: 'audit.export', tenantId: shop.tenant });
  const id = task.input.exportId;
  const state = async () => (await server.ask(`/v1/auditExports/${id}`, as(shop.owner))).body.state;
  await expect.poll(state, { timeout: 30_000, interval: 250 }).toBe('ready');
  return id;
}

const download = (id: string, name: string, token = shop.owner.token) =>
  fetch(`${server.url}/v1/auditExports/${id}/files/${name}`, { headers: { authorization: `Bearer ${token}` } });
const filesOf =
  (id: string): ReadFile =>
  async (name) => {
    const answer = await download(id, name);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    expect([answer.status, Number(answer.headers.get('content-length'))]).toEqual([200, bytes.length]);
    return bytes;
  };

/** The key as it left with the checkpoints. */
async function leftKey(): Promise<NoteKey> {
  const line = written.findLast((text) => text.includes('"auditCheckpoint"')) ?? '{}';
  const key = await parseNoteKey(JSON.parse(line).auditCheckpoint.key);
  if (key === undefined) throw new Error('no key has left');
  return key;
}

test('an export whose task is cancelled is cancelled with it, and has no files; who only reads may not cancel it', async () => {
  const task = await made(begin({}), 202);
  const cancel = (token: string) => server.ask(`/v1/tasks/${task.id}/cancel`, { token, body: {} });
  expect((await cancel(guest.token)).status).toBe(403);
  const asked = await cancel(shop.owner.token);
  expect([200, 202], JSON.stringify(asked.body)).toContain(asked.status);
  const at = (path: string) => async () => (await server.ask(path, as(shop.owner))).body.state;
  const { exportId } = task.input;
  await expect.poll(at(`/v1/tasks/${task.id}`), { timeout: 20_000, interval: 100 }).toBe('cancelled');
  await expect.poll(at(`/v1/auditExports/${exportId}`), { timeout: 5_000, interval: 100 }).toBe('cancelled');
  expect((await server.ask(`/v1/auditExports/${exportId}`, as(shop.owner))).body).toMatchObject({
    files: [],
    records: 0,
  });
  expect((await download(exportId, 'manifest.json')).status).toBe(409);
});

test('a tenant takes its log away, and verifies it by the files and the key that left', async () => {
  const id = await ready(begun.whole);
  const it = (await server.ask(`/v1/auditExports/${id}`, as(shop.owner))).body;
  const verified = await verifyExport(filesOf(id), await leftKey());
  expect(verified).toEqual({ records: it.records, findings: [] });
  expect(it.records).toBeGreaterThan(3);
  const manifest = (await (await download(id, 'manifest.json')).json()) as Json;
  expect(manifest).toMatchObject({
    of: { export: id, scope: shop.tenant },
    seqRanges: [{ first: 0, contiguous: true }],
  });
  const task = (await server.ask(`/v1/tasks/${encodeId('tsk', parseId(id).uuid)}`, as(shop.owner))).body;
  await expect
    .poll(async () => (await server.ask(`/v1/tasks/${task.id}`, as(shop.owner))).body.state, { timeout: 10_000 })
    .toBe('succeeded');
  const listed = (await server.ask('/v1/auditExports?state=ready', as(shop.owner))).body.items;
  expect(listed.map((each: Json) => each.id)).toContain(id);
});

test('asked again under its key it is the same one; a project and a filter narrow it; OCSF is another form of it', async () => {
  const key = 'twice';
  const [first, second] = [await made(begin({}, { key }), 202), await made(begin({}, { key }), 202)];
  expect(second.input.exportId).toBe(first.input.exportId);
  const id = await ready(begun.ocsf);
  const { findings, records } = await verifyExport(filesOf(id), await leftKey());
  expect([findings, records > 0]).toEqual([[], true]);
});

test('what was asked for and read of it is on record, each file', async () => {
  const id = await ready(begun.authn);
  await (await download(id, 'manifest.json')).arrayBuffer();
  const told = async () =>
    (await server.ask(`/v1/auditRecords?resourceId=${id}&sort=id&limit=50`, as(shop.owner))).body.items.map(
      ({ action, policyRelevant }: Json) => `${action} ${policyRelevant}`,
    );
  await expect
    .poll(told, { timeout: 10_000, interval: 250 })
    .toEqual(
      expect.arrayContaining(['audit.export.asked true', 'audit.export.written true', 'getAuditExportFile false']),
    );
});

test('who may not read the records may neither make nor read one; another tenant has none', async () => {
  const id = await ready(begun.personal);
  expect((await begin({}, { token: guest.token })).status).toBe(403);
  expect((await download(id, 'manifest.json', guest.token)).status).toBe(404);
  const auditor = await person(server, 'auditor');
  await grant(server, shop, { to: auditor, role: 'auditor' });
  const personal = await begin({ personal: true }, { token: auditor.token });
  expect(personal).toMatchObject({ status: 403, body: { missingPermission: 'audit.personal.read' } });
  const refused = await download(id, 'manifest.json', auditor.token);
  expect([refused.status, ((await refused.json()) as Json).missingPermission]).toEqual([403, 'audit.personal.read']);
  const stranger = await house(server, 'other');
  expect((await download(id, 'manifest.json', stranger.owner.token)).status).toBe(404);
  expect((await server.ask('/v1/auditExports', as(stranger.owner))).body.items).toEqual([]);
});

test('deleted it is gone, and says so; bad questions name what is wrong', async () => {
  const id = await ready(begun.unwanted);
  const at = `/v1/auditExports/${id}`;
  expect((await server.ask(at, { ...as(shop.owner), method: 'DELETE' })).status).toBe(428);
  const gone = await server.ask(at, { ...as(shop.owner), method: 'DELETE', headers: any });
  expect(gone).toMatchObject({ status: 200, body: { state: 'deleted' } });
  expect((await download(id, 'manifest.json')).status).toBe(409);
  expect((await server.ask(at, as(shop.owner))).body.files).toEqual([]);
  const wrong = await begin({ filter: { from: 'yesterday' } });
  expect([wrong.status, wrong.body.errors[0].pointer]).toEqual([422, '/filter/from']);
  expect((await begin({ filter: { resourceId: 'x' } })).body).toMatchObject({ status: 400, parameter: 'resourceId' });
  const platform = await begin({}, { scope: 'platform', token: server.token });
  expect(platform.body).toMatchObject({ status: 400, parameter: 'scope' });
});
