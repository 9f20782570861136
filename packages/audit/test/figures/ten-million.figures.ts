import { fromBase64, parseNoteKey, type NoteKey } from '@sentral/contracts/audit-note';
import { recordLeaf, verifyInclusion, type Hash } from '@sentral/contracts/audit-proof';
import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { Database } from '@sentral/kernel/database';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSigner } from '../../src/checkpoint/signer.js';
import { takeCheckpoint } from '../../src/checkpoint/take.js';
import { directorySink } from '../../src/export/directory.js';
import { createAudit, type Audit } from '../../src/index.js';
import { verifyExportIn } from '../../src/operate.js';
import { keepRetention } from '../../src/retention/run.js';
import { everyone } from '../some-feed.js';
import { copyMonth, fillMonth, makeTenants } from './fill.js';
import { openStand, timed, type Stand } from './stand.js';

const wanted = Number(process.env['SENTRAL_TEST_FIGURES_RECORDS'] ?? 10_000_000);
const calls = 300;
/** Percent of all blocks that what is asked for is taken from. */
const sample = Math.min(100, 200_000 / wanted);
const signer = createSigner(createHash('sha256').update('figures').digest());

let stand: Stand;
let audit: Audit;
let tenants: readonly Seen[] = [];

interface Seen {
  readonly uuid: string;
  readonly logId: string;
  readonly size: number;
}

/** The month of which the later ones are copies; up to there every leaf is that of its record. */
const model = 2;

/** Two that are older than their retention, a hundredth of all records each; then fourteen up to now. */
function months(): { month: string; records: number }[] {
  const now = new Date();
  const monthOf = (ago: number) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - ago, 1)).toISOString().slice(0, 7);
  const old = Math.floor(wanted / 100);
  return [
    ...[16, 15].map((ago) => ({ month: monthOf(ago), records: old })),
    ...Array.from({ length: 14 }, (_, at) => ({
      month: monthOf(13 - at),
      records: Math.floor((wanted - 2 * old) / 14),
    })),
  ];
}

beforeAll(async () => {
  const filled = process.env['SENTRAL_TEST_FIGURES_FILLED'] !== undefined;
  stand = await openStand(
    filled
      ? {}
      : {
          fsync: 'off',
          synchronous_commit: 'off',
          wal_level: 'minimal',
          max_wal_senders: '0',
          shared_buffers: '512MB',
          maintenance_work_mem: '512MB',
          max_wal_size: '8GB',
        },
  );
  audit = createAudit(stand.deps, { results: true });
  if (!filled) {
    const began = performance.now();
    const made = await makeTenants(stand.admin, 50);
    const all = months();
    for (const [at, each] of all.entries()) {
      const table = `audit.record_p${each.month.replace('-', '')}`;
      const [there] = await stand.admin.unsafe(`select to_regclass('${table}')::text as name`);
      if (there?.['name'] && (await stand.admin.unsafe(`select from ${table} limit 1`)).length > 0) continue;
      if (at <= model) await fillMonth(stand.admin, { ...each, tenants: made })();
      else await copyMonth(stand.admin, { month: each.month, from: all[model]?.month ?? '', tenants: made });
      console.log(`${each.month}: ${each.records} after ${Math.round((performance.now() - began) / 1_000)} s`);
    }
    await stand.admin.unsafe('vacuum (analyze) audit.record');
    await stand.admin.unsafe('checkpoint');
  }
  const rows = await stand.admin.unsafe(
    `select tenant_id as uuid, id as "logId", size from audit.log where kind = 'tenant' order by size desc`,
  );
  tenants = rows as unknown as readonly Seen[];
  await takeCheckpoint(stand.deps, await stand.lease(), { signer, emit: () => undefined, afterSeconds: 0 });
  const [size] = await stand.admin.unsafe(
    `select pg_size_pretty(sum(pg_total_relation_size(inhrelid))) as size, count(*)::int as months from pg_inherits where inhparent = 'audit.record'::regclass`,
  );
  console.log(
    `PostgreSQL ${stand.version}; ${tenants.reduce((sum, { size: n }) => sum + n, 0)} records in ${String(size?.['size'])}`,
  );
});
afterAll(() => stand.stop());

const ofTenant = ({ uuid }: Seen): Caller => ({
  ...everyone,
  readScope: { tenantIds: [encodeId('tnt', uuid)], projectIds: [], environmentIds: [] },
});

