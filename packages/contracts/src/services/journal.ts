import type { Answer, Command, Direction } from './message.js';

// The rules of a service as one pure function (task.md 9.3): what its journal says and what has come → the new row and what to
// do. The caller commits the row and the answers in ONE transaction (S6), and only then acknowledges the message and starts the
// work. Prevents: an effect that no undo will ever find, an undo overtaken by its own do, and a step that runs twice.

export const operationStates = ['doing', 'done', 'failed', 'undoing', 'undone'] as const;

/** One row per operation; `op` is the step's id. */
export interface Operation {
  readonly op: string;
  /** The newest `do` that was taken; 0 when only an undo ever came. */
  readonly attempt: number;
  readonly undoAttempt: number;
  readonly state: (typeof operationStates)[number];
  /** An undo has come: no `do` runs here any more, ever. */
  readonly tombstone: boolean;
  /** An undo waits for the running `do` to end. */
  readonly wantUndo: boolean;
  /** What the newest `do` asked. */
  readonly work?: Work;
  /** What the newest undo asked; absent for one that only fences. */
  readonly undoWork?: Work;
  readonly result?: Answer['data'];
}

export interface Work {
  readonly action: string;
  readonly contract: number;
  readonly input: unknown;
}

type Ended<K extends Answer['kind']> = Extract<Answer, { kind: K }>;

export type JournalInput =
  /** `expired`: the time in `expires` has passed by the service's clock. */
  | { readonly on: 'do'; readonly op: string; readonly attempt: number; readonly work: Work; readonly expired: boolean }
  | {
      readonly on: 'undo';
      readonly op: string;
      readonly attempt: number;
      readonly work?: Work;
      /** The effect may be there although no `do` ever came: whoever opened the task has made it (task.md 12, the bind). */
      readonly ahead?: boolean;
    }
  /** The work of `run` or `takeBack` has ended. */
  | { readonly on: 'ran'; readonly end: Ended<'succeeded' | 'failed'> }
  | { readonly on: 'tookBack'; readonly end: Ended<'undone' | 'undo_failed'> }
  /** The process has started: what it was doing is unknown to it (S5). */
  | { readonly on: 'boot' };

export type JournalAct =
  /** Look whether the effect, tagged with the op id, is there; make it if not; then tell `ran` (S4). */
  | { readonly act: 'run'; readonly work: Work }
  /** The running `do` may be cut short: an undo waits for its end. Looking on is allowed too. */
  | { readonly act: 'abort' }
  /** Take back whatever is found under the op id, then tell `tookBack`. */
  | { readonly act: 'takeBack'; readonly work: Work | undefined }
  | { readonly act: 'reply'; readonly direction: Direction; readonly attempt: number; readonly answer: Answer };

export interface JournalStep {
  /** The row to store; undefined when there is none and none comes to be. */
  readonly row: Operation | undefined;
  readonly acts: readonly JournalAct[];
}

/** What a command asks of the journal; `nowMs` is the service's clock. */
export function inputOf(command: Command, nowMs: number): Extract<JournalInput, { on: Direction }> {
  const { stepid: op, attempt } = command;
  if (command.direction === 'do') {
    const { action, contract, input } = command.data;
    return { on: 'do', op, attempt, work: { action, contract, input }, expired: Date.parse(command.expires) < nowMs };
  }
  const { action, contract, input } = command.data;
  return { on: 'undo', op, attempt, ...(action === undefined ? {} : { work: { action, contract, input } }) };
}

/** Decides one input against the row of its operation, as it is locked in the deciding transaction. */
export function journal(row: Operation | undefined, input: JournalInput): JournalStep {
  switch (input.on) {
    case 'do':
      return takeDo(row, input);
    case 'undo':
      return takeUndo(row, input);
    case 'ran':
      return endDo(row, input.end);
    case 'tookBack':
      return endUndo(row, input.end);
    case 'boot':
      return resume(row);
  }
}

function takeDo(row: Operation | undefined, { op, attempt, work, expired }: JournalInput & { on: 'do' }): JournalStep {
  const reply = (answer: Answer): JournalAct => ({ act: 'reply', direction: 'do', attempt, answer });
  const accepted = reply({ kind: 'accepted', data: {} });
  if (row === undefined) {
    if (expired) return { row, acts: [] };
    const doing = { op, attempt, undoAttempt: 0, state: 'doing', tombstone: false, wantUndo: false, work } as const;
    return { row: doing, acts: [accepted, { act: 'run', work }] };
  }
  if (row.tombstone) return { row, acts: [reply({ kind: 'fenced', data: { by: 'undo' } })] };
  if (attempt < row.attempt) return { row, acts: [] };
  if (attempt > row.attempt && expired) return { row, acts: [] };
  // The run that is under way answers for the newest attempt: two runs of one operation would race for its effect.
  if (row.state === 'doing') return { row: { ...row, attempt, work }, acts: [accepted] };
  // Done is done: the attempt that asks again has not heard of it.
  if (row.state === 'done') return { row: { ...row, attempt }, acts: [reply(recorded(row))] };
  if (attempt === row.attempt) return { row, acts: [reply(recorded(row))] };
  const { result: _, ...rest } = row;
  return { row: { ...rest, attempt, work, state: 'doing' }, acts: [accepted, { act: 'run', work }] };
}

