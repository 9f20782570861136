import { createAuditLoops, createKeyring, createSigner } from '@sentral/audit';
import { encodeId } from '@sentral/contracts/ids';
import type { FeedItem } from '@sentral/contracts/shared-verbs';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { inTransaction } from '@sentral/kernel/transaction';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { run } from '../src/commands.js';
import { freshDatabase, open } from './fresh.js';

// What the owner of the database can do, with every trigger that is in the way taken away, and what `audit-verify` says to it: alone, and with the
// checkpoints that had left. Each on a copy of the same database.

const folder = mkdtempSync(path.join(tmpdir(), 'sentral-tampered-'));
const [tenantId, actor] = [encodeId('tnt', newId()), encodeId('usr', newId())];
/** In two rounds, each with its checkpoint. */
const [firstRound, records] = [300, 340];
const undo: (() => Promise<unknown>)[] = [];
let base: string;
let kept: { readonly notes: string; readonly key: string };

const fact = (pos: number, who: string = actor): FeedItem => ({
  pos,
  id: encodeId('evt', newId()),
  type: 'inventory.node.registered',
  recordedAt: '2026-11-26T09:17:55.123Z',
  resource: { type: 'inventory.node', id: encodeId('nod', newId()), version: 1 },
  tenantId,
  event: null,
  audit: { principal: { id: who, type: 'user' }, accessEpoch: 7, before: null, after: { name: `n${pos}` } },
});

const command = async (url: string, ...args: string[]) => {
  const said: string[] = [];
  const out = (line: string): number => said.push(line);
  const env = { SENTRAL_MIGRATOR_DATABASE_URL: url };
  return { code: await run(args, env, { print: out, complain: out }), said: said.join('\n') };
};
const withNotes = (url: string, { notes, key } = kept) => command(url, 'audit-verify', '--notes', notes, '--key', key);

/** Puts facts on record as the deployment does, up to each of these in turn, and keeps the lines in which the checkpoints leave. */
async function record(url: string, facts: readonly FeedItem[], upTo: readonly number[]) {
  const as = (role: string): Database =>
    openDatabase({ url, applicationName: 'tampered', poolSize: 3, settings: { role } });
  const db = { app: as('audit_app'), read: as('audit_read'), platform: as('audit_platform') };
  const ring = (purpose: 'feed' | 'subject') => createKeyring([new Uint8Array(randomBytes(32))], purpose);
  const lines: string[] = [];
  let [key, told] = ['', 0];
  const loops = createAuditLoops(
    {
      db,
      newId,
      keys: { feed: ring('feed'), instance: ring('subject') },
      telemetry: { log: () => undefined, count: () => undefined },
    },
    {
      feeds: {
        inventory: {
          page: async (_caller, { afterPos }) => ({ items: facts.slice(afterPos, told), more: false }),
          versions: async () => ({ items: [] }),
        },
      },
      signer: createSigner(randomBytes(32)),
      emit: (checkpoint) => {
        lines.push(`${JSON.stringify({ time: 'x', auditCheckpoint: checkpoint })}\n`);
        key = checkpoint.key;
      },
      afterSeconds: 0,
      pollMs: [5, 10],
    },
  );
  for (const [at, count] of upTo.entries()) {
    told = count;
    await vi.waitUntil(() => lines.length > at, { timeout: 20_000, interval: 20 });
  }
  await Promise.all(loops.map((loop) => loop.stop()));
  await Promise.all(Object.values(db).map((each) => each.close()));
  const notes = path.join(folder, `notes-${randomBytes(4).toString('hex')}`);
  writeFileSync(notes, lines.join(''));
  return { notes, key };
}

beforeAll(async () => {
  const finish = (end: () => Promise<unknown>) => void undo.push(end);
  ({ adminUrl: base } = await freshDatabase(finish));
  expect((await command(base, 'up')).code).toBe(0);
  kept = await record(
    base,
    Array.from({ length: records }, (_, at) => fact(at + 1)),
    [firstRound, records],
  );
});
afterAll(async () => {
  for (const each of undo.toReversed()) await each();
  rmSync(folder, { recursive: true, force: true });
});

