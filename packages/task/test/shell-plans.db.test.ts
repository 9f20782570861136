import { openDatabase, type Database, type Tx } from '@sentral/kernel/database';
import { byKey, inTransaction } from '@sentral/kernel/transaction';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import * as child from '../src/child/sql.js';
import * as reconcile from '../src/reconcile/sql.js';
import * as run from '../src/run/sql.js';
import * as schedule from '../src/schedule/sql.js';
import * as store from '../src/store/sql.js';
import * as write from '../src/store/write-sql.js';

let place: TestDatabase;
let app: Database;
/** Of a database in which nothing is. */
let fresh: Database;
let empty: TestDatabase;

const uuid = '00000000-0000-7000-8000-000000000001';
const page = { after: undefined, now: new Date(), limit: 200 };

/** Many tasks that have ended, a few that live: what a house looks like after a while. */
const seed = `
  set local session_replication_role = replica;
  insert into task.task (id, tenant_id, kind, kind_version, plan_hash, state, cause, input, actor, correlation_id, steps_total, steps_open, finished_at, expires_at)
    select gen_random_uuid(), ('00000000-0000-7000-8000-' || lpad(to_hex(n % 50), 12, '0'))::uuid, 'a.b', 1, '\\x00',
      case when n % 100 = 0 then 'running' when n % 100 = 1 then 'queued' else 'succeeded' end, null, '{}', '{}', gen_random_uuid(), 3, 3,
      case when n % 100 > 1 then now() end, case when n % 100 > 1 then now() + interval '90 days' end
    from generate_series(1, 8000) n;
  insert into task.step (id, task_id, key, ordinal, kind, service, action, policy, input_tpl, undo, input, attempt, state)
    select gen_random_uuid(), t.id, 's' || n, n, 'command', 'nett', 'port.attach', '{}', '{}', 'none', '{}', 1,
      case when t.state = 'running' then 'dispatched' when t.state = 'queued' then 'blocked' else 'succeeded' end
    from task.task t, generate_series(1, 3) n;
  insert into task.timer (owner_id, kind, task_id, due_at)
    select s.id, 'ack', s.task_id, now() + n * interval '1 minute' from (select *, row_number() over () as n from task.step where state = 'dispatched') s;
  insert into task.lane (tenant_id, queued) select distinct tenant_id, 4 from task.task;
  insert into task.schedule (id, tenant_id, name, kind, input, cron, owner)
    select gen_random_uuid(), gen_random_uuid(), 'n' || n, 'a.b', '{}', '0 0 * * *', '{}' from generate_series(1, 50000) n;
  insert into task.schedule_run (schedule_id, next_at)
    select id, now() + row_number() over () * interval '1 minute' - interval '10 minutes' from task.schedule;
  insert into task.claim (task_id, resource, mode, active) select id, id::text, 'exclusive', state = 'running' from task.task;
`;

beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  app = openDatabase({ url: place.url('task_app'), applicationName: 'task-plans-test', poolSize: 1 });
  empty = await createTestDatabase(inject('postgresUrl'));
  fresh = openDatabase({ url: empty.url('task_app'), applicationName: 'task-plans-test', poolSize: 1 });
  const admin = openDatabase({
    url: place.adminUrl,
    applicationName: 'task-plans-seed',
    poolSize: 1,
    statementTimeoutMs: 60_000,
  });
  await inTransaction(admin, async (tx) => {
    for (const statement of seed.split(';\n').filter((text) => text.trim() !== '')) await tx.unsafe(statement);
  });
  for (const table of ['task', 'step', 'timer', 'lane', 'claim', 'schedule', 'schedule_run'])
    await admin.unsafe(`analyze task.${table}`);
  await admin.close();
}, 60_000);
afterAll(async () => {
  await Promise.all([app.close(), fresh.close()]);
  await Promise.all([place.drop(), empty.drop()]);
});

/** The plan of the one statement that this asks. */
async function planOf(ask: (on: Database & Tx) => Promise<unknown>, on = app, settings = {}): Promise<string> {
  const asked: { text: string; params: readonly unknown[] }[] = [];
  const recorder = {
    unsafe: async (text: string, params: readonly unknown[] = []) => {
      asked.push({ text, params });
      return [];
    },
  } as unknown as Database & Tx;
  await ask(recorder);
  const [{ text, params }] = asked as [(typeof asked)[number]];
  const rows = await inTransaction(on, (tx) => tx.unsafe(`explain ${text}`, params), { rollback: true, settings });
  return rows.map((row) => row['QUERY PLAN'] as string).join('\n');
}

