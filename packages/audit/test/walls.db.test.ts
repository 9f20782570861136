import { encodeId } from '@sentral/contracts/ids';
import { newId } from '@sentral/kernel/id';
import { sqlState } from '@sentral/kernel/errors';
import { inTransaction } from '@sentral/kernel/transaction';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSigner } from '../src/checkpoint/signer.js';
import { takeCheckpoint } from '../src/checkpoint/take.js';
import { appendBatch } from '../src/sequence/append.js';
import { someFact, somePlace, type Place } from './some-feed.js';

let place: Place;
let partition: string;
const tenant = newId();
const tables = ['record', 'log', 'tile', 'head', 'checkpoint'];

beforeAll(async () => {
  place = await somePlace();
  const tenantId = encodeId('tnt', tenant);
  const other = encodeId('tnt', newId());
  const items = Array.from({ length: 600 }, (_, at) => someFact(at + 1, { tenantId: at % 2 === 0 ? tenantId : other }));
  const lease = await place.lease();
  await appendBatch(place.deps, lease, { context: 'inventory', afterPos: 0, items });
  await takeCheckpoint(place.deps, lease, { signer: createSigner(randomBytes(32)), emit: () => undefined });
  const [row] = await place.admin.unsafe(`select tableoid::regclass::text as part from audit.record limit 1`);
  partition = String(row?.['part']);
});
afterAll(() => place.end());

const refusal = async (call: Promise<unknown>): Promise<string | undefined> =>
  call.then(
    () => 'done',
    (error: unknown) => sqlState(error),
  );
const noColumn: Readonly<Record<string, string>> = {
  log: 'size = 0',
  record: `action = 'x'`,
  tile: 'level = 9',
  head: 'size = 9',
  checkpoint: `note = 'x'`,
};

describe.each(['audit_app', 'audit_read', 'audit_platform', 'audit_retention'])('%s', (role) => {
  test('changes, removes, empties and adds nothing of what is on record, in no partition either', async () => {
    const db = place.as(role);
    expect(partition).toMatch(/record_p\d{6}$/);
    for (const table of tables) {
      const names = table === 'record' ? ['audit.record', partition, 'audit.record_default'] : [`audit.${table}`];
      for (const name of names) {
        for (const statement of [
          `update ${name} set ${noColumn[table]}`,
          `delete from ${name}`,
          `truncate ${name}`,
          `insert into ${name} select * from ${name}`,
        ])
          expect([role, statement, await refusal(db.unsafe(statement))]).toEqual([role, statement, '42501']);
      }
    }
    expect(await refusal(db.unsafe(`update audit.producer set confirmed_pos = 9`))).toBe('42501');
  });
});

test('not even the owner changes what is on record', async () => {
  for (const table of [...tables, partition.replace('audit.', '')]) {
    for (const statement of [
      `update audit.${table} set ${noColumn[table] ?? noColumn['record']}`,
      `delete from audit.${table}`,
      `truncate audit.${table}`,
    ]) {
      const asOwner = inTransaction(place.admin, async (tx) => {
        await tx.unsafe('set local role audit_owner');
        await tx.unsafe(statement);
      });
      expect([statement, await refusal(asOwner)]).toEqual([statement, '42501']);
    }
  }
});

test('the functions that write are for the app alone', async () => {
  const calls = [
    `select audit.append('x', 0, 1, '[]')`,
    `select audit.open_log(gen_random_uuid(), 'tenant', gen_random_uuid(), 'x')`,
    `select audit.take_heads()`,
    `select audit.record_make_partitions(1)`,
  ];
  for (const role of ['audit_read', 'audit_platform', 'audit_retention'])
    for (const call of calls)
      expect([role, call, await refusal(place.as(role).unsafe(call))]).toEqual([role, call, '42501']);
  const inner = `select audit.extend_log(gen_random_uuid(), 0, '{}', array['\\x00'::bytea])`;
  expect(await refusal(place.deps.db.app.unsafe(inner))).toBe('42501');
});

describe('append takes only what goes on', () => {
  const row = async (changes: object) => {
    const [log] = await place.admin.unsafe(`select id, size from audit.log where tenant_id = '${tenant}'`);
    return {
      id: newId(),
      log_id: log?.['id'],
      seq: Number(log?.['size']),
      leaf: `\\x${'00'.repeat(32)}`,
      class: 'change',
      action: 'a',
      outcome: 'success',
      policy_relevant: false,
      recorded_at: new Date().toISOString(),
      record: {},
      ...changes,
    };
  };
  const append = (context: string, records: object[]) =>
    refusal(
      place.deps.db.app.unsafe('select audit.append($1, 0, 1, $2::text::jsonb)', [context, JSON.stringify(records)]),
    );

  test.each([
    ['a place beyond the end of the log', { seq: 400 }],
    ['a place that is taken', { seq: 3 }],
    ['a log that is not there', { log_id: newId() }],
    ['a leaf that is no hash', { leaf: '\\x00' }],
    ['an outcome that nobody knows', { outcome: 'fine' }],
  ])('%s is refused', async (_title, changes) => {
    expect(await append(`context_${randomBytes(4).toString('hex')}`, [await row(changes)])).toBe('23514');
  });

  test('a record that is there already, two for one place, and a position that does not follow are refused', async () => {
    const [known] = await place.admin.unsafe('select id from audit.record limit 1');
    expect(await append('a', [await row({ id: known?.['id'] })])).toBe('23505');
    expect(await append('b', [await row({}), await row({})])).toBe('23514');
    expect(await append('inventory', [await row({})])).toBe('23514');
  });
});

describe('a reader of one tenant', () => {
  const reading = (text: string, scope: string) =>
    inTransaction(place.deps.db.read, (tx) => tx.unsafe(text), { settings: { 'sentral.tenant': scope } });

  test('sees its own log, records, tiles and heads, and nothing of another', async () => {
    const records = await reading('select tenant_id, record from audit.record', tenant);
    expect(records).toHaveLength(300);
    expect(new Set(records.map((row) => row['tenant_id']))).toEqual(new Set([tenant]));
    expect(await reading('select id from audit.log', tenant)).toHaveLength(1);
    expect(await reading('select from audit.head', tenant)).toHaveLength(1);
    expect(await reading('select from audit.tile', tenant)).toHaveLength(1);
    expect(await place.deps.db.platform.unsafe('select from audit.record')).toHaveLength(600);
  });

  test('without a tenant sees nothing, and no partition opens another door', async () => {
    for (const table of ['record', 'log', 'head', 'tile'])
      expect(await reading(`select from audit.${table}`, '')).toHaveLength(0);
    expect(await refusal(reading(`select from ${partition}`, tenant))).toBe('42501');
    expect(await refusal(reading('select from audit.record_default', tenant))).toBe('42501');
    expect(await refusal(reading('select from audit.producer', tenant))).toBe('42501');
  });
});

test('partitions of the coming months are there, and are made once', async () => {
  const [made] = await place.deps.db.app.unsafe('select audit.record_make_partitions(5) as made');
  expect(made?.['made']).toBe(2);
  const [again] = await place.deps.db.app.unsafe('select audit.record_make_partitions(5) as made');
  expect(again?.['made']).toBe(0);
  const [row] = await place.admin.unsafe(
    `select count(*)::int as n from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relname ~ '^record_p' and t.tgname in ('stays', 'stays_whole')`,
  );
  expect(row?.['n']).toBe(2 * 7);
});
