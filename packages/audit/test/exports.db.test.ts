import { verifyExport, type ReadFile } from '@sentral/contracts/audit-export';
import type { NoteKey } from '@sentral/contracts/audit-note';
import { exportLimits } from '@sentral/contracts/audit/export';
import type { AuditRecord } from '@sentral/contracts/audit/record';
import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId, type Id } from '@sentral/contracts/ids';
import { commandId } from '@sentral/contracts/services/message';
import { servedSteps } from '@sentral/kernel/bus/operation';
import { newId } from '@sentral/kernel/id';
import { inTransaction } from '@sentral/kernel/transaction';
import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSigner } from '../src/checkpoint/signer.js';
import { takeCheckpoint } from '../src/checkpoint/take.js';
import { expireExports } from '../src/export/loops.js';
import { usualBounds, type Bounds } from '../src/export/work.js';
import { createAudit, type Audit } from '../src/index.js';
import { createSeal } from '../src/seal.js';
import { appendBatch } from '../src/sequence/append.js';
import { auditSteps } from '../src/serve.js';
import { everyone, someFact, someKeys, somePlace, type Place } from './some-feed.js';

const [tenant, other] = [newId(), newId()];
const tenantId = encodeId('tnt', tenant);
const signer = createSigner(randomBytes(32));
const bounds: Bounds = { ...usualBounds, lines: 100 };
const actor = encodeId('usr', newId());
let place: Place;
let audit: Audit;
let key: NoteKey;
let afterPos = 0;

const scopesOf = (id: string): Caller['scopes'] => [
  { id: 'platform', parentId: null, kind: 'platform', tenantId: null, state: 'active', version: 1 },
  {
    id: encodeId('tnt', id),
    parentId: 'platform',
    kind: 'tenant',
    tenantId: encodeId('tnt', id),
    state: 'active',
    version: 1,
  },
];
const caller: Caller = { ...everyone, scopes: scopesOf(tenant) };

async function record(facts: Parameters<typeof someFact>[1][]): Promise<void> {
  const lease = await place.lease();
  const items = facts.map((fact, at) => someFact(afterPos + at + 1, fact));
  await appendBatch(place.deps, lease, { context: 'inventory', afterPos, items });
  afterPos += items.length;
  await takeCheckpoint(place.deps, lease, {
    signer,
    emit: ({ note }) => {
      const name = note.split('\n')[0] ?? '';
      key = { name, publicKey: new Uint8Array(signer.publicKey) };
    },
    afterSeconds: 0,
  });
}

/** What the relay and the sequencer do with the feed row of an export's making. */
const recordOwn = (id: Id<'exp'>) =>
  record([{ type: 'audit.export.asked', tenantId, resource: { type: 'audit.export', id, version: 1 } }]);

beforeAll(async () => {
  place = await somePlace();
  audit = createAudit(place.deps, { results: true });
  const seal = createSeal(someKeys.feed);
  const request = () => ({
    id: encodeId('req', newId()),
    operation: 'op',
    sealed: seal({ source: { ip: '192.0.2.7' } }),
  });
  await record(
    Array.from({ length: 600 }, (_, at) => ({
      tenantId: at % 100 === 50 ? encodeId('tnt', other) : tenantId,
      audit: {
        principal: { id: at % 7 === 0 ? actor : encodeId('usr', newId()), type: 'user' },
        before: null,
        after: { at },
        ...(at % 5 === 0 ? { request: request() } : {}),
      },
    })),
  );
});
afterAll(() => place.end());

const process = (more: Partial<Bounds> = {}) =>
  servedSteps({
    db: place.deps.db.app,
    schema: 'audit',
    service: 'audit',
    actions: auditSteps(place.deps, { moved: () => undefined, bounds: { ...bounds, ...more } }),
    answered: () => undefined,
  });

const asked = (exportId: Id<'exp'>, direction: 'do' | 'undo'): string => {
  const stepid = encodeId('stp', decodeId('exp', exportId));
  const action = direction === 'do' ? 'export.write' : 'export.drop';
  const command = {
    specversion: '1.0',
    id: commandId(stepid, direction, 1),
    source: '/sentral/task',
    type: `dev.dataverket.step.${direction}.v1`,
    time: new Date().toISOString(),
    stepid,
    taskid: encodeId('tsk', decodeId('exp', exportId)),
    tenantid: tenantId,
    direction,
    attempt: 1,
    expires: new Date(Date.now() + 60_000).toISOString(),
    data: { action, contract: 1, input: { exportId }, of: { action: 'export.write', input: { exportId } } },
  };
  return JSON.stringify(command);
};

type Asking = Partial<Omit<Parameters<Audit['export']['create']>[1], 'scopeId' | 'taskId'>>;

async function begun(asking: Asking = {}): Promise<Id<'exp'>> {
  const made = await audit.export.create(caller, { scopeId: tenantId, taskId: encodeId('tsk', newId()), ...asking });
  await recordOwn(made.id);
  return made.id;
}