/** Every statement that a read sends, so that it can be explained as it was. */
function watched(): { audit: Audit; sent: { text: string; params: readonly unknown[] }[] } {
  const sent: { text: string; params: readonly unknown[] }[] = [];
  const { platform } = stand.deps.db;
  const seen: Database = {
    ...platform,
    unsafe: (text, params = []) => {
      sent.push({ text, params });
      return platform.unsafe(text, params);
    },
  };
  return { audit: createAudit({ ...stand.deps, db: { ...stand.deps.db, platform: seen } }), sent };
}

type List = Parameters<Audit['record']['list']>[1];

/** What a page costs in SQL alone, by the server. */
async function explained(command: List): Promise<string> {
  // By the platform's connection: the walls of a tenant's add the same condition once more.
  const { audit: other, sent } = watched();
  await other.record.list(everyone, command);
  const { text, params } = sent.at(-1) ?? { text: '', params: [] };
  const rows = await stand.deps.db.platform.unsafe(`explain (analyze, buffers, costs off, timing off) ${text}`, params);
  const plan = rows.map((row) => String(row['QUERY PLAN']));
  const scans = plan.filter((line) => /Scan (Backward )?using|Seq Scan/.test(line) && !line.includes('never executed'));
  const time = plan
    .filter((line) => /^(Planning|Execution) Time/.test(line))
    .map((line) => line.toLowerCase())
    .join(', ');
  const buffers = plan.find((line) => line.includes('Buffers'))?.trim();
  return `${time}; ${buffers}; ${[
    ...new Set(
      scans.map((line) =>
        line
          .trim()
          .replace(/.*?(Index|Bitmap|Seq)/, '$1')
          .replace(/\(.*/, '')
          .replace(/_p\d{6}\w*/g, '_p…'),
      ),
    ),
  ]
    .slice(0, 3)
    .join(', ')}`;
}

async function pages(name: string, caller: Caller, commands: readonly List[]): Promise<void> {
  let found = 0;
  const took = await timed(calls, async (at) => {
    const page = await audit.record.list(caller, commands[at % commands.length] as List);
    found += page.items.length;
  });
  console.log(`${name}: ${took}, ${(found / calls).toFixed(0)} records a page`);
  const [tenantId] = 'all' in caller.readScope ? [] : caller.readScope.tenantIds;
  const asked = { ...(commands[0] as List), ...(tenantId === undefined ? {} : { tenantId }) };
  console.log(`    ${await explained(asked)}`);
}

const some = async (text: string) => (await stand.admin.unsafe(text)).map((row) => Object.values(row)[0] as string);
const list = (command: Partial<List>): List => ({ sort: '-id', limit: 50, ...command });

test('pages of ten million records', async () => {
  const [large, small] = [tenants[0] as Seen, tenants.at(-1) as Seen];
  const actors = await some(
    `select distinct actor_id from audit.record tablesample system (${sample}) where tenant_id = '${large.uuid}' limit 50`,
  );
  const resources = await some(
    `select resource_id from audit.record tablesample system (${sample}) where tenant_id = '${large.uuid}' limit 50`,
  );
  const requests = await some(`select request_id from audit.record tablesample system (${sample}) limit 50`);
  for (const [who, caller] of [
    ['operator', everyone],
    ['tenant of half of all', ofTenant(large)],
    ['tenant of a hundredth', ofTenant(small)],
  ] as const) {
    await pages(`${who}, last 24 h`, caller, [list({})]);
    const day = (at: number) => {
      const from = Date.now() - (20 + 7 * at) * 86_400_000;
      return list({ from: new Date(from).toISOString(), to: new Date(from + 86_400_000).toISOString() });
    };
    await pages(
      `${who}, a day of the year`,
      caller,
      Array.from({ length: 50 }, (_, at) => day(at)),
    );
    await pages(
      `${who}, an actor`,
      caller,
      actors.map((uuid) => list({ actorId: encodeId('usr', uuid) })),
    );
    await pages(
      `${who}, a resource`,
      caller,
      resources.map((uuid) => list({ resourceId: encodeId('alc', uuid) })),
    );
    await pages(
      `${who}, a request`,
      caller,
      requests.map((uuid) => list({ requestId: encodeId('req', uuid) })),
    );
    await pages(`${who}, what is policy-relevant in a quarter`, caller, [
      list({ policyRelevant: true, from: new Date(Date.now() - 90 * 86_400_000).toISOString() }),
    ]);
    await pages(`${who}, an action in a month`, caller, [
      list({ actionPrefix: 'tenancy.', from: new Date(Date.now() - 30 * 86_400_000).toISOString() }),
    ]);
  }
});

