import * as v from 'valibot';
import { equals, holds } from '../conformance/kit.js';
import { encodeId, type Id } from '../ids.js';
import type { Work } from './journal.js';
import { commandId, kindOf, replySchema, type Command, type Direction, type Reply } from './message.js';
import type { Description } from './query.js';

// What must hold for a service that serves steps (S1 to S9), seen from outside: commands in, replies out, effects counted in its
// own world. `effects: 'none'` of a service is worth something only once it passes here.

/** A service as the suite drives it, with whatever storage it has. */
export interface StepServer {
  /** Hands a command over as the bus would; settles when the service acknowledges it, or when its process ends. */
  deliver(command: Command): Promise<void>;
  /** Waits until no work is left. */
  settle(): Promise<void>;
  /** Every reply sent so far about the step, in order. */
  replies(step: Id<'stp'>): Promise<readonly Reply[]>;
  /** How many effects the service's world holds that were made for the step, counted without the journal. */
  effects(step: Id<'stp'>): Promise<number>;
  describe(step: Id<'stp'>): Promise<Description>;
  /** The next work ends the process (kill -9) right before or right after it touches the world; `settle` finds it started again. */
  crashNext(when: 'beforeEffect' | 'afterEffect'): Promise<void>;
}

/** Something that the service can do at any time, as often as there are cases. */
export interface ServedWork {
  readonly service: string;
  readonly does: Work;
  readonly undoes: Pick<Work, 'action' | 'input'>;
  /** The effect may be made ahead of the step, and is for each case: an undo of what was never sent takes it back all the same. */
  readonly ahead?: boolean;
  /** Work that fails, in whatever way the service fails. */
  readonly fails: Work;
}

interface Script {
  readonly step: Id<'stp'>;
  do(attempt: number, changes?: { readonly work?: Work; readonly expires?: string }): Command;
  undo(attempt: number, fence?: 'fence'): Command;
  /** Kinds of the replies so far, with their attempt: `succeeded:2`. */
  told(): Promise<readonly string[]>;
  gone(sentence: string): Promise<void>;
  once(sentence: string): Promise<void>;
}

interface Case {
  readonly title: string;
  readonly run: (server: StepServer, script: Script, work: ServedWork) => Promise<void>;
}

const last = (told: readonly string[]): string | undefined => told.at(-1);

