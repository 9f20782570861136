import { formatNoteKey, parseNoteKey, type NoteKey } from '@sentral/contracts/audit-note';
import { encodeId } from '@sentral/contracts/ids';
import { newId } from '@sentral/kernel/id';
import { inTransaction } from '@sentral/kernel/transaction';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSigner } from '../src/checkpoint/signer.js';
import { takeCheckpoint } from '../src/checkpoint/take.js';
import { readOutside, verifyAudit } from '../src/operate.js';
import { appendBatch } from '../src/sequence/append.js';
import { verifyAudit as verify } from '../src/verify/verify.js';
import { someFact, somePlace, type Place } from './some-feed.js';

let place: Place;
let key: NoteKey;
let logId: string;
const notes: string[] = [];

beforeAll(async () => {
  place = await somePlace();
  const lease = await place.lease();
  const tenantId = encodeId('tnt', newId());
  const signer = createSigner(randomBytes(32));
  for (const [round, count] of [300, 300, 100].entries()) {
    const afterPos = round * 300;
    const items = Array.from({ length: count }, (_, at) => someFact(afterPos + at + 1, { tenantId }));
    await appendBatch(place.deps, lease, { context: 'inventory', afterPos, items });
    await takeCheckpoint(place.deps, lease, {
      signer,
      afterSeconds: 0,
      emit: async (checkpoint) => {
        notes.push(checkpoint.note);
        key = (await parseNoteKey(checkpoint.key)) as NoteKey;
      },
    });
  }
  const [log] = await place.admin.unsafe(`select id from audit.log where kind = 'tenant'`);
  logId = String(log?.['id']);
});
afterAll(() => place.end());

/** What a superuser can do whom no trigger stops, verified, and then undone. */
const planted = (statements: string, outside: { notes: readonly string[]; key?: NoteKey } = { notes: [] }) =>
  inTransaction(
    place.admin,
    async (tx) => {
      await tx.unsafe('set local session_replication_role = replica');
      await tx.unsafe(statements);
      return (await verify(tx, outside)).findings;
    },
    { rollback: true },
  );
const at = (seq: number) => `log_id = '${logId}' and seq = ${seq}`;
const whatAt = (seq: number, what: string) =>
  expect.objectContaining({ log: encodeId('log', logId), seq, what: expect.stringContaining(what) as string });

test('what nobody touched verifies, with the notes that left', async () => {
  expect(await verifyAudit(place.admin, { notes, key })).toEqual({ logs: 3, records: 700, notes: 3, findings: [] });
});

