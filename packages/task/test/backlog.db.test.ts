import { parseId } from '@sentral/contracts/ids';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startService } from './shell/service.js';
import { callerOf, inARow, openStage, step, type Stage } from './shell/stage.js';

// SENTRAL_BACKLOG tasks that have ended and as many that wait (`pnpm --filter @sentral/task backlog`), and what that costs the others.
const backlog = Number(process.env['SENTRAL_BACKLOG'] ?? 1_000);
const measured = backlog > 1_000 ? 1_000 : 50;
const inFlight = 50;

let stage: Stage;
let watching = true;
const stop: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  stage = await openStage();
  const nett = startService(stage.bus, 'nett', { run: () => ({ kind: 'succeeded', data: { output: {} } }) });
  stage.start();
  const watched = watch(stage.db.platform);
  stop.push(() => watched, nett.stop, stage.close);
});
afterAll(async () => {
  watching = false;
  for (const each of stop) await each();
});

const five = inARow(...['a', 'b', 'c', 'd', 'e'].map((key) => step(key)));

/** Five steps each, so many in flight: how long from the request to the end, sorted. */
async function run(count: number): Promise<number[]> {
  const took: number[] = [];
  let left = count;
  const one = async (worker: number) => {
    while (left > 0) {
      left -= 1;
      const from = performance.now();
      const { id } = await stage.make(callerOf(worker % 5), { steps: five });
      await ended(parseId(id).uuid);
      took.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, worker) => one(worker)));
  return took.toSorted((a, b) => a - b);
}

const waiting = new Map<string, () => void>();
const ended = (id: string) => new Promise<void>((resolve) => waiting.set(id, resolve));

/** One question for all who wait: fifty that ask each for themselves would be most of the load. */
async function watch(db: Database): Promise<void> {
  while (watching) {
    const rows = await db.unsafe(`select id from task where id = any($1::uuid[]) and state = 'succeeded'`, [
      [...waiting.keys()],
    ]);
    for (const { id } of rows as unknown as { id: string }[]) {
      waiting.get(id)?.();
      waiting.delete(id);
    }
    await pause(5);
  }
}

const at = (sorted: readonly number[], share: number) =>
  Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);

/** Tenants 100 to 109 have a full lane and a tenth of the queue each; every ended task has its steps, attempts and story. */
const seed = (count: number) => `
  set local session_replication_role = replica;
  create temporary table made on commit drop as
    select gen_random_uuid() as id, n, n > ${count} as waits, ('00000000-0000-7000-8000-' || lpad(to_hex(100 + n % 10), 12, '0'))::uuid as tenant_id
    from generate_series(1, ${2 * count}) n;
  insert into task.task (id, tenant_id, kind, kind_version, plan_hash, state, input, actor, correlation_id, steps_total, steps_open, finished_at, expires_at)
    select id, tenant_id, 'test.free', 1, '\\x00', case when waits then 'queued' else 'succeeded' end, '{}', '{}', gen_random_uuid(), 5,
      case when waits then 5 else 0 end, case when not waits then now() end, case when not waits then now() + interval '90 days' end from made;
  insert into task.step (id, task_id, key, ordinal, kind, service, action, policy, input_tpl, undo, input, attempt, state)
    select gen_random_uuid(), id, 's' || k, k, 'command', 'nett', 'port.a', '{}', '{}', 'none', case when not waits then '{}'::jsonb end,
      case when waits then 0 else 1 end, case when waits then 'blocked' else 'succeeded' end from made, generate_series(1, 5) k;
  insert into task.event (task_id, seq, type) select id, k, 'step.succeeded' from made, generate_series(1, 7) k where not waits;
  insert into task.lane (tenant_id, queued, running, max_running) select tenant_id, count(*) filter (where waits), 1, 1 from made group by tenant_id`;

test(
  'tasks beside a long history and a long queue are done as before, and what waits goes on waiting',
  { timeout: 900_000 },
  async () => {
    if (backlog > 1_000) await run(measured); // warm
    const alone = await run(measured);
    const admin = openDatabase({
      url: stage.place.adminUrl,
      applicationName: 'backlog',
      poolSize: 1,
      statementTimeoutMs: 600_000,
    });
    await inTransaction(admin, async (tx) => {
      for (const statement of seed(backlog).split(';\n')) await tx.unsafe(statement);
    });
    await admin.unsafe('analyze');
    const beside = await run(measured);
    const [queue] = await admin.sql<{
      waits: number;
    }>`select count(*)::int as waits from task.task where state = 'queued'`;
    await admin.close();
    console.log(
      `${measured} tasks of five steps, ${inFlight} in flight: p50 ${at(alone, 0.5)} and p99 ${at(alone, 0.99)} ms; ` +
        `beside ${backlog} that have ended and ${backlog} that wait: p50 ${at(beside, 0.5)} and p99 ${at(beside, 0.99)} ms`,
    );
    expect(beside).toHaveLength(measured);
    expect(queue?.waits).toBe(backlog);
  },
);
