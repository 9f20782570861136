import { verifyExport, type ReadFile } from '@sentral/contracts/audit-export';
import { formatNoteKey, fromBase64, parseNoteKey, type NoteKey } from '@sentral/contracts/audit-note';
import { verifyConsistency, verifyInclusion, type Hash } from '@sentral/contracts/audit-proof';
import { encodeId, type Id } from '@sentral/contracts/ids';
import type { Caller } from '@sentral/contracts/contract';
import { constraintName, sqlState } from '@sentral/kernel/errors';
import { newId } from '@sentral/kernel/id';
import { inTransaction } from '@sentral/kernel/transaction';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSigner } from '../src/checkpoint/signer.js';
import { takeCheckpoint } from '../src/checkpoint/take.js';
import type { Sink } from '../src/export/write.js';
import { createAudit, type Audit } from '../src/index.js';
import { directorySink } from '../src/export/directory.js';
import { verifyAudit, verifyExportIn } from '../src/operate.js';
import { keepRetention } from '../src/retention/run.js';
import { appendBatch } from '../src/sequence/append.js';
import { verifyAudit as verify } from '../src/verify/verify.js';
import { everyone, someFact, somePlace, type Place } from './some-feed.js';

const [tenant, other] = [newId(), newId()];
const tenantId = encodeId('tnt', tenant);
const node = newId();
const signer = createSigner(randomBytes(32));
const notes: string[] = [];
const files = new Map<string, Map<string, Uint8Array>>();
let place: Place;
let audit: Audit;
let key: NoteKey;
let logId: ReturnType<typeof encodeId<'log'>>;
/** Two old months, the first of 2024 and the second; and now. */
const months = ['2024-01', '2024-02'];

const sinkOf = (name: string): Sink => {
  const own = files.get(name) ?? new Map<string, Uint8Array>();
  files.set(name, own);
  return {
    put: async (file, bytes) => void own.set(file, bytes),
    get: async (file) => new Uint8Array(own.get(file) as Uint8Array),
  };
};
const read = (name: string): ReadFile => sinkOf(name).get;
const keep = () => keepRetention(place.deps, { db: place.as('audit_retention'), days: 400, sinkOf, signer });
const tables = async () =>
  (
    await place.admin.unsafe(
      `select relname from pg_class where relkind = 'r' and relname ~ '^record_.*2024' order by 1`,
    )
  ).map(({ relname }) => relname);
const head = async () => {
  const [log] = await place.admin.unsafe(`select size from audit.log where tenant_id = '${tenant}'`);
  return Number(log?.['size']);
};
const setHold = (command: { scopeId: Id<'tnt'>; resourceId?: string }, scopes: Caller['scopes'] = []) =>
  audit.legalHold.create({ ...everyone, scopes }, { ...command, reason: 'case 7' });
