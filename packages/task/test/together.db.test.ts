import { parseId } from '@sentral/contracts/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { takingTogether } from '../src/run/together.js';
import { startService } from './shell/service.js';
import { callerOf, eventually, inARow, openStage, step, type Stage } from './shell/stage.js';

let stage: Stage;
beforeAll(async () => void (stage = await openStage()));
afterAll(() => stage.close());

const acme = callerOf(1);
const done = { kind: 'succeeded', data: { output: {} } } as const;
/** Their work takes as long as the test wants. */
const patient = (key: string) => step(key, { service: 'maskin', policy: {} });

/** In how many transactions the replies that are on record were taken in. */
async function transactions(): Promise<{ replies: number; transactions: number }> {
  const [row] = await stage.db.platform.unsafe(
    `select count(*)::int as replies, count(distinct xmin::text)::int as transactions from inbox where consumer = 'task-replies'`,
  );
  return row as unknown as { replies: number; transactions: number };
}

test('what many services say at once is taken in together: each task hears its own, in order, and once', async () => {
  const maskin = startService(stage.bus, 'maskin', { run: () => 'hold' });
  const loops = stage.start();
  const ids = await Promise.all(
    Array.from({ length: 8 }, async (_, n) => {
      const steps = n % 2 === 0 ? [patient('a'), patient('b')] : inARow(patient('a'), patient('b'));
      return (await stage.make(callerOf(n + 1), { steps })).id;
    }),
  );
  const opsOf = async (state: string) => {
    const lists = await Promise.all(
      ids.map((id, n) => stage.task.step.list(callerOf(n + 1), { taskId: id }).then(({ items }) => items)),
    );
    return lists.flat().filter((each) => each.state === state);
  };
  const accepted = (count: number, besides: readonly { id: string }[] = []) =>
    eventually(async () => {
      const found = (await opsOf('accepted')).filter(({ id }) => besides.every((each) => each.id !== id));
      return found.length === count ? found : undefined;
    }, `${count} steps at work`);
  // Of every other task both steps are at work, and end at once: two decisions on one task in one transaction.
  const first = await accepted(12);
  const before = await transactions();
  await Promise.all(first.flatMap(({ id }) => [maskin.repeat(id, done), maskin.repeat(id, done)]));
  const second = await accepted(4, first);
  await Promise.all(second.map(({ id }) => maskin.repeat(id, done)));
  for (const [n, id] of ids.entries()) {
    const ended = await stage.until(callerOf(n + 1), id, 'succeeded');
    expect(ended.progress).toBe(100);
  }
  const after = await transactions();
  expect(after.transactions - before.transactions).toBeLessThan(after.replies - before.replies);
  // Each decision is one version of its task, with a row of the feed of its own.
  const [row] = await stage.db.platform.unsafe(
    `select count(*) filter (where t.version <> (select count(*) from feed f where f.resource_id = t.id))::int as lacking,
       count(*)::int as tasks from task t`,
  );
  expect(row).toEqual({ lacking: 0, tasks: 8 });
  const [lanes] = await stage.db.platform.unsafe(
    `select count(*)::int as lanes, coalesce(sum(abs(queued) + abs(running)), 0)::int as counted from lane`,
  );
  expect(lanes).toEqual({ lanes: 8, counted: 0 });
  await Promise.all([maskin.stop(), loops.stop()]);
}, 30_000);

test('one of a group that cannot be applied harms no other: its message alone is not on record', async () => {
  const ids = await Promise.all(
    Array.from({ length: 6 }, async () => (await stage.make(acme, { steps: [patient('only')] })).id),
  );
  const taking = takingTogether(stage.deps);
  const answers = await Promise.allSettled(
    ids.map((id, n) =>
      taking({
        taskId: parseId(id).uuid,
        message: { consumer: 'direct', messageId: `m${n}` },
        input: () => {
          if (n === 3) throw new Error('misled');
          return undefined;
        },
      }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(ids.map((_, n) => (n === 3 ? 'rejected' : 'fulfilled')));
  const heard = await stage.db.platform.unsafe(
    `select message_id as id from inbox where consumer = 'direct' order by 1`,
  );
  expect(heard.map((row) => row['id'])).toEqual(['m0', 'm1', 'm2', 'm4', 'm5']);
});

test('who says what it may not breaks the transaction, and none of the others', async () => {
  const maskin = startService(stage.bus, 'maskin', { run: () => 'hold' });
  const loops = stage.start();
  const ids = await Promise.all(
    Array.from({ length: 6 }, async () => (await stage.make(acme, { steps: [patient('only')] })).id),
  );
  const steps = await eventually(async () => {
    const found = (await Promise.all(ids.map((taskId) => stage.task.step.list(acme, { taskId })))).flatMap(
      ({ items }) => items,
    );
    return found.every(({ state }) => state === 'accepted') ? found : undefined;
  }, 'all at work');
  const [victim, ...others] = steps;
  await Promise.all([
    ...others.slice(0, 2).map(({ id }) => maskin.repeat(id, done)),
    maskin.repeat(victim!.id, done, { as: 'nett', id: 'foreign' }),
    ...others.slice(2).map(({ id }) => maskin.repeat(id, done)),
  ]);
  for (const id of ids.slice(1)) await stage.until(acme, id, 'succeeded');
  const letter = await eventually(async () => {
    const [found] = await stage.db.platform.unsafe(`select error from dead_letter where message_id = 'foreign'`);
    return found;
  }, 'a letter');
  expect(letter['error']).toEqual({ reason: 'nett does not serve this step' });
  expect((await stage.task.task.get(acme, { id: ids[0]! })).state).toBe('running');
  await maskin.repeat(victim!.id, done);
  await stage.until(acme, ids[0]!, 'succeeded');
  await Promise.all([maskin.stop(), loops.stop()]);
}, 30_000);
