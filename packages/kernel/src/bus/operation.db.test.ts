import { decodeId, encodeId, type Id } from '@sentral/contracts/ids';
import { attributesSchema as input } from '@sentral/contracts/inventory/fields';
import { problem } from '@sentral/contracts/problem';
import { runServiceConformance, type StepServer } from '@sentral/contracts/services/conformance';
import { commandId, type Command, type Reply } from '@sentral/contracts/services/message';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createKernelSchema, type KernelSchema, schema } from '../../test/kernel-schema.js';
import type { Database, Tx } from '../database.js';
import type { Asker } from '@sentral/contracts/services/serve';
import { newId } from '../id.js';
import { servedSteps, unended, type Served, type ServedAction } from './operation.js';

let context: KernelSchema;
let db: Database;
beforeAll(async () => {
  context = await createKernelSchema(inject('postgresUrl'));
  await context.asOwner('create table probe.effect (op uuid not null, made_at timestamptz not null default now())');
  db = context.app({ poolSize: 25 });
});
afterAll(() => context.drop());

type Step = Id<'stp'>;
const works: Readonly<Record<string, ServedAction>> = {
  'port.attach': {
    contract: 1,
    input,
    run: async (tx: Tx, { stepid }: Asker) => {
      await tx.sql`insert into effect (op) values (${decodeId('stp', stepid)}::uuid)`;
      return { port: 'p1' };
    },
  },
  'port.detach': {
    contract: 1,
    input,
    takeBack: async (tx: Tx, { stepid }: Asker) =>
      (await tx.sql`delete from effect where op = ${decodeId('stp', stepid)}::uuid returning 1 as one`).length > 0,
  },
  'port.break': {
    contract: 1,
    input,
    run: async (tx: Tx, { stepid }: Asker) => {
      await tx.sql`insert into effect (op) values (${decodeId('stp', stepid)}::uuid)`;
      throw problem('state-conflict', { state: 'broken', allowedStates: [] });
    },
  },
};

/** Several processes on one journal; a crash is a transaction that never comes to its end. */
function processes(actions: Readonly<Record<string, ServedAction>> = works): StepServer {
  let crash: 'beforeEffect' | 'afterEffect' | undefined;
  const died = new Error('the process has ended');
  const dying = <A extends unknown[], R>(way: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      const now = crash;
      crash = undefined;
      if (now === 'beforeEffect') throw died;
      const result = await way(...args);
      if (now === 'afterEffect') throw died;
      return result;
    };
  };
  const mortal = Object.fromEntries(
    Object.entries(actions).map(([name, { run, takeBack, ...rest }]) => [
      name,
      {
        ...rest,
        ...(run === undefined ? {} : { run: dying(run) }),
        ...(takeBack === undefined ? {} : { takeBack: dying(takeBack) }),
      },
    ]),
  );
  const open = () => servedSteps({ db, schema, service: 'probe', actions: mortal, answered: () => undefined });
  const rows = (step: Step, of: string) => db.unsafe(`select * from ${of} where op = $1`, [decodeId('stp', step)]);
  return {
    deliver: async (command) => {
      try {
        await open().take(JSON.stringify(command));
      } catch (error) {
        if (error !== died) throw error;
      }
    },
    settle: () => open().resume(0),
    replies: async (step) =>
      (await db.unsafe('select body from outbox where aggregate = $1 order by id', [step])).map(
        ({ body }) => body as Reply,
      ),
    effects: async (step) => (await rows(step, 'effect')).length,
    describe: (step) => open().describe(JSON.stringify({ op: step })),
    crashNext: async (when) => {
      crash = when;
    },
  };
}

const fresh = () => {
  const step = encodeId('stp', newId());
  const envelope = {
    specversion: '1.0',
    source: '/sentral/task',
    time: '2026-01-01T00:00:00.000Z',
    tenantid: encodeId('tnt', newId()),
    taskid: encodeId('tsk', newId()),
    stepid: step,
  } as const;
  const of = { action: 'port.attach', input: { port: 'p1' } };
  const doIt = (attempt: number, action = 'port.attach'): Command => ({
    ...envelope,
    id: commandId(step, 'do', attempt),
    type: 'dev.dataverket.step.do.v1',
    direction: 'do',
    attempt,
    expires: '9999-01-01T00:00:00.000Z',
    data: { action, contract: 1, input: { port: 'p1' } },
  });
  const undoIt = (attempt: number): Command => ({
    ...envelope,
    id: commandId(step, 'undo', attempt),
    type: 'dev.dataverket.step.undo.v1',
    direction: 'undo',
    attempt,
    data: { action: 'port.detach', contract: 1, input: { port: 'p1' }, of },
  });
  return { step, doIt, undoIt };
};

describe('a context serves steps by the rules of every service', () => {
  // The suite names its steps itself: each case has them to itself.
  const subject = async () => {
    await db.unsafe('delete from effect');
    await db.unsafe('delete from operation');
    await db.unsafe('delete from outbox');
    return processes();
  };
  runServiceConformance({
    test,
    subject,
    work: {
      service: 'probe',
      does: { action: 'port.attach', contract: 1, input: { port: 'p1' } },
      undoes: { action: 'port.detach', input: { port: 'p1' } },
      fails: { action: 'port.break', contract: 1, input: { port: 'p1' } },
    },
  });
});