async function toItsEnd(steps: ReturnType<typeof process>, id: Id<'exp'>): Promise<void> {
  for (let rounds = 0; (await audit.export.get(caller, { id })).state === 'waiting'; rounds += 1) {
    expect(rounds).toBeLessThan(100);
    await steps.resume(0);
  }
}

async function written(asking: Asking = {}): Promise<Id<'exp'>> {
  const id = await begun(asking);
  const steps = process();
  expect(await steps.take(asked(id, 'do'))).toBe('ack');
  await toItsEnd(steps, id);
  return id;
}

const filesOf =
  (id: Id<'exp'>): ReadFile =>
  async (name) => {
    const pieces: Buffer[] = [];
    for (let offset: number | undefined = 0; offset !== undefined;) {
      const piece = await audit.export.file(caller, { id, name, offset });
      pieces.push(Buffer.from(piece.content, 'base64'));
      offset = piece.next;
    }
    return new Uint8Array(Buffer.concat(pieces));
  };
const manifestOf = async (id: Id<'exp'>) => JSON.parse(Buffer.from(await filesOf(id)('manifest.json')).toString());
const linesOf = async (id: Id<'exp'>, name: string) =>
  gunzipSync(await filesOf(id)(name))
    .toString()
    .trimEnd()
    .split('\n');
/** The same files, but for one. */
const but = (id: Id<'exp'>, name: string, bytes: Uint8Array): ReadFile => {
  const all = filesOf(id);
  return (wanted) => (wanted === name ? Promise.resolve(new Uint8Array(bytes)) : all(wanted));
};

test('an export is whole, verifies from its files and the key alone, and holds what was on record when it was asked for', async () => {
  const id = await written();
  const it = await audit.export.get(caller, { id });
  expect(it).toMatchObject({ state: 'ready', records: 595, version: 2 });
  expect(it.files.map(({ name }) => name)).toContain('records-00006.ndjson.gz');
  const manifest = await manifestOf(id);
  expect(manifest.seqRanges).toEqual([{ log: expect.any(String), first: 0, last: 594, count: 595, contiguous: true }]);
  expect(await verifyExport(filesOf(id), key)).toEqual({ records: 595, findings: [] });
  const last = JSON.parse((await linesOf(id, 'records-00006.ndjson.gz')).at(-1) ?? '') as AuditRecord;
  expect(last.resource?.id).toBe(id);
});

test('what is changed, left out or promised beyond what is there is found', async () => {
  const id = await written();
  const strange = { ...key, publicKey: new Uint8Array(32) };
  expect((await verifyExport(filesOf(id), strange)).findings).toContain('the checkpoint is not signed by the key');
  const lines = await linesOf(id, 'records-00002.ndjson.gz');
  const forged = gzipSync([...lines.slice(1).map((line) => `${line}\n`)].join(''));
  const { findings } = await verifyExport(but(id, 'records-00002.ndjson.gz', forged), key);
  expect(findings[0]).toBe('records-00002.ndjson.gz is not the file that the manifest names');
  const manifest = await manifestOf(id);
  manifest.seqRanges[0].first = 3;
  const claimed = await verifyExport(but(id, 'manifest.json', Buffer.from(JSON.stringify(manifest))), key);
  expect(claimed.findings[0]).toMatch(/are promised, and are not what is there/);
});

test('a filter leaves records out, says so, and each that is there stands in the log', async () => {
  const id = await written({ filter: { actorId: actor } });
  const manifest = await manifestOf(id);
  expect(manifest).toMatchObject({ of: { filter: { actorId: actor } }, seqRanges: [{ contiguous: false }] });
  const verified = await verifyExport(filesOf(id), key);
  expect(verified).toEqual({ records: manifest.count, findings: [] });
  expect(manifest.count).toBe(85);
  manifest.seqRanges[0].contiguous = true;
  const claimed = await verifyExport(but(id, 'manifest.json', Buffer.from(JSON.stringify(manifest))), key);
  expect(claimed.findings).toHaveLength(1);
});

test('a process that dies in the middle is followed by another: every part is there once', async () => {
  const id = await begun();
  const dies = process();
  await dies.take(asked(id, 'do'));
  await dies.resume(0);
  await dies.resume(0);
  const before = await audit.export.get(caller, { id });
  expect(before).toMatchObject({ state: 'waiting', records: 200 });
  const follower = process();
  await Promise.all([follower.resume(0), process().resume(0)]);
  await toItsEnd(follower, id);
  const { records } = await audit.export.get(caller, { id });
  expect(await verifyExport(filesOf(id), key)).toEqual({ records, findings: [] });
});

test('taken back in the middle, or before it was begun, its files are gone', async () => {
  const id = await begun();
  const steps = process();
  await steps.take(asked(id, 'do'));
  await steps.resume(0);
  expect((await audit.export.get(caller, { id })).files.length).toBe(2);
  await steps.take(asked(id, 'undo'));
  expect(await audit.export.get(caller, { id })).toMatchObject({ state: 'cancelled', files: [], records: 0 });
  await steps.resume(0);
  await expect(audit.export.file(caller, { id, name: 'manifest.json' })).rejects.toMatchObject({
    code: 'state-conflict',
  });
  const unsent = await begun();
  await steps.take(asked(unsent, 'undo'));
  expect((await audit.export.get(caller, { id: unsent })).state).toBe('cancelled');
  await steps.take(asked(unsent, 'do'));
  expect((await audit.export.get(caller, { id: unsent })).state).toBe('cancelled');
});