async function prove(id: string): Promise<boolean> {
  const auditId = encodeId('aud', id);
  const record = await audit.record.get(everyone, { id: auditId });
  const { index, treeSize: size, leaf, root, hashes } = await audit.record.proof(everyone, { id: auditId });
  const bytes = (text: string) => fromBase64(text) as Hash;
  expect(bytes(leaf)).toEqual(await recordLeaf(record));
  return verifyInclusion({ leaf: bytes(leaf), index, size, proof: hashes.map(bytes), root: bytes(root) });
}

test('an inclusion proof in the largest log', async () => {
  const ids = await some(
    `select id from audit.record_p${months()[model]?.month.replace('-', '')} tablesample system (${Math.min(100, sample * 14)}) where tenant_id = '${tenants[0]?.uuid}' limit 300`,
  );
  let proven = 0;
  const took = await timed(200, async (at) => {
    if (await prove(ids[at % ids.length] as string)) proven += 1;
  });
  expect(proven).toBe(200);
  console.log(`read and proven in a log of ${tenants[0]?.size}: ${took}`);
});

test('a month that retention drops, its proofs, and one under a hold', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sentral-figures-'));
  const [first = '', second = ''] = months().map(({ month }) => month);
  const partOf = (month: string) => `audit.record_p${month.replace('-', '')}`;
  const there = async (month: string) => (await some(`select to_regclass('${partOf(month)}')::text`))[0] !== null;
  expect([await there(first), await there(second)]).toEqual([true, true]);
  const tenant = tenants[1] as Seen;
  const [old = ''] = await some(
    `select id from ${partOf(first)} where log_id = '${tenant.logId}' and not policy_relevant limit 1`,
  );
  const before = await audit.record.get(everyone, { id: encodeId('aud', old) });
  const beforeProof = await audit.record.proof(everyone, { id: encodeId('aud', old) });
  const [held = ''] = await some(`select resource_id from ${partOf(second)} where log_id = '${tenant.logId}' limit 1`);
  const scopes: Caller['scopes'] = [
    { id: 'platform', parentId: null, kind: 'platform', tenantId: null, state: 'active', version: 1 },
    { id: encodeId('tnt', tenant.uuid), parentId: 'platform', kind: 'tenant', tenantId: encodeId('tnt', tenant.uuid), state: 'active', version: 1 },
  ]; // prettier-ignore
  const hold = await audit.legalHold.create(
    { ...everyone, scopes },
    { scopeId: encodeId('tnt', tenant.uuid), resourceId: encodeId('alc', held), reason: 'figures' },
  );
  const keep = async () => {
    const began = performance.now();
    const sinkOf = (month: string) => directorySink(path.join(folder, month));
    await keepRetention(stand.deps, { db: stand.as('audit_retention'), days: 400, sinkOf, signer });
    return ((performance.now() - began) / 1_000).toFixed(1);
  };
  const took = await keep();
  expect([await there(first), await there(second)]).toEqual([false, true]);
  console.log(`${first} written out, verified and dropped, ${second} written out and kept by the hold: ${took} s`);
  const { index, treeSize: size, root, hashes } = beforeProof;
  const bytes = (text: string) => fromBase64(text) as Hash;
  const stands = { leaf: await recordLeaf(before), index, size, proof: hashes.map(bytes), root: bytes(root) };
  expect(await verifyInclusion(stands), 'a proof that was given before').toBe(true);
  const [after = ''] = await some(`select id from ${partOf(second)} where log_id = '${tenant.logId}' limit 1`);
  expect(await prove(after), 'a proof across what is gone').toBe(true);
  await audit.legalHold.end(everyone, { id: hold.id, version: 1, reason: 'over' });
  console.log(`${second} dropped when the hold had ended: ${await keep()} s`);
  expect(await there(second)).toBe(false);
  const { note } = (await stand.admin.unsafe('select note from audit.checkpoint order by size desc limit 1'))[0] as {
    note: string;
  };
  const key: NoteKey = { name: note.split('\n')[0] ?? '', publicKey: new Uint8Array(signer.publicKey) };
  const { formatNoteKey } = await import('@sentral/contracts/audit-note');
  expect(await parseNoteKey(await formatNoteKey(key))).toBeDefined();
  const began = performance.now();
  const verified = await verifyExportIn(path.join(folder, first), await formatNoteKey(key));
  expect(verified.findings).toEqual([]);
  console.log(
    `what was written out of ${first} verifies by its files and the key: ${((performance.now() - began) / 1_000).toFixed(1)} s`,
  );
  rmSync(folder, { recursive: true, force: true });
});