/** A copy in which the owner has done this, with the triggers out of its way. */
async function tampered(statements: string): Promise<string> {
  const server = new URL(base);
  const name = `${server.pathname.slice(1)}_${randomBytes(3).toString('hex')}`;
  const admin = open(Object.assign(new URL(base), { pathname: '/postgres' }).href);
  await admin.unsafe(`create database ${name} template ${server.pathname.slice(1)} strategy file_copy`);
  onTestFinished(async () => void (await admin.unsafe(`drop database ${name} with (force)`)));
  const url = Object.assign(new URL(base), { pathname: `/${name}` }).href;
  const owner = open(url);
  await inTransaction(owner, async (tx) => {
    await tx.unsafe('set local role audit_owner');
    const tables = ['record', 'tile', 'head', 'checkpoint', 'log'];
    for (const table of tables) await tx.unsafe(`alter table audit.${table} disable trigger user`);
    await tx.unsafe(statements);
    for (const table of tables) await tx.unsafe(`alter table audit.${table} enable trigger user`);
  });
  await owner.close();
  return url;
}

const ofTenant = `log_id = (select id from audit.log where kind = 'tenant')`;

test('what nobody touched verifies, alone and with what had left', async () => {
  expect(await withNotes(await tampered('select'))).toEqual({
    code: 0,
    said: `3 logs with ${records} records agree with their leaves, trees and heads, and with 2 notes from outside.`,
  });
});

test('one row edited is found by its place, without any note', async () => {
  const url = await tampered(
    `update audit.record set record = jsonb_set(record, '{actor,id}', '"usr_x"') where ${ofTenant} and seq = 123`,
  );
  const { code, said } = await command(url, 'audit-verify');
  expect([code, said]).toEqual([3, expect.stringContaining('at 123: the record is not what its leaf says')]);
});

test('one row edited with its leaf, the trigger disabled, is found by the head that was taken', async () => {
  const url =
    await tampered(`update audit.record set record = jsonb_set(record, '{reason}', '"x"'), leaf = sha256('\\x00'::bytea ||
    convert_to('of no matter', 'UTF8')) where ${ofTenant} and seq = 123`);
  const { code, said } = await command(url, 'audit-verify');
  expect([code, said]).toEqual([
    3,
    expect.stringContaining(`the root of ${firstRound} records is not that of the head`),
  ]);
});

test('the end cut off, with heads, tiles and the state of the tree as they were before it, is found by the note alone', async () => {
  const url = await tampered(`
    delete from audit.record where ${ofTenant} and seq >= ${firstRound};
    delete from audit.head where size > ${firstRound};
    delete from audit.checkpoint where size > (select count(*) from audit.head);
    update audit.log set size = ${firstRound}, head_size = ${firstRound}, stack = '{}' where kind = 'tenant';
    delete from audit.tile where ${ofTenant};
    update audit.log l set stack = audit.extend_log(l.id, 0, '{}', (select array_agg(leaf order by seq) from audit.record where log_id = l.id)) where kind = 'tenant';
    update audit.log set size = (select count(*) from audit.head), head_size = (select count(*) from audit.head),
      stack = array[(select leaf from audit.head)] where kind = 'heads'`);
  expect((await command(url, 'audit-verify')).code).toBe(0);
  const { code, said } = await withNotes(url);
  expect([code, said]).toEqual([3, expect.stringContaining('are not those that were signed; those before 1 are')]);
});

test('a history written anew whole, under another key, is found by the notes that had left; its own notes are not taken by the key that signed those', async () => {
  const url = await tampered(`
    delete from audit.record;
    truncate audit.tile, audit.head, audit.checkpoint, audit.producer, audit.lease;
    update audit.log set size = 0, head_size = 0, stack = '{}'`);
  const stranger = encodeId('usr', newId());
  const forged = await record(
    url,
    Array.from({ length: records }, (_, at) => fact(at + 1, stranger)),
    [firstRound, records],
  );
  expect((await command(url, 'audit-verify')).code).toBe(0);
  expect((await withNotes(url, forged)).code).toBe(0);
  const { code, said } = await withNotes(url);
  expect([code, said]).toEqual([3, expect.stringContaining('are not those that were signed')]);
  const own = await withNotes(url, { ...forged, key: kept.key });
  expect([own.code, own.said]).toEqual([3, expect.stringContaining('a note is not signed by the key')]);
});