test('one that would be too large fails and says how to ask for less', async () => {
  const id = await begun();
  const steps = process({ records: 250 });
  await steps.take(asked(id, 'do'));
  for (let n = 0; n < 4; n += 1) await steps.resume(0);
  const [row] = await place.admin.unsafe(`select state, result from audit.operation where op = $1`, [
    decodeId('exp', id),
  ]);
  expect(row).toMatchObject({ state: 'failed', result: { class: 'permanent', code: 'export_too_large' } });
  await steps.take(asked(id, 'undo'));
  expect((await audit.export.get(caller, { id })).files).toEqual([]);
});

test('what is sealed comes only where it was asked for, opens what the records have sealed, and not of who was erased', async () => {
  expect((await manifestOf(await written())).personal).toBeUndefined();
  const erased = encodeId('usr', newId());
  const seal = createSeal(someKeys.feed);
  const request = { id: encodeId('req', newId()), operation: 'op', sealed: seal({ source: { ip: '192.0.2.9' } }) };
  await record([{ tenantId, audit: { principal: { id: erased, type: 'user' }, before: null, after: {}, request } }]);
  await audit.subject.erase(everyone, { id: erased });
  const id = await written({ personal: true });
  expect((await verifyExport(filesOf(id), key)).findings).toEqual([]);
  const { personal } = await manifestOf(id);
  const lines = (await Promise.all(personal.map(({ name }: { name: string }) => linesOf(id, name)))).flat();
  expect(lines.filter((line) => line.includes('192.0.2.7'))).toHaveLength(114);
  expect(lines.filter((line) => line.includes('"erased"'))).toHaveLength(1);
  const [{ name }] = personal;
  const forged = gzipSync(
    (await linesOf(id, name)).map((line) => `${line.replace('192.0.2.7', '192.0.2.8')}\n`).join(''),
  );
  expect((await verifyExport(but(id, name, forged), key)).findings.join()).toMatch(/is not what the record has sealed/);
});

test('in OCSF the record is the raw data, and verifies', async () => {
  const id = await written({ format: 'ocsf' });
  expect((await verifyExport(filesOf(id), key)).findings).toEqual([]);
  const [line] = await linesOf(id, 'records-00001.ndjson.gz');
  expect(JSON.parse(line ?? '')).toMatchObject({ class_uid: 6003, metadata: { version: '1.3.0' } });
});

test('files go when their time is over, and when somebody says so; a tenant holds so many', async () => {
  const [old, unwanted] = [
    await written({ filter: { actorId: actor } }),
    await written({ filter: { actorId: actor } }),
  ];
  await expect(audit.export.remove(caller, { id: unwanted, version: 1 })).rejects.toMatchObject({
    code: 'version-mismatch',
  });
  expect(await audit.export.remove(caller, { id: unwanted, version: 2 })).toMatchObject({
    state: 'deleted',
    version: 3,
  });
  // Time passes, and no change is made that the guard would want a feed row of.
  await inTransaction(place.admin, async (tx) => {
    await tx.unsafe('set local session_replication_role = replica');
    await tx.unsafe(`update audit.export set expires_at = now() - interval '1 s' where id = $1`, [
      decodeId('exp', old),
    ]);
  });
  await expireExports(place.deps);
  expect(await audit.export.get(caller, { id: old })).toMatchObject({ state: 'expired', files: [] });
  const [left] = await place.admin.unsafe(
    `select count(*)::int as n from audit.export_file where export_id = any($1::uuid[])`,
    [[old, unwanted].map((id) => decodeId('exp', id))],
  );
  expect(left?.['n']).toBe(0);
  const live = (await audit.export.list(caller, { state: ['waiting', 'ready'], limit: 100 })).items.length;
  const make = () => audit.export.create(caller, { scopeId: tenantId, taskId: encodeId('tsk', newId()) });
  for (let n = live; n < exportLimits.perTenant; n += 1) await make();
  await expect(make()).rejects.toMatchObject({ code: 'queue-full' });
});

test('another tenant sees nothing of it, and the platform has none', async () => {
  const [mine] = (await audit.export.list(caller, { limit: 1 })).items;
  const stranger: Caller = {
    ...everyone,
    readScope: { tenantIds: [encodeId('tnt', other)], projectIds: [], environmentIds: [] },
  };
  expect(await audit.export.list(stranger, {})).toEqual({ items: [] });
  for (const call of [
    () => audit.export.get(stranger, { id: mine!.id }),
    () => audit.export.file(stranger, { id: mine!.id, name: 'manifest.json' }),
    () => audit.export.remove(stranger, { id: mine!.id }),
  ])
    await expect(call()).rejects.toMatchObject({ code: 'not-found' });
  await expect(
    audit.export.create(caller, { scopeId: 'platform', taskId: encodeId('tsk', newId()) }),
  ).rejects.toMatchObject({ code: 'invalid-parameter' });
});
