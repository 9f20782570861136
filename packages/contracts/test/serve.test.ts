import * as v from 'valibot';
import { describe, expect, test, vi } from 'vitest';
import { encodeId, type Id } from '../src/ids.js';
import { runServiceConformance, type ServedWork, type StepServer } from '../src/services/conformance.js';
import type { Beat, Command, Reply } from '../src/services/message.js';
import {
  stepFailure,
  stepService,
  type Entry,
  type StepAction,
  type StepService,
  type StepStore,
} from '../src/services/serve.js';

const port = v.strictObject({ port: v.string() });
const work: ServedWork = {
  service: 'nett',
  does: { action: 'port.attach', contract: 1, input: { port: 'p1' } },
  undoes: { action: 'port.detach', input: { port: 'p1' } },
  fails: { action: 'port.break', contract: 1, input: { port: 'p1' } },
};

const never = new Promise<never>(() => undefined);
type Step = Id<'stp'>;

/** A service on maps: they outlive its process, its work does not. */
function placeOf(more: Readonly<Record<string, StepAction>> = {}) {
  const entries = new Map<Step, Entry>();
  const world = new Map<Step, number>();
  const replies: Reply[] = [];
  const beats: Beat[] = [];
  const reports: string[] = [];
  let crash: 'beforeEffect' | 'afterEffect' | undefined;
  /** After how many changes the store stores one and then says that it could not: its connection broke before the answer. */
  let unheard = -1;
  let life = 0;
  let service: StepService;

  const open = (): StepService => {
    const mine = (life += 1);
    const store: StepStore = {
      change: async (op, decide) => {
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (mine !== life) return never;
        const change = decide(entries.get(op));
        // As a database would give it back.
        if (change.entry !== undefined) entries.set(op, JSON.parse(JSON.stringify(change.entry)) as Entry);
        replies.push(...change.replies);
        if (unheard >= 0 && unheard-- === 0) throw new Error('the connection is gone');
      },
      find: async (op) => entries.get(op),
      unfinished: async () =>
        [...entries]
          .filter(
            ([
              ,
              {
                operation: { state },
              },
            ]) => state === 'doing' || state === 'undoing',
          )
          .map(([op]) => op),
    };
    /** Touches the world, unless the process ends right before it or right after. */
    const touch = async <R>(effect: () => R): Promise<R> => {
      const now = crash;
      crash = undefined;
      if (now === 'beforeEffect') return restart();
      const result = effect();
      return now === 'afterEffect' ? restart() : result;
    };
    const restart = async (): Promise<never> => {
      service = open();
      await service.start();
      return never;
    };
    const actions: Record<string, StepAction> = {
      'port.attach': {
        contract: 1,
        input: port,
        run: ({ op }) => touch(() => world.set(op, Math.max(1, world.get(op) ?? 0)) && { port: 'p1' }),
      },
      'port.detach': { contract: 1, input: port, takeBack: ({ op }) => touch(() => world.delete(op)) },
      'port.break': {
        contract: 1,
        input: port,
        run: async ({ op }) => {
          const effects = world.has(op) ? 'unknown' : 'none';
          throw stepFailure({ class: 'permanent', code: 'port_broken', message: 'it broke', effects });
        },
      },
      ...more,
    };
    const report = (what: string): void => void reports.push(what);
    return stepService({ service: 'nett', actions, store, beat: (beat) => void beats.push(beat), report });
  };
  service = open();
  const settle = async (): Promise<void> => {
    // Whoever dies leaves work that never ends: the service that lives by then has the rest.
    for (let tries = 0; tries < 20; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const idle = await Promise.race([
        service.idle().then(() => true),
        new Promise((resolve) => setTimeout(resolve, 5)).then(() => false),
      ]);
      if (idle) return;
    }
  };
  const server: StepServer = {
    deliver: async (command) => {
      const own = life;
      await Promise.race([service.take(JSON.stringify(command)), new Promise((resolve) => setTimeout(resolve, 20))]);
      // The bus brings again what a process took to its grave.
      if (own !== life) await service.take(JSON.stringify(command));
    },
    settle,
    replies: async (step) => replies.filter(({ stepid }) => stepid === step),
    effects: async (step) => world.get(step) ?? 0,
    describe: (step) => service.describe(JSON.stringify({ op: step })),
    crashNext: async (when) => {
      crash = when;
    },
  };
  return { server, service: () => service, replies, beats, reports, loseAnswer: (after = 0) => (unheard = after) };
}

describe('two functions an action and a store are a service', () => {
  runServiceConformance({ test, subject: async () => placeOf().server, work });
});

