import { openDatabase, type Database, type Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { bookkeepingTables, tenantTables } from '../src/schema/catalogue.js';

let place: TestDatabase;
let db: { app: Database; read: Database; platform: Database };

const uuid = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const [home, other] = [uuid(1), uuid(2)];
let minted = 100;
const fresh = (): string => uuid((minted += 1));

beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  const as = (role: string): Database =>
    openDatabase({ url: place.url(role), applicationName: 'task-schema-test', poolSize: 2 });
  db = { app: as('task_app'), read: as('task_read'), platform: as('task_platform') };
  for (const tenant of [home, other]) {
    await inTransaction(db.app, async (tx) => {
      const task = await makeTask(tx, { tenant_id: tenant });
      await tx.unsafe(`insert into event (task_id, seq, type) values ($1, 1, 'task.queued')`, [task]);
      await makeStep(tx, task, {});
      const id = fresh();
      await tx.unsafe(
        `insert into schedule (id, tenant_id, name, kind, input, cron, owner) values ($1, $2, 'a', 'a.b', '{}', '* * * * *', '{}')`,
        [id, tenant],
      );
      await tx.unsafe('insert into schedule_run (schedule_id) values ($1)', [id]);
      await recordOf(tx, 'schedule', id, 1);
    });
  }
});
afterAll(async () => {
  await Promise.all(Object.values(db).map((each) => each.close()));
  await place.drop();
});

async function recordOf(tx: Tx, type: string, id: string, version: number): Promise<void> {
  await tx.unsafe(
    `insert into feed (id, type, resource_type, resource_id, resource_version) values ($1, 'task.task.changed', $2, $3, $4)`,
    [fresh(), type, id, version],
  );
}

/** Inserts a row from its columns; the values are constants of this file. */
async function insert(
  tx: Tx,
  table: string,
  row: Readonly<Record<string, string | number | boolean | null>>,
): Promise<void> {
  const columns = Object.keys(row);
  const places = columns.map((_, at) => `$${at + 1}`).join(', ');
  await tx.unsafe(`insert into ${table} (${columns.join(', ')}) values (${places})`, Object.values(row));
}

async function makeTask(tx: Tx, changes: Readonly<Record<string, string | number | null>>): Promise<string> {
  const id = fresh();
  const row = {
    id,
    tenant_id: home,
    kind: 'cluster.create',
    kind_version: 1,
    plan_hash: '\\x00',
    steps_total: 1,
    steps_open: 1,
    ...changes,
  };
  const json = { input: '{}', actor: '{}', correlation_id: uuid(9) };
  await insert(tx, 'task', { ...row, ...json });
  await recordOf(tx, 'task', id, Number(changes['version'] ?? 1));
  return id;
}

async function makeStep(
  tx: Tx,
  task: string,
  changes: Readonly<Record<string, string | number | null>>,
): Promise<string> {
  const id = fresh();
  const row = { id, task_id: task, key: 'a', ordinal: 0, kind: 'command', service: 'nett', action: 'port.attach' };
  await insert(tx, 'step', { ...row, policy: '{}', input_tpl: '{}', undo_tpl: '{}', ...changes });
  return id;
}

describe('the guard over facts', () => {
  test('refuses a task that leaves no feed row', async () => {
    await expect(
      inTransaction(db.app, async (tx) => {
        const id = await makeTask(tx, {});
        await tx.unsafe('update task set note = $2, version = version + 1 where id = $1', [id, 'x']);
      }),
    ).rejects.toThrow(/has no feed row/);
  });

  test('refuses a change that does not move the version by one', async () => {
    await expect(
      inTransaction(db.app, async (tx) => {
        const id = await makeTask(tx, {});
        await tx.unsafe('update task set note = $2 where id = $1', [id, 'x']);
      }),
    ).rejects.toThrow(/version 1 cannot follow 1/);
  });

  test('lets the bookkeeping of a task change alone', async () => {
    await inTransaction(db.app, async (tx) => {
      await tx.unsafe('update step set progress = 10');
    });
  });
});

describe('what a tenant principal reads', () => {
  const seen = (tenant: string | undefined, table: string): Promise<number> =>
    inTransaction(db.read, async (tx) => {
      if (tenant !== undefined) await tx.unsafe(`select set_config('sentral.tenant', $1, true)`, [tenant]);
      return (await tx.unsafe(`select from ${table}`)).length;
    });

  test.each(tenantTables)('is its own of %s, and nothing when nobody says whose', async (table) => {
    const all = (await db.platform.unsafe(`select from ${table}`)).length;
    expect([await seen(home, table), await seen(other, table), all]).toEqual([1, 1, 2]);
    expect([await seen(undefined, table), await seen(uuid(77), table)]).toEqual([0, 0]);
  });

  test.each(bookkeepingTables.filter((table) => !(tenantTables as readonly string[]).includes(table)))(
    'is nothing of %s',
    async (table) => {
      await expect(seen(home, table)).rejects.toThrow(/permission denied/);
      expect(await db.platform.unsafe(`select from ${table} limit 0`)).toHaveLength(0);
    },
  );
});

const withTask = (rest: (tx: Tx, task: string) => Promise<unknown>) => async (tx: Tx) =>
  rest(tx, await makeTask(tx, {}));