function takeUndo(
  row: Operation | undefined,
  { op, attempt, work, ahead }: JournalInput & { on: 'undo' },
): JournalStep {
  const reply = (answer: Answer): JournalAct => ({ act: 'reply', direction: 'undo', attempt, answer });
  const accepted = reply({ kind: 'accepted', data: {} });
  if (row === undefined && ahead === true && work !== undefined) {
    const undoing = {
      op,
      attempt: 0,
      undoAttempt: attempt,
      state: 'undoing',
      tombstone: true,
      wantUndo: false,
    } as const;
    return { row: { ...undoing, undoWork: work }, acts: [accepted, { act: 'takeBack', work }] };
  }
  if (row === undefined) {
    const result = { found: false };
    const undone = { op, attempt: 0, undoAttempt: attempt, state: 'undone', tombstone: true, wantUndo: false } as const;
    return { row: { ...undone, result }, acts: [reply({ kind: 'undone', data: result })] };
  }
  if (row.state === 'undone') {
    return { row: { ...row, undoAttempt: Math.max(attempt, row.undoAttempt) }, acts: [reply(recorded(row))] };
  }
  if (attempt < row.undoAttempt) return { row, acts: [] };
  const { undoWork: _, ...rest } = row;
  const taken = { ...rest, ...(work === undefined ? {} : { undoWork: work }), undoAttempt: attempt, tombstone: true };
  if (row.state === 'doing') return { row: { ...taken, wantUndo: true }, acts: [accepted, { act: 'abort' }] };
  if (row.state === 'undoing') return { row: taken, acts: [accepted] };
  if (undoFailed(row) && attempt === row.undoAttempt) return { row, acts: [reply(recorded(row))] };
  return { row: { ...taken, state: 'undoing' }, acts: [accepted, { act: 'takeBack', work }] };
}

function endDo(row: Operation | undefined, end: Ended<'succeeded' | 'failed'>): JournalStep {
  // A second end, of a run that a restart has begun again.
  if (row?.state !== 'doing') return { row, acts: [] };
  if (row.wantUndo) {
    return {
      row: { ...row, state: 'undoing', wantUndo: false, result: end.data },
      acts: [{ act: 'takeBack', work: row.undoWork }],
    };
  }
  return {
    row: { ...row, state: end.kind === 'succeeded' ? 'done' : 'failed', result: end.data },
    acts: [{ act: 'reply', direction: 'do', attempt: row.attempt, answer: end }],
  };
}

function endUndo(row: Operation | undefined, end: Ended<'undone' | 'undo_failed'>): JournalStep {
  if (row?.state !== 'undoing') return { row, acts: [] };
  return {
    row: { ...row, state: end.kind === 'undone' ? 'undone' : 'failed', result: end.data },
    acts: [{ act: 'reply', direction: 'undo', attempt: row.undoAttempt, answer: end }],
  };
}

function resume(row: Operation | undefined): JournalStep {
  // What an undo waited for has ended with the process, so the undo begins; it finds whatever that run has made.
  if (row?.state === 'doing' && row.wantUndo) {
    return { row: { ...row, state: 'undoing', wantUndo: false }, acts: [{ act: 'takeBack', work: row.undoWork }] };
  }
  if (row?.state === 'doing' && row.work !== undefined) return { row, acts: [{ act: 'run', work: row.work }] };
  if (row?.state === 'undoing') return { row, acts: [{ act: 'takeBack', work: row.undoWork }] };
  return { row, acts: [] };
}

// `failed` under a tombstone is an undo that failed: a `do` that failed has none, or is being taken back.
const undoFailed = (row: Operation): boolean => row.state === 'failed' && row.tombstone;

/** The answer that the row has recorded, to be sent again. */
function recorded(row: Operation): Answer {
  const kind =
    row.state === 'done' ? 'succeeded' : row.state === 'undone' ? 'undone' : undoFailed(row) ? 'undo_failed' : 'failed';
  return { kind, data: row.result } as Answer;
}