const step = encodeId('stp', '00000000-0000-7000-8000-000000000007');
const envelope = {
  specversion: '1.0',
  source: '/sentral/task',
  time: '2026-01-01T00:00:00.000Z',
  tenantid: encodeId('tnt', '00000000-0000-7000-8000-000000000001'),
  taskid: encodeId('tsk', '00000000-0000-7000-8000-000000000002'),
  stepid: step,
  attempt: 1,
} as const;
const ask = { action: 'port.attach', contract: 1, input: { port: 'p1' } as unknown };
const command = (attempt = 1, data: typeof ask = ask): Command => ({
  ...envelope,
  id: `${step}:do:${attempt}`,
  type: 'dev.dataverket.step.do.v1',
  direction: 'do',
  attempt,
  expires: '9999-01-01T00:00:00.000Z',
  data,
});
const undo: Command = {
  ...envelope,
  id: `${step}:undo:1`,
  type: 'dev.dataverket.step.undo.v1',
  direction: 'undo',
  data: { ...ask, action: 'port.detach', of: ask },
};

test('an input that is not as its schema says is refused unread, names its field and repeats nothing', async () => {
  const { server, replies } = placeOf();
  await server.deliver(command(1, { ...ask, input: { port: 7, secret: 'canary' } }));
  await server.settle();
  expect(replies.at(-1)?.data).toMatchObject({ class: 'invalid', code: 'input_invalid', effects: 'none' });
  expect(JSON.stringify(replies)).toContain('/input/port');
  expect(JSON.stringify(replies)).not.toContain('canary');
});

test('what is no command is a dead letter, and an error of an action that nobody foresaw is transient and told', async () => {
  const place = placeOf({
    'port.attach': { contract: 1, input: port, run: async () => Promise.reject(new TypeError('secret-canary')) },
  });
  expect(await place.service().take('{')).toBe('unreadable');
  await place.server.deliver(command());
  await place.server.settle();
  expect(place.replies.at(-1)?.data).toMatchObject({ class: 'transient', code: 'internal', effects: 'unknown' });
  expect(JSON.stringify(place.replies)).not.toContain('secret-canary');
  expect(place.reports).toHaveLength(2);
});

test('running work beats every 20 s under its newest attempt, and an undo cuts it short', async () => {
  vi.useFakeTimers();
  try {
    const place = placeOf({
      'port.attach': {
        contract: 1,
        input: port,
        run: ({ signal }) =>
          new Promise((_, reject) => {
            const cut = stepFailure({ class: 'transient', code: 'cut', message: 'cut short' });
            signal.addEventListener('abort', () => reject(cut));
          }),
      },
    });
    const give = (each: Command) => {
      const taken = place.service().take(JSON.stringify(each));
      return vi.advanceTimersByTimeAsync(1).then(() => taken);
    };
    await give(command());
    await vi.advanceTimersByTimeAsync(20_000);
    await give(command(2));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(place.beats.map(({ attempt }) => attempt)).toEqual([1, 2]);
    await give(undo);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(place.replies.map(({ type }) => type.split('.')[3])).toEqual(['accepted', 'accepted', 'accepted', 'undone']);
    expect(place.beats).toHaveLength(2);
  } finally {
    vi.useRealTimers();
  }
});

describe('a change that was stored and whose answer was lost', () => {
  const take = (place: ReturnType<typeof placeOf>, each: Command) => place.service().take(JSON.stringify(each));
  const told = ({ replies }: ReturnType<typeof placeOf>) => replies.map(({ type }) => type.split('.')[3]);

  test.each([command(), undo])(
    'the work on the $direction begins when its command comes again, as it does',
    async (lost) => {
      const place = placeOf();
      if (lost === undo) {
        await take(place, command());
        await place.server.settle();
      }
      place.loseAnswer();
      await expect(take(place, lost)).rejects.toThrow('the connection is gone');
      await place.server.settle();
      expect(told(place).at(-1)).toBe('accepted');
      await take(place, lost);
      await place.server.settle();
      expect(told(place).at(-1)).toBe(lost === undo ? 'undone' : 'succeeded');
      expect(await place.server.effects(step)).toBe(lost === undo ? 0 : 1);
    },
  );

  test('an undo that waited for the end of the do begins when that end is stored again', async () => {
    vi.useFakeTimers();
    try {
      let end: () => void = () => undefined;
      const until = new Promise<void>((resolve) => (end = resolve));
      const place = placeOf({ 'port.attach': { contract: 1, input: port, run: async () => until } });
      for (const each of [command(), undo]) await Promise.all([take(place, each), vi.advanceTimersByTimeAsync(1)]);
      place.loseAnswer();
      end();
      await vi.advanceTimersByTimeAsync(5_000);
      expect(told(place)).toEqual(['accepted', 'accepted', 'undone']);
    } finally {
      vi.useRealTimers();
    }
  });

  test('a command that comes twice at once is worked on once, in whatever order the answers of the store come', async () => {
    let runs = 0;
    const place = placeOf({
      'port.attach': {
        contract: 1,
        input: port,
        run: async () => {
          runs += 1;
          await new Promise((resolve) => setTimeout(resolve, 20));
        },
      },
    });
    place.loseAnswer();
    await Promise.allSettled([1, 1, 2, 2].map((attempt) => take(place, command(attempt))));
    await place.server.settle();
    await place.service().idle();
    expect([runs, told(place).at(-1)]).toEqual([1, 'succeeded']);
  });
});