export const serviceConformance: readonly Case[] = [
  {
    title: 'a do is accepted, has its effect once and is answered under its attempt',
    run: async (server, it) => {
      await server.deliver(it.do(1));
      await server.settle();
      equals(await it.told(), ['accepted:1', 'succeeded:1'], 'accepted, then succeeded');
      await it.once('after a do');
    },
  },
  {
    title: 'S2: the same do again, running or finished, has no second effect and gets the same answer',
    run: async (server, it) => {
      await server.deliver(it.do(1));
      await server.deliver(it.do(1));
      await server.settle();
      await server.deliver(it.do(1));
      await server.settle();
      await it.once('after three deliveries of one do');
      equals(last(await it.told()), 'succeeded:1', 'the recorded answer is sent again');
    },
  },
  {
    title: 'S2: a newer attempt of what is done is told so under its own number',
    run: async (server, it) => {
      await server.deliver(it.do(1));
      await server.settle();
      await server.deliver(it.do(2));
      await server.settle();
      await it.once('after two attempts');
      equals(last(await it.told()), 'succeeded:2', 'the newer attempt hears of the success');
    },
  },
  {
    title: 'S2: an older attempt that comes late is dropped in silence',
    run: async (server, it) => {
      await server.deliver(it.do(2));
      await server.settle();
      const before = await it.told();
      await server.deliver(it.do(1));
      await server.settle();
      equals(await it.told(), before, 'nothing is said to an older attempt');
      await it.once('after an older attempt');
    },
  },
  {
    title: 'S1: an undo of what was never seen says so, and the do that comes after it is fenced',
    run: async (server, it, { ahead = false }) => {
      await server.deliver(it.undo(1));
      await server.settle();
      const undone = (await server.replies(it.step)).at(-1);
      equals(undone?.data, { found: ahead }, 'what was found');
      await server.deliver(it.do(1));
      await server.deliver(it.do(7));
      await server.settle();
      await it.gone('after a do behind its undo');
      equals((await it.told()).slice(-3), ['undone:1', 'fenced:1', 'fenced:7'], 'every later do is fenced');
    },
  },
  {
    title: 'S1: an undo without an action leaves the tombstone',
    run: async (server, it) => {
      await server.deliver(it.undo(1, 'fence'));
      await server.settle();
      await server.deliver(it.do(1));
      await server.settle();
      equals(await it.told(), ['undone:1', 'fenced:1'], 'undone, then fenced');
      await it.gone('after a fence');
    },
  },
  {
    title: 'an undo takes the effect back, and one that comes again is answered again',
    run: async (server, it) => {
      await server.deliver(it.do(1));
      await server.settle();
      await server.deliver(it.undo(1));
      await server.settle();
      await it.gone('after an undo');
      await server.deliver(it.undo(1));
      await server.deliver(it.undo(2));
      await server.settle();
      equals((await it.told()).slice(-2), ['undone:1', 'undone:2'], 'undone, as often as it is asked');
    },
  },
  {
    title: 'S4: an undo of a running do leaves nothing behind',
    run: async (server, it) => {
      await server.deliver(it.do(1));
      await server.deliver(it.undo(1));
      await server.settle();
      await it.gone('after an undo that met its do');
      equals(last(await it.told()), 'undone:1', 'undone is the last word');
    },
  },
  ...(['beforeEffect', 'afterEffect'] as const).flatMap((when): Case[] => [
    {
      title: `S3, S5: a do whose process ends (${when}) goes on after the start and has its effect once`,
      run: async (server, it) => {
        await server.crashNext(when);
        await server.deliver(it.do(1));
        await server.settle();
        await server.deliver(it.do(1));
        await server.settle();
        await it.once('after a crash in a do');
        equals(last(await it.told()), 'succeeded:1', 'it succeeds');
      },
    },
    {
      title: `S4, S5: an undo whose process ends (${when}) goes on after the start and leaves nothing`,
      run: async (server, it) => {
        await server.deliver(it.do(1));
        await server.settle();
        await server.crashNext(when);
        await server.deliver(it.undo(1));
        await server.settle();
        await it.gone('after a crash in an undo');
        equals(last(await it.told()), 'undone:1', 'it is undone');
      },
    },
    {
      title: `S3: a do whose process ends (${when}) is found by the undo that follows`,
      run: async (server, it) => {
        await server.crashNext(when);
        await server.deliver(it.do(1));
        await server.deliver(it.undo(1));
        await server.settle();
        await it.gone('after a crash in a do and its undo');
        equals(last(await it.told()), 'undone:1', 'it is undone');
      },
    },
  ]),
  {
    title: 'S7: a do past its time that was never recorded is dropped, and leaves no trace',
    run: async (server, it) => {
      await server.deliver(it.do(1, { expires: '2001-01-01T00:00:00.000Z' }));
      await server.settle();
      equals(await it.told(), [], 'nothing is said');
      await it.gone('after an expired do');
      equals(await server.describe(it.step), { known: false }, 'it was never recorded');
    },
  },
  {
    title: 'S7: a failure claims that nothing is left only when nothing is left',
    run: async (server, it, work) => {
      await server.deliver(it.do(1, { work: work.fails }));
      await server.settle();
      const failed = (await server.replies(it.step)).at(-1);
      holds(failed !== undefined && kindOf(failed.type) === 'failed', 'it fails');
      const claim = (failed?.data as { effects?: unknown } | undefined)?.effects;
      if (claim === 'none') await it.gone("after effects: 'none'");
    },
  },
  {
    title: 'a contract that the service does not speak is invalid, and nothing is done',
    run: async (server, it, work) => {
      await server.deliver(it.do(1, { work: { ...work.does, contract: 32_000 } }));
      await server.settle();
      const failed = (await server.replies(it.step)).at(-1)?.data as { class?: unknown; code?: unknown } | undefined;
      equals([failed?.class, failed?.code], ['invalid', 'contract_unsupported'], 'it says why');
      await it.gone('after an unknown contract');
    },
  },
  {
    title: 'S9: describe tells what became of an operation',
    run: async (server, it) => {
      equals(await server.describe(it.step), { known: false }, 'unknown before it was asked for');
      await server.deliver(it.do(3));
      await server.settle();
      const done = await server.describe(it.step);
      equals(done.known && [done.state, done.attempt, done.tombstone], ['done', 3, false], 'done');
      await server.deliver(it.undo(2));
      await server.settle();
      const undone = await server.describe(it.step);
      equals(undone.known && [undone.state, undone.undoAttempt, undone.tombstone], ['undone', 2, true], 'undone');
    },
  },
];

/** Calls each case through a runner's `test`, on a server of its own; every reply on the way must be one that Sentral reads. */
export function runServiceConformance(options: {
  readonly test: (title: string, run: () => Promise<void>) => void;
  readonly subject: () => Promise<StepServer>;
  readonly work: ServedWork;
}): void {
  for (const [at, { title, run }] of serviceConformance.entries()) {
    options.test(title, async () => {
      const server = await options.subject();
      const step = encodeId('stp', uuid(at));
      await run(server, scriptOf(server, step, options.work), options.work);
      for (const reply of await server.replies(step))
        holds(v.is(replySchema, reply), `a reply is not readable: ${reply.id}`);
    });
  }
}

const uuid = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;

function scriptOf(server: StepServer, step: Id<'stp'>, work: ServedWork): Script {
  const envelope = <const D extends Direction>(direction: D, attempt: number) =>
    ({
      specversion: '1.0',
      id: commandId(step, direction, attempt),
      source: '/sentral/task',
      type: `dev.dataverket.step.${direction}.v1`,
      time: '2026-01-01T00:00:00.000Z',
      datacontenttype: 'application/json',
      tenantid: encodeId('tnt', uuid(1)),
      taskid: encodeId('tsk', uuid(2)),
      stepid: step,
      attempt,
      direction,
    }) as const;
  return {
    step,
    do: (attempt, { work: other, expires = '9999-01-01T00:00:00.000Z' } = {}) => ({
      ...envelope('do', attempt),
      expires,
      data: { ...(other ?? work.does) },
    }),
    undo: (attempt, fence) => ({
      ...envelope('undo', attempt),
      data: {
        ...(fence === undefined ? work.undoes : {}),
        contract: work.does.contract,
        of: { action: work.does.action, input: work.does.input },
      },
    }),
    told: async () => (await server.replies(step)).map((reply) => `${kindOf(reply.type)}:${reply.attempt}`),
    gone: async (sentence) => equals(await server.effects(step), 0, `${sentence} nothing is there`),
    once: async (sentence) => equals(await server.effects(step), 1, `${sentence} one effect is there`),
  };
}
