import { decodeId, encodeId } from '@sentral/contracts/ids';
import { schedulesMax, type Schedule } from '@sentral/contracts/task/schedule';
import { namedId, newId } from '@sentral/kernel/id';
import { leadership, startLoop } from '@sentral/kernel/relay';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runDueSchedules, startSchedules, type Scheduling } from '../src/schedule/run.js';
import { schedulePlanner } from '../src/workflow/workflow.js';
import { callerOf, free, openStage, scopeIdOf, step, type Stage } from './shell/stage.js';

let stage: Stage;
let count = 0;
const acme = callerOf(1);
const operator = { ...callerOf(9), readScope: { all: true as const } };
const planScheduled = schedulePlanner({ workflows: [free], knows: () => true });
/** Ends when it is cancelled, and not before. */
const waits = { steps: [step('stand', { kind: 'wait', undo: 'none' })] };

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const make = (more: object = {}, caller = acme) =>
  stage.task.schedule.create(caller, {
    scopeId: scopeIdOf(caller),
    name: `s${++count}`,
    kind: 'test.free',
    input: waits,
    cron: '0 * * * *',
    ...more,
  });
const read = ({ id }: Schedule) => stage.task.schedule.get(acme, { id });
const tasksOf = async ({ id }: Schedule) =>
  (await stage.task.task.list(acme, { limit: 500 })).items.filter(
    ({ correlationId }) => correlationId === decodeId('sch', id),
  );
/** As if the time had come so long ago. */
const due = async ({ id }: Schedule, ago = '1 second') => {
  const [row] = await stage.db.app.unsafe(
    `update schedule_run set next_at = date_trunc('milliseconds', now() - $2::interval) where schedule_id = $1 returning next_at as at`,
    [decodeId('sch', id), ago],
  );
  return row!['at'] as Date;
};
const round = (more: Partial<Scheduling> = {}, name = 'schedules') =>
  runDueSchedules(
    stage.deps,
    { planScheduled, mayStill: async () => true, ...more },
    leadership(stage.db.app, 'task', { name, holdMs: 60_000 }),
  );
const facts = async ({ id }: Schedule) =>
  stage.db.app.unsafe(
    `select type, resource_version::int as version, audit is not null as recorded, audit -> 'principal' ->> 'id' as by
     from feed where resource_id = $1 order by resource_version`,
    [decodeId('sch', id)],
  );
/** The lease of a round that has ended is free for the next. */
const freed = () => stage.db.app.unsafe(`update lease set until = now() where name like 'schedules%'`);

test('runs that were missed are one task, begun for its owner where it lies, and the next is due after now', async () => {
  const made = await make();
  const at = await due(made, '5 hours');
  const asked: unknown[] = [];
  await round({ mayStill: async (who, { kind }) => asked.push([who.id, kind]) > 0 });
  const [task, ...more] = await tasksOf(made);
  expect(more).toEqual([]);
  expect(task).toMatchObject({
    id: encodeId('tsk', namedId(decodeId('sch', made.id), at.toISOString())),
    state: 'running',
    initiator: { id: acme.principal.id },
    environmentId: scopeIdOf(acme),
  });
  expect(asked).toEqual([[acme.principal.id, 'test.free']]);
  const after = await read(made);
  expect(after).toMatchObject({ version: 1, lastRun: { outcome: 'started', taskId: task!.id } });
  expect(new Date(after.nextAt!).getTime()).toBeGreaterThan(Date.now());
  expect(await facts(made)).toEqual([{ type: 'task.schedule.created', version: 1, recorded: true, by: 'usr_1' }]);
});

/** As a process has it, but under a lease of this name, and without a pause. */
const looping = (name: string) => () => {
  const leader = leadership(stage.db.app, 'task', { name, holdMs: 60_000 });
  return startLoop(() => runDueSchedules(stage.deps, { planScheduled, mayStill: async () => true }, leader), {
    pollMs: [1, 5],
    failed: (error) => stage.deps.telemetry.log('error', 'a round failed', { error }),
    ended: leader.release,
  });
};
const asShipped = () => startSchedules(stage.deps, { planScheduled, mayStill: async () => true });

test.each([
  ['that both believe to lead', [looping('schedules-a'), looping('schedules-b')], 8],
  ['of which one leads, and then the other', [asShipped, asShipped], 3],
])(
  'two loops %s begin one task of each schedule whenever it is due',
  async (_, starts, ticks) => {
    await freed();
    const mine = await Promise.all(Array.from({ length: 12 }, () => make({ cron: '0 0 1 1 *', overlap: 'allow' })));
    const known = stage.lines.length;
    const loops = starts.map((start) => start());
    try {
      for (let tick = 1; tick <= ticks; tick += 1) {
        const at = await Promise.all(mine.map((each) => due(each)));
        await expect
          .poll(
            async () => (await Promise.all(mine.map(read))).every(({ nextAt }) => Date.parse(nextAt!) > Date.now()),
            {
              timeout: 20_000,
              interval: 20,
            },
          )
          .toBe(true);
        const begun = await Promise.all(mine.map(tasksOf));
        expect(begun.map((tasks) => tasks.length)).toEqual(mine.map(() => tick));
        const last = (await Promise.all(mine.map(read))).map(({ lastRun }) => [lastRun?.outcome, lastRun?.taskId]);
        const named = mine.map(({ id }, n) => encodeId('tsk', namedId(decodeId('sch', id), at[n]!.toISOString())));
        expect(last).toEqual(named.map((id) => ['started', id]));
        await freed();
      }
    } finally {
      await Promise.all(loops.map((loop) => loop.stop()));
    }
    expect(stage.lines.slice(known)).toEqual([]);
    await Promise.all(mine.map(({ id }) => stage.task.schedule.remove(acme, { id })));
  },
  60_000,
);

