import { runConformance } from '@sentral/contracts/conformance/kit';
import { taskConformance } from '@sentral/contracts/conformance/task';
import { conformanceWorkflow } from '@sentral/contracts/conformance/task-verbs';
import { remoteContext } from '@sentral/contracts/client-internal';
import { serveContext } from '@sentral/contracts/server-internal';
import { task as contract } from '@sentral/contracts/task';
import { parseContent } from '@sentral/contracts/validation';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { newId } from '@sentral/kernel/id';
import { createTelemetry } from '@sentral/kernel/telemetry';
import * as v from 'valibot';
import { createPulse, createTask, workflow, type Task } from '../src/index.js';
import { restoreFeed } from '../src/operate.js';

const { kind, service, action } = conformanceWorkflow;
const standIn = workflow({
  kind,
  kindVersion: 1,
  summary: 'One step that nobody serves.',
  permission: 'task.task.signal',
  input: v.strictObject({}),
  scheduled: (wanted) => parseContent(v.strictObject({}), wanted, '/input'),
  plan: () => ({
    claims: [],
    holdings: [],
    steps: [{ key: 'wait', kind: 'command', service, action, contract: 1, input: {}, undo: 'fence' }],
  }),
});

let place: TestDatabase;
let db: { app: Database; read: Database; platform: Database; admin: Database };
let task: Task;

beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  const as = (url: string): Database => openDatabase({ url, applicationName: 'task-test', poolSize: 2 });
  db = {
    app: as(place.url('task_app')),
    read: as(place.url('task_read')),
    platform: as(place.url('task_platform')),
    admin: as(place.adminUrl),
  };
  const deps = { db, newId, telemetry: createTelemetry(), pulse: createPulse() };
  task = createTask(deps, { workflows: [standIn], knows: () => true, results: true });
});
afterAll(async () => {
  await Promise.all(Object.values(db).map((each) => each.close()));
  await place.drop();
});

describe('the contract of task holds in process', () => {
  runConformance(taskConformance, { test, subject: async () => task, seed: 'near' });
});

describe('the contract of task holds over the internal wire', () => {
  const overJson = async (): Promise<Task> => {
    const serve = serveContext(contract, task, { verify: async () => {} });
    return remoteContext(contract, {
      baseUrl: 'http://task.internal',
      token: async () => 'token',
      fetch: (input, init) => serve(new Request(input, init)),
    });
  };
  runConformance(taskConformance, { test, subject: overJson, seed: 'far' });
});

describe('the roles of task', () => {
  test.each(['outbox', 'inbox', 'idempotency', 'operation', 'lease', 'feed'])(
    'the app works on the bookkeeping table %s, operators read it, and the reader of one tenant never sees it',
    async (table) => {
      expect(await db.app.unsafe(`delete from ${table} where false`)).toHaveLength(0);
      expect(await db.platform.unsafe(`select from ${table} limit 0`)).toHaveLength(0);
      await expect(db.platform.unsafe(`delete from ${table}`)).rejects.toThrow(/permission denied/);
      await expect(db.read.unsafe(`select from ${table}`)).rejects.toThrow(/permission denied/);
    },
  );

  test("a table and a function that the owner makes later are at once the app's to use, and nobody else's", async () => {
    const [row] = await inTransaction(
      db.admin,
      async (tx) => {
        await tx.unsafe('set local role task_owner');
        await tx.unsafe(
          "create table task.later (id integer); create function task.later() returns integer language sql as 'select 1'",
        );
        return tx.unsafe(`select has_table_privilege('task_app', 'task.later', 'select') as reads, has_table_privilege('task_app', 'task.later', 'insert') as inserts,
          has_table_privilege('task_app', 'task.later', 'delete') as deletes, has_function_privilege('task_app', 'task.later()', 'execute') as calls,
          has_table_privilege('task_read', 'task.later', 'insert, update, delete') as "readerWrites",
          has_function_privilege('task_read', 'task.later()', 'execute') as "readerCalls"`);
      },
      { rollback: true },
    );
    expect(row).toEqual({
      reads: true,
      inserts: true,
      deletes: true,
      calls: true,
      readerWrites: false,
      readerCalls: false,
    });
  });
});

test('a feed that nobody has numbered is restored to begin at 1', async () => {
  const [facts] = await db.app.unsafe('select count(*)::int as waiting from feed');
  expect(await restoreFeed(db.admin)).toEqual({ nextPos: 1, ...facts });
});
