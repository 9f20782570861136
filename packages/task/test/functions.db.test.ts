import { decodeId } from '@sentral/contracts/ids';
import { runServiceConformance, type StepServer } from '@sentral/contracts/services/conformance';
import type { Reply } from '@sentral/contracts/services/message';
import { servedSteps, type ServedAction } from '@sentral/kernel/bus/operation';
import { json } from '@sentral/kernel/database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { functionSteps } from '../src/function/serve.js';
import { openStage, type Stage } from './shell/stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const functions = { 'removals.plan': () => ({ first: [], last: [] }) };
const resources = { resources: [] };

/** The process dies in the next work, before it has computed anything or with all of it computed. */
function processes(): StepServer {
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
  const actions = Object.fromEntries(
    Object.entries<ServedAction>(functionSteps(functions)).map(([name, { run, takeBack, ...rest }]) => [
      name,
      {
        ...rest,
        ...(run === undefined ? {} : { run: dying(run) }),
        ...(takeBack === undefined ? {} : { takeBack: dying(takeBack) }),
      },
    ]),
  );
  const open = () =>
    servedSteps({ db: stage.db.app, schema: 'task', service: 'sentral', actions, answered: () => undefined });
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
      (await stage.db.app.unsafe('select body from outbox where aggregate = $1 order by id', [step])).map(
        ({ body }) => body as Reply,
      ),
    // A function has no world: the answer that stands is all that it leaves.
    effects: async (step) =>
      (await stage.db.app.unsafe(`select 1 from operation where op = $1 and state = 'done'`, [decodeId('stp', step)]))
        .length,
    describe: (step) => open().describe(JSON.stringify({ op: step })),
    crashNext: async (when) => {
      crash = when;
    },
  };
}

describe('the service sentral keeps the rules of every service', () => {
  runServiceConformance({
    test,
    subject: async () => processes(),
    work: {
      service: 'sentral',
      does: { action: 'removals.plan', contract: 1, input: resources },
      undoes: { action: 'answer.forget', input: {} },
      fails: { action: 'removals.plan', contract: 1, input: { resources: 'none' } },
    },
  });
});

test('operations of one service are left alone by another that keeps them in the same schema', async () => {
  await stage.db.app.unsafe('delete from operation');
  const op = '00000000-0000-7000-8000-0000000000aa';
  const input = { service: 'sentral', asker: {}, work: { action: 'removals.plan', contract: 1, input: resources } };
  await stage.db.app.unsafe(
    `insert into operation (op, attempt, undo_attempt, state, tombstone, want_undo, input, updated_at)
     values ($1, 1, 0, 'doing', false, false, $2, now() - interval '1 minute')`,
    [op, json(input)],
  );
  await servedSteps({
    db: stage.db.app,
    schema: 'task',
    service: 'task',
    actions: {},
    answered: () => undefined,
  }).resume(0);
  expect(await stage.db.app.unsafe('select state from operation')).toEqual([{ state: 'doing' }]);
});
