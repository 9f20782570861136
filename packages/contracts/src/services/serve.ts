import * as v from 'valibot';
import type { Id } from '../ids.js';
import { isProblem, problems, type ProblemCode } from '../problem.js';
import { contentErrors } from '../validation.js';
import { inputOf, journal, type JournalAct, type JournalInput, type Operation, type Work } from './journal.js';
import {
  beatEveryMs,
  readCommand,
  replyMessage,
  type Beat,
  type Command,
  type Direction,
  type FailureClass,
  type Reply,
} from './message.js';
import { describeOperation, readDescribe, type Description } from './query.js';

// A service that serves steps, on whatever storage it has (S1 to S9). Its own part is two functions an action, and a store.

/** Who asked, and whom to answer. */
export type Asker = Pick<Command, 'stepid' | 'taskid' | 'tenantid' | 'traceparent' | 'correlationid'>;

/** Work on one step. Everything that it makes outside carries `op`, so that it is found again (S4). */
export interface Job {
  readonly op: Id<'stp'>;
  readonly input: unknown;
  readonly asker: Asker;
  /** An undo waits for the end of a `do`, or the service stops: cut it short if that is cheap. */
  readonly signal: AbortSignal;
}

/** What a service can be asked for; `takeBack` is there where it serves as the undo of another action. */
export interface StepAction {
  readonly contract: number;
  readonly input: v.GenericSchema;
  /** Looks whether what carries the op is there, makes it if not, and gives the output of the step. */
  readonly run?: (job: Job) => Promise<unknown>;
  /** Takes back whatever carries the op; tells whether there was anything. */
  readonly takeBack?: (job: Job) => Promise<boolean>;
}

/** The journal's row with whom to answer. Plain JSON: a store may keep it as one value under the op. */
export interface Entry {
  readonly operation: Operation;
  readonly asker: Asker;
}

export interface Change {
  readonly entry: Entry | undefined;
  readonly replies: readonly Reply[];
}

export interface StepStore {
  /**
   * ONE transaction (S6): locks what is under the op, whether it is there or not yet, gives it to `decide`, stores the entry
   * and the replies, commits; or begins anew where somebody else was quicker. The replies are sent from there until the bus has them.
   */
  change(op: Id<'stp'>, decide: (entry: Entry | undefined) => Change): Promise<void>;
  find(op: Id<'stp'>): Promise<Entry | undefined>;
  /** Ops in the states `doing` and `undoing`. */
  unfinished(): Promise<readonly Id<'stp'>[]>;
}

export interface StepServiceOptions {
  readonly service: string;
  readonly actions: Readonly<Record<string, StepAction>>;
  readonly store: StepStore;
  /** Sends a sign of life (S8), where loss is fine. */
  readonly beat: (beat: Beat) => void;
  /** Hears of what should not happen: a bug in an action, a store that is away. */
  readonly report: (what: string, error: unknown) => void;
}

export interface StepService {
  /** Takes a command as it came from the bus; acknowledge it when this has settled. `unreadable`: a dead letter at first sight. */
  take(data: string): Promise<'ack' | 'unreadable'>;
  /** Answers `describe` (S9). */
  describe(data: string): Promise<Description>;
  /** Goes on with what the process before was doing (S5); call it before the first `take`. ONE process at a time serves an op. */
  start(): Promise<void>;
  /** Settles when no work runs. */
  idle(): Promise<void>;
  /** Begins nothing more and lets running work hear of it; what it leaves unfinished the next start goes on with. */
  stop(): Promise<void>;
}

type WorkAct = Extract<JournalAct, { act: 'run' | 'takeBack' }>;
/** What the journal has decided about an op. */
interface Decided {
  readonly row: Operation;
  readonly acts: readonly JournalAct[];
  readonly asker: Asker;
  /** Nothing of the op was known before. */
  readonly first: boolean;
}

interface Running {
  direction: Direction;
  attempt: number;
  readonly cut: AbortController;
}

/** How long a store that is away is left alone. */
const retryMs = 1_000;