const ofTenant = (id: string): Caller['scopes'] => [
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

/** An id of a moment, as if it had been minted then. */
function idOf(time: string): string {
  const hex = Date.parse(time).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}${newId().slice(13)}`;
}

const asOwner = (statement: string) =>
  inTransaction(place.admin, async (tx) => {
    await tx.unsafe('set local role audit_owner');
    await tx.unsafe(statement);
  });

beforeAll(async () => {
  place = await somePlace();
  audit = createAudit(place.deps, { results: true });
  for (const month of months)
    await asOwner(`do $$ declare part text := 'record_p${month.replace('-', '')}'; begin
      set local timezone = 'UTC';
      execute format('create table audit.%I (like audit.record including defaults including constraints including storage)', part);
      execute format('alter table audit.record attach partition audit.%I for values from (%L) to (%L)', part,
        audit.uuid7_floor('${month}-01'::date), audit.uuid7_floor('${month}-01'::date + interval '1 month'));
      perform audit.close_partition(part); end $$`);
  const lease = await place.lease();
  let afterPos = 0;
  // The months meet in the middle: a fact of January came after the first of February.
  const times = [
    ...Array.from({ length: 700 }, () => '2024-01-15T00:00:00Z'),
    ...Array.from({ length: 5 }, (_, at) => (at % 2 === 0 ? '2024-02-01T00:00:00Z' : '2024-01-31T23:59:59Z')),
    ...Array.from({ length: 300 }, () => '2024-02-10T00:00:00Z'),
    ...Array.from({ length: 40 }, () => new Date().toISOString()),
  ];
  for (const [at, time] of times.entries()) {
    const policy = at % 100 === 7;
    const items = [
      someFact(++afterPos, {
        id: encodeId('evt', idOf(time)),
        tenantId: at === 600 ? encodeId('tnt', other) : tenantId,
        recordedAt: new Date(time).toISOString(),
        ...(policy ? { type: 'tenancy.roleBinding.created' } : {}),
        resource: { type: 'inventory.node', id: encodeId('nod', at === 3 ? node : newId()), version: 1 },
      }),
    ];
    if (at % 250 !== 0 && at !== times.length - 1 && at !== 701) {
      batch.push(...items);
      continue;
    }
    batch.push(...items);
    await appendBatch(place.deps, lease, {
      context: 'inventory',
      afterPos: afterPos - batch.length,
      items: batch.splice(0),
    });
    await takeCheckpoint(place.deps, lease, {
      signer,
      afterSeconds: 0,
      emit: async (checkpoint) => {
        notes.push(checkpoint.note);
        key = (await parseNoteKey(checkpoint.key)) as NoteKey;
      },
    });
  }
  const [log] = await place.admin.unsafe(`select id from audit.log where tenant_id = '${tenant}'`);
  logId = encodeId('log', String(log?.['id']));
});
const batch: ReturnType<typeof someFact>[] = [];
afterAll(() => place.end());

test('a month under a live hold of its scope or of one thing in it stays, and goes when the last one ends; the other months do not wait', async () => {
  const whole = await setHold({ scopeId: tenantId }, ofTenant(tenant));
  const thing = await setHold({ scopeId: tenantId, resourceId: encodeId('nod', node) }, ofTenant(tenant));
  expect(whole).toMatchObject({ scopeId: tenantId, version: 1, reason: 'case 7' });
  await keep();
  expect(await tables()).toEqual(['record_p202401', 'record_p202402']);
  const ended = await audit.legalHold.end(everyone, { id: whole.id, version: 1, reason: 'settled' });
  expect(ended).toMatchObject({ version: 2, endReason: 'settled' });
  await keep();
  // What the thing is on record for lies in January alone.
  expect(await tables()).toEqual(['record_p202401', 'record_policy_p202402']);
  expect((await audit.legalHold.list(everyone, {})).items.map(({ id }) => id)).toEqual([thing.id]);
  await audit.legalHold.end(everyone, { id: thing.id, reason: 'settled' });
  await keep();
  expect(await tables()).toEqual(['record_policy_p202401', 'record_policy_p202402']);
  const told = await place.admin.unsafe(
    `select type, resource_version::int as version from audit.feed where resource_type = 'audit.legalHold' order by seq`,
  );
  expect(told).toEqual(
    ['set', 'set', 'ended', 'ended'].map((what) => ({
      type: `audit.legalHold.${what}`,
      version: what === 'set' ? 1 : 2,
    })),
  );
});

test('what was dropped is in the export, which verifies by the public key alone; what is policy-relevant is still on record', async () => {
  for (const [month, records] of [
    ['2024-01', 702],
    ['2024-02', 303],
  ] as const)
    expect(await verifyExport(read(month), key)).toEqual({ records, findings: [] });
  const left = await place.admin.unsafe(`select policy_relevant as policy, count(*)::int as n from audit.record
    where id < audit.uuid7_floor('2024-03-01') group by 1`);
  expect(left).toEqual([{ policy: true, n: 10 }]);
  const size = await head();
  expect(await audit.log.get(everyone, { id: logId })).toMatchObject({ size, floor: 1004 });
  const [told] = await place.admin.unsafe(
    `select audit -> 'after' as after from audit.feed where type = 'audit.partition.dropped' order by seq limit 1`,
  );
  expect(told?.['after']).toMatchObject({
    month: '2024-02',
    records: 303,
    dropped: 300,
    logs: [{ records: 303, first: 699, last: 1003, size }],
  });
});

test('all that is left verifies, with every note that ever left; and every proof of a record that is left, and from every head, still stands', async () => {
  expect(await verifyAudit(place.admin, { notes, key })).toMatchObject({ notes: notes.length, findings: [] });
  const bytes = (text: string) => fromBase64(text) as Hash;
  const rows = await place.admin.unsafe(`select id from audit.record where tenant_id = '${tenant}' order by seq`);
  for (const { id } of rows) {
    const proof = await audit.record.proof(everyone, { id: encodeId('aud', String(id)) });
    const { leaf, index, treeSize, root, hashes } = proof;
    expect(
      await verifyInclusion({ leaf: bytes(leaf), index, size: treeSize, proof: hashes.map(bytes), root: bytes(root) }),
    ).toBe(true);
  }
  const size = await head();
  for (const from of [1, 250, 256, 500, 703, 900, 1004, size]) {
    const it = await audit.log.consistency(everyone, { id: logId, from });
    expect(
      await verifyConsistency({
        first: from,
        second: size,
        firstRoot: bytes(it.fromRoot),
        secondRoot: bytes(it.toRoot),
        proof: it.hashes.map(bytes),
      }),
    ).toBe(true);
  }
  expect((await audit.invariant.list(everyone, {})).items.filter(({ violations }) => violations > 0)).toEqual([]);
  await expect(audit.event.page(everyone, { tenantId, afterSeq: 10 })).rejects.toMatchObject({
    code: 'position-expired',
    facts: { oldest: 1004 },
  });
});

test('a leaf that was left is found when it is changed or gone, and a record of the years that is taken out too', async () => {
  const planted = (statement: string) =>
    inTransaction(
      place.admin,
      async (tx) => {
        await tx.unsafe('set local session_replication_role = replica');
        await tx.unsafe(statement);
        return (await verify(tx, { notes, key })).findings.map(({ seq, what }) => `${seq} ${what}`);
      },
      { rollback: true },
    );
  const of = `log_id = (select id from audit.log where tenant_id = '${tenant}')`;
  expect((await planted(`update audit.leaf set hash = sha256('x') where ${of} and seq = 20`))[0]).toMatch(
    /^250 the root of 251 records/,
  );
  expect(await planted(`delete from audit.leaf where ${of} and seq = 20`)).toContain('20 records up to 20 are missing');
  expect(await planted(`delete from audit.record where ${of} and seq = 107`)).toContain(
    '107 records up to 107 are missing',
  );
  expect(await planted(`drop table audit.record_policy_p202401`)).toContain('7 records up to 7 are missing');
});

test('files in a directory verify there, by the key as an operator keeps it', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'sentral-export-'));
  const sink = directorySink(path.join(directory, '2024-02'));
  for (const [name, bytes] of files.get('2024-02') ?? []) await sink.put(name, bytes);
  const text = await formatNoteKey(key);
  expect(await verifyExportIn(path.join(directory, '2024-02'), text)).toEqual({ records: 303, findings: [] });
  await rm(path.join(directory, '2024-02', 'proofs-00001.ndjson.gz'));
  expect((await verifyExportIn(path.join(directory, '2024-02'), text)).findings).toContain(
    'proofs-00001.ndjson.gz is missing',
  );
  await expect(verifyExportIn(directory, text)).rejects.toThrow(/manifest.json/);
  await rm(directory, { recursive: true });
});

test('an export that was changed is found: a line, a file, a proof, the signature, what is missing', async () => {
  const own = files.get('2024-02') as Map<string, Uint8Array>;
  const planted = async (file: string, change: (bytes: Buffer) => Uint8Array | undefined) => {
    const there = own.get(file) as Uint8Array;
    const bytes = change(Buffer.from(there));
    const get: ReadFile = async (name) => new Uint8Array((name === file ? bytes : own.get(name)) as Uint8Array);
    return (await verifyExport(get, key)).findings.join('; ');
  };
  const rewritten = (from: string | RegExp, to: string) => (bytes: Buffer) =>
    gzipSync(gunzipSync(bytes).toString().replace(from, to));
  expect(await planted('records-00001.ndjson.gz', rewritten('"outcome":"success"', '"outcome":"denied"'))).toMatch(
    /not the file.*do not stand in the log/,
  );
  expect(await planted('records-00001.ndjson.gz', rewritten(/^.*\n/, ''))).toMatch(
    /stands in its place.*has 302 lines/,
  );
  expect(await planted('records-00001.ndjson.gz', () => Buffer.from('hello'))).toMatch(/cannot be read/);
  expect(await planted('proofs-00001.ndjson.gz', rewritten(/^.*\n/, ''))).toMatch(/no proof is of|stands in its place/);
  expect(
    await planted('manifest.json', (bytes) => Buffer.from(bytes.toString().replace('— sentral', '— other'))),
  ).toMatch(/not signed by the key/);
  const stranger = { ...key, publicKey: createSigner(randomBytes(32)).publicKey };
  expect((await verifyExport(read('2024-02'), stranger)).findings[0]).toMatch(/not signed by the key/);
});

test('nobody but the role of retention may drop a month, and it neither a young one, nor one that holds something else than was exported', async () => {
  const call = (role: string, month: string, exported = '[]') =>
    place
      .as(role)
      .unsafe('select audit.drop_month($1, $2, $3::text::jsonb)', [month, newId(), exported])
      .then(
        () => 'done',
        (error: unknown) => constraintName(error) ?? sqlState(error),
      );
  for (const role of ['audit_app', 'audit_read', 'audit_platform'])
    expect(await call(role, '2024-01-01')).toBe('42501');
  const retention = place.as('audit_retention');
  for (const statement of [
    'select from audit.record',
    'delete from audit.record',
    'drop table audit.record_policy_p202401',
    `update audit.log set floor = 1`,
  ])
    await expect(retention.unsafe(statement)).rejects.toThrow(/permission denied|must be owner/);
  const [now] = await place.admin.unsafe(`select date_trunc('month', now())::date::text as month`);
  expect(await call('audit_retention', String(now?.['month']))).toBe('month_may_go');
  expect(await call('audit_retention', '2024-01-02')).toBe('month_may_go');
  // What is policy-relevant stays for seven years.
  expect(await call('audit_retention', '2024-01-01')).toBe('month_may_go');
  await asOwner(`do $$ begin execute format('create table audit.record_p202403 partition of audit.record for values from (%L) to (%L)',
    audit.uuid7_floor('2024-03-01'), audit.uuid7_floor('2024-04-01')); end $$`);
  expect(await call('audit_retention', '2024-03-01', '[{"log":"x","records":1,"first":0,"last":0}]')).toBe(
    'month_as_exported',
  );
  expect(await call('audit_retention', '2024-03-01')).toBe('done');
});