test('who found a schedule due begins nothing when another was quicker, though runs may overlap, and leaves it due when it is again', async () => {
  const made = await make({ overlap: 'allow' });
  await due(made);
  await freed();
  let again: Date | undefined;
  const mayStill = async () => {
    await round({}, 'schedules-a');
    again ??= await due(made);
    return true;
  };
  await round({ mayStill }, 'schedules-b');
  expect([(await tasksOf(made)).length, (await read(made)).nextAt]).toEqual([1, again?.toISOString()]);
});

test('a leader whose lease has gone to another begins nothing', async () => {
  const made = await make();
  await due(made);
  await freed();
  const mayStill = async () => {
    await stage.db.app.unsafe(`update lease set epoch = epoch + 1 where name = 'schedules'`);
    return true;
  };
  await round({ mayStill });
  expect([await tasksOf(made), (await read(made)).lastRun]).toEqual([[], undefined]);
});

test('while the task before lives a run is left out, waits, or is begun beside it', async () => {
  const [skip, queue, allow] = [
    await make({ overlap: 'skip' }),
    await make({ overlap: 'queue' }),
    await make({ overlap: 'allow' }),
  ];
  for (let n = 0; n < 2; n++) {
    for (const each of [skip, queue, allow]) await due(each, `${2 - n} minutes`);
    await freed();
    await round();
  }
  const counts = async () => [await tasksOf(skip), await tasksOf(queue), await tasksOf(allow)].map((all) => all.length);
  expect(await counts()).toEqual([1, 1, 2]);
  expect((await read(skip)).lastRun).toMatchObject({ outcome: 'skipped' });
  expect(new Date((await read(queue)).nextAt!).getTime()).toBeLessThan(Date.now());
  const [before] = await tasksOf(queue);
  await stage.task.task.cancel(acme, { id: before!.id });
  await freed();
  await round();
  expect(await counts()).toEqual([1, 2, 2]);
  expect(new Date((await read(queue)).nextAt!).getTime()).toBeGreaterThan(Date.now());
});

test('an owner who may no longer do it stops the schedule, on the record; who enables it again is its owner', async () => {
  const made = await make();
  await due(made);
  await freed();
  await round({ mayStill: async () => false });
  const held = await read(made);
  expect(held).toMatchObject({
    version: 2,
    enabled: false,
    held: { code: 'permission-denied' },
    lastRun: { outcome: 'refused', problem: { code: 'permission-denied' } },
  });
  expect([held.nextAt, await tasksOf(made)]).toEqual([undefined, []]);
  const other = { ...acme, principal: { id: 'usr_other', type: 'user' as const } };
  const again = await stage.task.schedule.amend(other, { id: made.id, version: 2, patch: { enabled: true } });
  expect(again).toMatchObject({ enabled: true, owner: { id: 'usr_other' }, version: 3 });
  expect(again.held).toBeUndefined();
  expect((await facts(made)).map(({ type, by }) => [type, by])).toEqual([
    ['task.schedule.created', 'usr_1'],
    ['task.schedule.held', 'task'],
    ['task.schedule.amended', 'usr_other'],
  ]);
  await due(made);
  await freed();
  await round({ mayStill: async ({ id }) => id === 'usr_other' });
  expect((await tasksOf(made)).map(({ initiator }) => initiator.id)).toEqual(['usr_other']);
});

test('what changes another one’s schedule runs with the rights of who changed it', async () => {
  const made = await make();
  const other = { ...acme, principal: { id: 'usr_other', type: 'user' as const } };
  const patch = { input: { steps: [step('else', { kind: 'wait', undo: 'none' })] } };
  expect(await stage.task.schedule.amend(other, { id: made.id, patch })).toMatchObject({ owner: { id: 'usr_other' } });
  const same = await stage.task.schedule.amend(other, { id: made.id, patch });
  expect(same.version).toBe(2);
});

test('a schedule that is changed while the rights of its owner are looked up begins nothing of what it was', async () => {
  const made = await make();
  await due(made);
  await freed();
  const mayStill = async () => {
    await stage.task.schedule.amend(acme, { id: made.id, patch: { enabled: false } });
    return true;
  };
  await round({ mayStill });
  expect(await tasksOf(made)).toEqual([]);
});