/** Makes a service of its actions and its store. */
export function stepService({ service, actions, store, beat, report }: StepServiceOptions): StepService {
  const running = new Map<Id<'stp'>, Running>();
  const works = new Set<Promise<void>>();
  const turns = new Map<Id<'stp'>, Promise<void>>();
  let stopped = false;

  /** One after another for an op, so that what is done about it follows the order in which its changes were stored. */
  function decide(op: Id<'stp'>, input: JournalInput, command?: Asker): Promise<void> {
    const mine = (turns.get(op) ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => decideNow(op, input, command))
      .finally(() => {
        if (turns.get(op) === mine) turns.delete(op);
      });
    turns.set(op, mine);
    return mine;
  }

  async function decideNow(op: Id<'stp'>, input: JournalInput, command?: Asker): Promise<void> {
    let decided: Decided | undefined;
    await store.change(op, (entry) => {
      decided = undefined;
      const { row, acts } = journal(entry?.operation, input);
      const asker = command === undefined ? entry?.asker : askerOf(command);
      if (asker === undefined || row === undefined) return { entry, replies: [] };
      decided = { row, acts, asker, first: entry === undefined };
      return { entry: { operation: row, asker }, replies: repliesOf(acts, service, asker) };
    });
    if (input.on === 'ran' || input.on === 'tookBack') running.delete(op);
    if (decided === undefined) return;
    follow(op, decided);
    // A change that failed may have been stored all the same, when only its answer was lost: what it began, nobody here works on.
    if (unfinished(decided.row) && !running.has(op) && input.on !== 'boot' && !stopped)
      await decideNow(op, { on: 'boot' });
  }

  function follow(op: Id<'stp'>, decided: Decided): void {
    const { row, acts } = decided;
    const now = running.get(op);
    // A newer attempt of what runs is answered under its own number, and beats with it.
    if (now !== undefined) now.attempt = now.direction === 'do' ? row.attempt : row.undoAttempt;
    for (const act of acts) {
      if (act.act === 'abort') now?.cut.abort();
      if ((act.act === 'run' || act.act === 'takeBack') && !stopped) begin(op, act, decided);
    }
  }

  function begin(op: Id<'stp'>, act: WorkAct, { row, asker, first }: Decided): void {
    const direction = act.act === 'run' ? 'do' : 'undo';
    const attempt = direction === 'do' ? row.attempt : row.undoAttempt;
    const mine: Running = { direction, attempt, cut: new AbortController() };
    running.set(op, mine);
    const life = setInterval(() => beat({ stepid: op, direction, attempt: mine.attempt }), beatEveryMs);
    const work = perform({ op, asker, signal: mine.cut.signal }, act, first)
      .then((end) => {
        clearInterval(life);
        return settle(op, end);
      })
      .finally(() => void works.delete(work));
    works.add(work);
  }

  /** What was done must be written down, or nobody hears of it before the next start. */
  async function settle(op: Id<'stp'>, input: JournalInput): Promise<void> {
    do {
      try {
        return await decide(op, input);
      } catch (error) {
        report('the end of a step could not be stored and will be tried again', error);
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    } while (!stopped);
  }

  function perform(job: Omit<Job, 'input'>, { act, work }: WorkAct, first: boolean): Promise<JournalInput> {
    const run = async (): Promise<unknown> => {
      if (work === undefined) return false;
      const { way, input } = served(actions, work, act);
      return way({ ...job, input });
    };
    return endOf(act, run, (error) => {
      const failure = failureOf(error);
      if (failure === undefined) {
        report('an action failed as it should not', error);
        return { class: 'transient', code: 'internal', message: 'something went wrong in the service' };
      }
      // What was refused unread left nothing, unless an earlier run of the op was not.
      return refusedUnread.has(failure.code) && first ? { ...failure, effects: 'none' } : failure;
    });
  }

  return {
    async take(data) {
      const read = readCommand(data);
      if (!read.ok) {
        report(`a command cannot be read: ${read.reason}`, undefined);
        return 'unreadable';
      }
      await decide(read.message.stepid, inputOf(read.message, Date.now()), read.message);
      return 'ack';
    },
    async describe(data) {
      return describeOperation((await store.find(readDescribe(data)))?.operation);
    },
    async start() {
      for (const op of await store.unfinished()) await decide(op, { on: 'boot' });
    },
    async idle() {
      while (works.size > 0) await Promise.all(works);
    },
    async stop() {
      stopped = true;
      for (const { cut } of running.values()) cut.abort();
      await Promise.all(works);
    },
  };
}

const unfinished = ({ state }: Operation): boolean => state === 'doing' || state === 'undoing';

/** Whom to answer, as far as an answer needs it. */
export const askerOf = ({ stepid, taskid, tenantid, traceparent, correlationid }: Asker): Asker => ({
  stepid,
  taskid,
  tenantid,
  ...(traceparent === undefined ? {} : { traceparent }),
  ...(correlationid === undefined ? {} : { correlationid }),
});

/** The replies among what the journal wants done, to be stored with its row (S6). */
export function repliesOf(acts: readonly JournalAct[], service: string, command: Asker): readonly Reply[] {
  const time = new Date().toISOString();
  return acts.flatMap((act) =>
    act.act === 'reply' ? [replyMessage({ command, service, time, ...act }, act.answer)] : [],
  );
}

/** How some work ended, as the journal is told; `failing` says what an error means, or throws it on. */
export async function endOf(
  act: WorkAct['act'],
  work: () => Promise<unknown>,
  failing: (error: unknown) => Failure,
): Promise<JournalInput> {
  try {
    const result = await work();
    if (act === 'run') return { on: 'ran', end: { kind: 'succeeded', data: { output: result } } };
    return { on: 'tookBack', end: { kind: 'undone', data: { found: result === true } } };
  } catch (error) {
    const { effects = 'unknown', ...failure } = failing(error);
    if (act === 'run') return { on: 'ran', end: { kind: 'failed', data: { ...failure, effects } } };
    return { on: 'tookBack', end: { kind: 'undo_failed', data: failure } };
  }
}

const refusedUnread: ReadonlySet<string> = new Set(['contract_unsupported', 'input_invalid']);

/**
 * The part of an action that some work needs, and its input, read.
 * @throws what `failureOf` reads, class invalid
 */
export function served<A extends Pick<StepAction, 'contract' | 'input'>, W extends keyof A>(
  actions: Readonly<Record<string, A>>,
  work: Work,
  way: W,
): { readonly way: NonNullable<A[W]>; readonly input: unknown } {
  const action = Object.hasOwn(actions, work.action) ? actions[work.action] : undefined;
  const part = action?.[way];
  if (action?.contract !== work.contract || part === undefined || part === null) throw unsupported(work);
  const input = v.safeParse(action.input, work.input);
  if (input.success) return { way: part, input: input.output };
  const [first] = contentErrors(input.issues, '/input');
  const message = `${first?.pointer ?? '/input'}: ${first?.message ?? 'not valid'}`;
  throw stepFailure({ class: 'invalid', code: 'input_invalid', message });
}

const unsupported = ({ action, contract }: Work): Error =>
  stepFailure({
    class: 'invalid',
    code: 'contract_unsupported',
    message: `${action} of contract ${contract} is not served here`,
  });

/** Why an action cannot do what it is asked; `effects: 'none'` only after looking (S7). */
export interface Failure {
  readonly class: FailureClass;
  /** lower_snake, for programs. */
  readonly code: string;
  readonly message: string;
  readonly effects?: 'none' | 'unknown';
  readonly retryAfterMs?: number;
}

/** The error that an action throws to fail in a known way. */
export function stepFailure(failure: Failure): Error {
  return Object.assign(new Error(failure.message), { name: 'StepFailure', failure });
}

/** What an error says of a step: one that `stepFailure` made, or a Problem; undefined for any other. */
export function failureOf(error: unknown): Failure | undefined {
  if (isProblem(error)) {
    const { code } = error;
    return { class: classOf(code), code: code.replaceAll('-', '_'), message: error.detail ?? problems[code].title };
  }
  return error instanceof Error && error.name === 'StepFailure'
    ? (error as Error & { failure: Failure }).failure
    : undefined;
}

const passing: ReadonlySet<ProblemCode> = new Set([
  'dependency-blocked',
  'idempotency-in-progress',
  'operation-in-progress',
  'queue-full',
  'rate-limited',
]);

function classOf(code: ProblemCode): FailureClass {
  if (problems[code].status >= 500 || passing.has(code)) return 'transient';
  if (code === 'version-mismatch') return 'conflict';
  return code === 'validation-failed' || code === 'malformed-request' ? 'invalid' : 'permanent';
}