const kinds = async (server: StepServer, step: Step) =>
  (await server.replies(step)).map(({ type, attempt }) => `${type.split('.')[3]}:${attempt}`);

test('a do that twenty processes take at once has one effect, and with an undo among them none', async () => {
  const [server, once, both] = [processes(), fresh(), fresh()];
  await Promise.all(Array.from({ length: 20 }, () => server.deliver(once.doIt(1))));
  expect(await server.effects(once.step)).toBe(1);
  expect(new Set(await kinds(server, once.step))).toEqual(new Set(['accepted:1', 'succeeded:1']));
  await Promise.all(
    Array.from({ length: 20 }, (_, at) => server.deliver(at % 2 === 0 ? both.doIt(1 + at) : both.undoIt(at))),
  );
  await server.settle();
  expect(await server.effects(both.step)).toBe(0);
  expect(await server.describe(both.step)).toMatchObject({ known: true, state: 'undone', tombstone: true });
});

test('an undo takes back what was made ahead of its step, and a do that comes behind it is fenced', async () => {
  const ahead = { ...works, 'port.detach': { ...works['port.detach']!, ahead: true } };
  const [server, { step, doIt, undoIt }] = [processes(ahead), fresh()];
  await db.unsafe('insert into effect (op) values ($1)', [decodeId('stp', step)]);
  await server.deliver(undoIt(1));
  expect(await server.effects(step)).toBe(0);
  await server.deliver(doIt(1));
  expect(await kinds(server, step)).toEqual(['accepted:1', 'undone:1', 'fenced:1']);
  expect((await server.replies(step))[1]?.data).toEqual({ found: true });
});

test('a Problem undoes what the step had done and is told by its code; a bug leaves it to the next process', async () => {
  let broken = true;
  const shaky = async (tx: Tx, asker: Served): Promise<unknown> => {
    const output = await works['port.attach']!.run!(tx, asker, undefined as never);
    if (broken) throw new TypeError('a bug');
    return output;
  };
  const [server, one, two] = [
    processes({ ...works, 'port.shake': { contract: 1, input, run: shaky } }),
    fresh(),
    fresh(),
  ];
  await server.deliver(one.doIt(1, 'port.break'));
  expect((await server.replies(one.step)).at(-1)?.data).toMatchObject({
    class: 'permanent',
    code: 'state_conflict',
    effects: 'none',
  });
  expect(await server.effects(one.step)).toBe(0);

  await expect(server.deliver(two.doIt(1, 'port.shake'))).rejects.toThrow('a bug');
  expect(await server.describe(two.step)).toMatchObject({ state: 'doing', attempt: 1 });
  await expect(server.settle()).rejects.toThrow('a bug');
  expect(await server.effects(two.step)).toBe(0);
  broken = false;
  await server.settle();
  expect([await server.effects(two.step), await kinds(server, two.step)]).toEqual([1, ['accepted:1', 'succeeded:1']]);
});

test('a lasting action takes several transactions, waits for its end outside, and what it did stays when it fails', async () => {
  let open = true;
  let fails = false;
  const rounds: number[] = [];
  const grow = async (tx: Tx, { stepid, round }: Served): Promise<unknown> => {
    rounds.push(round);
    const op = decodeId('stp', stepid);
    const [row] = await tx.sql<{ n: number }>`select count(*)::int as n from effect where op = ${op}::uuid`;
    if ((row?.n ?? 0) < 3) {
      await tx.sql`insert into effect (op) values (${op}::uuid)`;
      return unended.again;
    }
    if (fails) throw problem('state-conflict', { state: 'broken', allowedStates: [] });
    return open ? unended.later : { grown: row?.n };
  };
  const server = processes({ ...works, 'port.grow': { contract: 1, input, lasting: true, run: grow } });
  const [one, two] = [fresh(), fresh()];
  await server.deliver(one.doIt(1, 'port.grow'));
  await server.settle();
  expect(await server.effects(one.step)).toBe(3);
  expect(await kinds(server, one.step)).toEqual(['accepted:1']);
  // A newer attempt of what runs is told so, and is the one that is answered.
  await server.deliver(one.doIt(2, 'port.grow'));
  open = false;
  await server.settle();
  expect(await kinds(server, one.step)).toEqual(['accepted:1', 'accepted:2', 'succeeded:2']);
  expect(rounds).toEqual([1, 1, 1, 1, 1, 2, 2]);
  fails = true;
  await server.deliver(two.doIt(1, 'port.grow'));
  expect((await server.replies(two.step)).at(-1)?.data).toMatchObject({ code: 'state_conflict', effects: 'unknown' });
  expect(await server.effects(two.step)).toBe(3);
  await server.deliver(two.undoIt(1));
  expect(await server.effects(two.step)).toBe(0);
});