describe('is found, by its place', () => {
  test.each([
    [
      'a record changed',
      123,
      `update audit.record set record = jsonb_set(record, '{actor,id}', '"usr_x"') where $at`,
      'is not what its leaf says',
    ],
    [
      'a record changed in what it is found by alone',
      40,
      `update audit.record set actor_id = gen_random_uuid() where $at`,
      'the column actor_id',
    ],
    [
      'a public time changed',
      41,
      `update audit.record set recorded_at = now() - interval '1 day' where $at`,
      'the column recorded_at',
    ],
    ['a record removed', 299, `delete from audit.record where $at`, 'records up to 299 are missing'],
    ['a leaf changed', 5, `update audit.record set leaf = sha256('x') where $at`, 'is not what its leaf says'],
  ])('%s', async (_title, seq, statement, what) => {
    const found = await planted(statement.replace('$at', at(seq)));
    expect(found).toContainEqual(whatAt(seq, what));
    expect(found[0]?.seq).toBe(seq);
  });

  test('two records in each other’s place', async () => {
    const found = await planted(
      `update audit.record set seq = 300 - seq where log_id = '${logId}' and seq in (140, 160)`,
    );
    expect(found[0]).toEqual(whatAt(140, 'the column seq'));
    expect(found).toContainEqual(whatAt(160, 'the column seq'));
  });

  test('the end cut off, also when the log is told to be shorter', async () => {
    const cut = `delete from audit.record where log_id = '${logId}' and seq >= 650`;
    expect(await planted(cut)).toContainEqual(whatAt(650, 'the log ends here, and had 700 records'));
    const hidden = `${cut}; update audit.log set size = 650, head_size = 650 where id = '${logId}'`;
    expect(await planted(hidden)).toContainEqual(whatAt(650, 'the log ends here, and had 700 records'));
  });

  test('records after the end', async () => {
    const more = `insert into audit.record select gen_random_uuid(), log_id, 700, leaf, class, action, outcome, policy_relevant, actor_id, tenant_id, project_id,
      environment_id, resource_type, resource_id, resource_version, recorded_at, record, event from audit.record where ${at(699)}`;
    expect(await planted(more)).toContainEqual(whatAt(700, 'there are records after the end'));
  });

  test('a stored root of 256 leaves, and the state of the tree', async () => {
    expect(await planted(`update audit.tile set hash = sha256('x') where index = 1`)).toContainEqual(
      whatAt(256, '256 leaves'),
    );
    expect(await planted(`update audit.log set stack[1] = sha256('x') where id = '${logId}'`)).toContainEqual(
      whatAt(700, 'the stored state of the tree'),
    );
  });

  test('a history written anew whole, by the notes that had left: between the last that fits and the first that does not', async () => {
    // The last heads, and every trace of them, as if the second and third round had never been.
    const forged = `delete from audit.record where log_id = '${logId}' and seq >= 300;
      delete from audit.head where size > 300; delete from audit.tile where index = 1;
      update audit.log set size = 300, head_size = 300 where id = '${logId}';
      update audit.log set size = 1, head_size = 1, stack = array[(select leaf from audit.head)] where kind = 'heads'`;
    const found = await planted(forged, { notes, key });
    expect(found.map(({ what }) => what)).toContain(
      'the first 2 heads are not those that were signed; those before 1 are',
    );
    expect(found.filter(({ what }) => what.includes('are not those that were signed'))).toHaveLength(2);
  });

  test('a head written anew, with its leaf: by the note of its time', async () => {
    const forged = `update audit.head set root = sha256('x') where seq = 1`;
    expect((await planted(forged)).map(({ what }) => what)).toContain('the head is not what its leaf says');
    expect(
      (await planted(forged, { notes, key })).filter(({ what }) => what.includes('are not those that were signed')),
    ).toHaveLength(2);
  });
});

test('a note of another key, of another installation, or that is none, is not taken', async () => {
  const [note = ''] = notes;
  const other = { ...key, publicKey: createSigner(randomBytes(32)).publicKey };
  const says = async (outside: { notes: string[]; key?: NoteKey }) =>
    (await verifyAudit(place.admin, outside)).findings.map(({ what }) => what);
  expect(await says({ notes: [note], key: other })).toEqual(['a note is not signed by the key, or is no checkpoint']);
  expect(await says({ notes: ['hello'] })).toEqual(['a note is not signed by the key, or is no checkpoint']);
  expect(await says({ notes: [note.replace('sentral.', 'other.')] })).toEqual([
    expect.stringContaining('not this installation'),
  ]);
});

test('notes are read one after another or out of the lines of a log, and only with a key that is one', async () => {
  const keyText = await formatNoteKey(key);
  const lines = notes.map((note) => JSON.stringify({ time: 'x', auditCheckpoint: { note, key: keyText } }));
  for (const text of [notes.join(''), notes.join('\n'), ['hello', ...lines, '{"level":"info"}'].join('\n')])
    expect(await readOutside(text, keyText)).toEqual({ notes, key });
  await expect(readOutside('hello\n', keyText)).rejects.toThrow(/holds no checkpoint/);
  await expect(readOutside(notes.join(''), 'x')).rejects.toThrow(/the key is not/);
});
