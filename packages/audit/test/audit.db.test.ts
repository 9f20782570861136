import { runConformance } from '@sentral/contracts/conformance/kit';
import { auditConformance } from '@sentral/contracts/conformance/audit';
import { remoteContext } from '@sentral/contracts/client-internal';
import { serveContext } from '@sentral/contracts/server-internal';
import { audit as contract } from '@sentral/contracts/audit';
import { newId } from '@sentral/kernel/id';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createAudit, type Audit } from '../src/index.js';
import { someKeys } from './some-feed.js';
import { restoreFeed } from '../src/operate.js';

let place: TestDatabase;
let db: { app: Database; read: Database; platform: Database; admin: Database };
let audit: Audit;

beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  const as = (url: string): Database => openDatabase({ url, applicationName: 'audit-test', poolSize: 2 });
  db = {
    app: as(place.url('audit_app')),
    read: as(place.url('audit_read')),
    platform: as(place.url('audit_platform')),
    admin: as(place.adminUrl),
  };
  audit = createAudit(
    { db, newId, keys: someKeys, telemetry: { log: () => undefined, count: () => undefined } },
    { results: true },
  );
});
afterAll(async () => {
  await Promise.all(Object.values(db).map((each) => each.close()));
  await place.drop();
});

describe('the contract of audit holds in process', () => {
  runConformance(auditConformance, { test, subject: async () => audit, seed: 'near' });
});

describe('the contract of audit holds over the internal wire', () => {
  const overJson = async (): Promise<Audit> => {
    const serve = serveContext(contract, audit, { verify: async () => {} });
    return remoteContext(contract, {
      baseUrl: 'http://audit.internal',
      token: async () => 'token',
      fetch: (input, init) => serve(new Request(input, init)),
    });
  };
  runConformance(auditConformance, { test, subject: overJson, seed: 'far' });
});

describe('the roles of audit', () => {
  test.each(['outbox', 'inbox', 'idempotency', 'operation', 'lease', 'feed'])(
    'the app works on the bookkeeping table %s, operators read it, and the reader of one tenant never sees it',
    async (table) => {
      expect(await db.app.unsafe(`delete from ${table} where false`)).toHaveLength(0);
      expect(await db.platform.unsafe(`select from ${table}`)).toHaveLength(0);
      await expect(db.platform.unsafe(`delete from ${table}`)).rejects.toThrow(/permission denied/);
      await expect(db.read.unsafe(`select from ${table}`)).rejects.toThrow(/permission denied/);
    },
  );

  test('the app only reads what the owner makes later: each right to change is granted by name', async () => {
    const [row] = await inTransaction(
      db.admin,
      async (tx) => {
        await tx.unsafe('set local role audit_owner');
        await tx.unsafe(
          "create table audit.later (id integer); create function audit.later() returns integer language sql as 'select 1'",
        );
        return tx.unsafe(`select has_table_privilege('audit_app', 'audit.later', 'select') as reads, has_table_privilege('audit_app', 'audit.later', 'insert') as inserts,
          has_table_privilege('audit_app', 'audit.later', 'delete') as deletes, has_function_privilege('audit_app', 'audit.later()', 'execute') as calls,
          has_table_privilege('audit_read', 'audit.later', 'insert, update, delete') as "readerWrites",
          has_function_privilege('audit_read', 'audit.later()', 'execute') as "readerCalls"`);
      },
      { rollback: true },
    );
    expect(row).toEqual({
      reads: true,
      inserts: false,
      deletes: false,
      calls: false,
      readerWrites: false,
      readerCalls: false,
    });
  });
});

test('an empty feed is restored to begin at 1', async () => {
  expect(await restoreFeed(db.admin)).toEqual({ nextPos: 1, waiting: 0 });
});