test.each<[string, (on: Database & Tx) => Promise<unknown>, readonly string[]]>([
  ['due timers', (on) => run.listDueTimers(on, 100), ['timer_due']],
  ['the lock of a task', (on) => store.lockTask(on, uuid), ['task_pkey']],
  ['the locks of tasks', (on) => store.lockTasks(on, [uuid]), ['task_pkey']],
  ['the claim of a task', (on) => store.claimTask(on, uuid), ['task_pkey']],
  ['the steps of a task', (on) => store.listSteps(on, [uuid]), ['step_ordinal_once_a_task|step_key_once_a_task']],
  ['the next lane', (on) => run.claimLane(on), ['lane_pick', 'task_queue']],
  ['the next of a lane', (on) => run.claimQueued(on, uuid), ['task_queue']],
  ['who holds a resource', (on) => store.findClaimant(on, 'net_1'), ['claim_one_changing_task', 'task_pkey']],
  ['destructive steps', (on) => run.listUnauthorized(on, 50), ['step_live']],
  ['tasks that stand', (on) => run.listStalled(on, 100), ['step_live', 'step_undo_open']],
  ['the children of a step', (on) => child.listChildren(on, uuid), ['task_by_parent_step']],
  ['steps whose children have ended', (on) => child.listSettled(on, 100), ['operation', 'task_by_parent_step']],
  ['silent steps', (on) => reconcile.listSilent(on, page), ['step_live|task_live', 'step_undo_open|task_live']],
  ['stale tasks', (on) => reconcile.listStale(on, page), ['task_live']],
  ['what tasks hold', (on) => reconcile.listHoldings(on, page), ['holding_open']],
  ['schedules that are due', (on) => schedule.listDue(on, { after: undefined, limit: 50 }), ['schedule_run_due']],
  ['old tasks', (on) => run.claimExpired(on, 500), ['task_expiry']],
])('an index finds %s', async (_, ask, indexes) => {
  const plan = await planOf(ask);
  for (const index of indexes) expect(plan).toMatch(new RegExp(index));
  expect(plan).not.toMatch(/Seq Scan on (task|step|timer|claim|schedule|schedule_run)\b/);
});

const ten = Array.from({ length: 10 }, () => uuid);
const steps = ten.map(
  (id) => ({ id, stepId: id, taskId: id, ownerId: id, direction: 'do', attempt: 1, patch: {} }) as never,
);

const amended = ten.map(
  (id) => ({ step: { id, dispatchedAt: null, acceptedAt: null, beatAt: null, finishedAt: null }, patch: {} }) as never,
);

// Tables that nobody has analyzed, as those of a new house: the plans that are made then are kept.
test.each<[string, (on: Tx) => Promise<unknown>, string]>([
  [
    'tasks',
    (on) =>
      write.amendTasks(
        on,
        ten.map((id) => ({ task: { id, startedAt: null, finishedAt: null }, ended: false }) as never),
      ),
    'task_pkey',
  ],
  ['steps', (on) => write.amendSteps(on, amended), 'step_pkey'],
  ['attempts that are over', (on) => write.endAttempts(on, steps), 'attempt_once'],
  ['attempts that were accepted', (on) => write.acceptAttempts(on, steps), 'attempt_once'],
  ['timers that are moot', (on) => write.endTimers(on, steps), 'timer_once'],
  ['what ended tasks leave', (on) => write.endAll(on, ten), 'timer_by_task'],
  ['signals', (on) => write.consumeSignals(on, steps), 'signal_pkey'],
])('a key finds %s before there are any statistics', async (_, ask, index) => {
  const plan = await planOf(ask, fresh, byKey);
  expect(plan).toContain(index);
  for (const [scan, next] of plan
    .split('\n')
    .flatMap((line, n, all) => (/Index.* Scan /.test(line) ? [[line, all[n + 1]]] : [])))
    expect(`${scan}\n${next}`).toMatch(/Index Cond/);
  expect(plan).not.toMatch(/Seq Scan/);
});