const withStep = (rest: (tx: Tx, step: string, task: string) => Promise<unknown>) =>
  withTask(async (tx, task) => rest(tx, await makeStep(tx, task, {}), task));

const child = { parent_step_id: uuid(98), parent_place: 'do:0:1' };
const violations: readonly (readonly [string, string, (tx: Tx) => Promise<unknown>])[] = [
  ['a task in a state that is none', 'task_state_known', (tx) => makeTask(tx, { state: 'paused' })],
  ['a task that has ended without a time', 'task_terminal_has_end', (tx) => makeTask(tx, { state: 'succeeded' })],
  ['a task that unwinds for nothing', 'task_unwinds_for_a_cause', (tx) => makeTask(tx, { state: 'unwinding' })],
  [
    'a task abandoned without a note',
    'task_abandoned_with_note',
    (tx) => makeTask(tx, { state: 'abandoned', finished_at: '2026-01-01' }),
  ],
  ['more open steps than steps', 'task_counters_fit', (tx) => makeTask(tx, { steps_open: 2 })],
  ['a kind that is no name', 'task_kind', (tx) => makeTask(tx, { kind: 'Create' })],
  ['an audit version ahead of the version', 'task_version_counts', (tx) => makeTask(tx, { audit_version: 2 })],
  ['a child of no task', 'task_parent_exists', (tx) => makeTask(tx, { parent_task_id: uuid(99), ...child })],
  ['a child without its place', 'task_child_has_place', (tx) => makeTask(tx, { parent_task_id: uuid(99) })],
  [
    'a child in no place',
    'task_child_place',
    (tx) => makeTask(tx, { ...child, parent_task_id: uuid(99), parent_place: 'do:0' }),
  ],
  ['two steps of one key', 'step_key_once_a_task', withStep((tx, _, task) => makeStep(tx, task, { ordinal: 1 }))],
  ['two steps of one place', 'step_ordinal_once_a_task', withStep((tx, _, task) => makeStep(tx, task, { key: 'b' }))],
  [
    'an undo by action without its template',
    'step_undo_has_template',
    withTask((tx, task) => makeStep(tx, task, { undo_tpl: null })),
  ],
  [
    'a step that ran and was never sent',
    'step_ran_was_sent',
    withTask((tx, task) => makeStep(tx, task, { state: 'accepted' })),
  ],
  [
    'a step that was sent without input',
    'step_sent_has_input',
    withTask((tx, task) => makeStep(tx, task, { attempt: 1 })),
  ],
  [
    'a second dispatch of one attempt',
    'attempt_message_once',
    withStep(async (tx, step) => {
      await insert(tx, 'attempt', { step_id: step, dir: 'do', attempt: 1, message_id: 'm' });
      await insert(tx, 'attempt', { step_id: step, dir: 'do', attempt: 2, message_id: 'm' });
    }),
  ],
  [
    'an attempt that ended without an outcome',
    'attempt_end_has_outcome',
    withStep((tx, step) =>
      insert(tx, 'attempt', { step_id: step, dir: 'do', attempt: 1, message_id: 'm', finished_at: '2026-01-01' }),
    ),
  ],
  [
    'a second timer of one kind',
    'timer_once',
    withStep(async (tx, step, task) => {
      for (const attempt of [1, 2])
        await insert(tx, 'timer', { owner_id: step, kind: 'ack', task_id: task, attempt, due_at: '2026-01-01' });
    }),
  ],
  [
    'a second changing task of one resource',
    'claim_one_changing_task',
    async (tx) => {
      for (const task of [await makeTask(tx, {}), await makeTask(tx, {})])
        await insert(tx, 'claim', { task_id: task, resource: 'nod_1', mode: 'exclusive' });
    },
  ],
  [
    'a second event of one version',
    'event_once_a_version',
    withTask(async (tx, task) => {
      for (const type of ['a', 'b']) await insert(tx, 'event', { task_id: task, seq: 1, type });
    }),
  ],
  [
    'a signal that comes twice',
    'signal_message_once',
    withTask(async (tx, task) => {
      for (const id of [fresh(), fresh()])
        await insert(tx, 'signal', { id, task_id: task, name: 'go', message_id: 'm' });
    }),
  ],
  ['a lane below zero', 'lane_counters_fit', (tx) => insert(tx, 'lane', { tenant_id: fresh(), running: -1 })],
  [
    'a dead letter that is open and resolved',
    'dead_letter_open_is_unresolved',
    (tx) => insert(tx, 'dead_letter', { id: fresh(), origin: 'undo', error: '{}', resolved_at: '2026-01-01' }),
  ],
  [
    'one finding twice while it lives',
    'finding_live_once',
    async (tx) => {
      for (const id of [fresh(), fresh()]) await insert(tx, 'finding', { id, kind: 'k', service: 's', subject: 'x' });
    },
  ],
];

test.each(violations)('the database refuses %s: %s', async (_, constraint, work) => {
  const tried = inTransaction(db.app, work);
  await expect(tried).rejects.toMatchObject({ constraint_name: constraint });
});

test('a resource is free again when the claim on it is no longer active', async () => {
  await inTransaction(
    db.app,
    async (tx) => {
      for (const active of [false, true])
        await insert(tx, 'claim', { task_id: await makeTask(tx, {}), resource: 'nod_2', mode: 'exclusive', active });
    },
    { rollback: true },
  );
});