test('a run that the world refuses is told with its reason, and the schedule goes on', async () => {
  const made = await make({ input: { ...waits, resource: 'nod_x' } });
  await stage.make(acme, { ...waits, resource: 'nod_x' });
  await due(made);
  await freed();
  await round();
  const after = await read(made);
  expect(after).toMatchObject({
    enabled: true,
    version: 1,
    lastRun: { outcome: 'refused', problem: { code: 'operation-in-progress' } },
  });
  expect(new Date(after.nextAt!).getTime()).toBeGreaterThan(Date.now());
});

test('while tenancy cannot be asked a run waits, and no other waits for it', async () => {
  const [first, second] = [await make(), await make()];
  const at = [await due(first), await due(second)];
  await freed();
  let away = true;
  const mayStill = async () => {
    if (!away) return true;
    away = false;
    throw new Error('away');
  };
  await round({ mayStill });
  expect([(await tasksOf(first)).length, (await tasksOf(second)).length]).toEqual([0, 1]);
  expect((await read(first)).nextAt).toBe(at[0]!.toISOString());
});

test('schedules are counted for completeness beside tasks', async () => {
  const made = await make();
  const all: unknown[] = [];
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await stage.task.feed.versions(operator, { limit: 200, ...(cursor === undefined ? {} : { cursor }) });
    all.push(...page.items);
    cursor = page.nextCursor;
  }
  expect(all).toContainEqual({ type: 'task.schedule', id: made.id, version: 1, changes: 1 });
  expect(all).toContainEqual(expect.objectContaining({ type: 'task.task' }));
});

test('a tenant has so many schedules and no more, also when two are made at once', async () => {
  const big = callerOf(7);
  await stage.db.app.unsafe(
    `with made as (insert into schedule (id, tenant_id, name, kind, input, cron, owner)
       select gen_random_uuid(), $1, 'n' || n, 'test.free', '{}', '0 * * * *', '{}' from generate_series(2, $2::int) n returning id)
     insert into feed (id, type, resource_type, resource_id, resource_version)
       select gen_random_uuid(), 'task.schedule.created', 'task.schedule', id, 1 from made`,
    [decodeId('tnt', big.scopes[0]!.id), schedulesMax],
  );
  const two = await Promise.allSettled([make({}, big), make({}, big)]);
  expect(two.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const lost = two.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
  expect(lost.reason).toMatchObject({ code: 'quota-exceeded', facts: { limit: schedulesMax } });
});

test('the schedules of one tenant are read by its own role', async () => {
  const other = callerOf(8);
  const made = await make({}, other);
  expect((await stage.task.schedule.list(other, {})).items.map(({ id }) => id)).toEqual([made.id]);
  await expect(read(made)).rejects.toMatchObject({ code: 'not-found' });
});

test('what a person says of a finding and of a letter is on record once, with who has said it', async () => {
  const [finding, letter] = [newId(), newId()];
  await stage.db.app.unsafe(
    `insert into finding (id, kind, service, subject, state) values ($1::uuid, 'task.stale', 'sentral', $1, 'open')`,
    [finding],
  );
  await stage.db.app.unsafe(
    `insert into dead_letter (id, origin, error, message_id, body) values ($1::uuid, 'inbox', '{"reason":"no JSON"}', $1, '{"of":"acme"}')`,
    [letter],
  );
  const [tfd, dlt] = [encodeId('tfd', finding), encodeId('dlt', letter)];
  for (let n = 0; n < 2; n++) {
    await stage.task.finding.accept(operator, { id: tfd, note: 'known' });
    await stage.task.deadLetter.discard(operator, { id: dlt, note: 'nobody’s' });
  }
  const rows = await stage.db.app.unsafe(
    `select type, resource_version::int as version, event, audit -> 'principal' ->> 'id' as by, audit ->> 'reason' as reason,
       audit -> 'after' ->> 'state' as state, audit::text like '%acme%' as told from feed where resource_id = any($1::uuid[]) order by type`,
    [[finding, letter]],
  );
  const by = operator.principal.id;
  expect(rows).toEqual([
    {
      type: 'task.deadLetter.discarded',
      version: 1,
      event: null,
      by,
      reason: 'nobody’s',
      state: 'discarded',
      told: false,
    },
    { type: 'task.finding.accepted', version: 1, event: null, by, reason: 'known', state: 'accepted', told: false },
  ]);
  const counted = async (cursor?: string): Promise<unknown[]> => {
    const page = await stage.task.feed.versions(operator, {
      limit: 1_000,
      ...(cursor === undefined ? {} : { cursor }),
    });
    return [...page.items, ...(page.nextCursor === undefined ? [] : await counted(page.nextCursor))];
  };
  const all = await counted();
  expect(all).toContainEqual({ type: 'task.finding', id: tfd, version: 1, changes: 1 });
  expect(all).toContainEqual({ type: 'task.deadLetter', id: dlt, version: 1, changes: 1 });
});
