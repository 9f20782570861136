import * as v from 'valibot';
import { text, timeInputSchema } from '../api/common.js';
import { idSchema, type Id } from '../ids.js';
import { operationStates, type Operation } from './journal.js';
import { replyData, type Answer, type Direction } from './message.js';

// What Sentral may ask a service at any time (S9): what became of an operation, and what is really there.

const attemptSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export const describeSchema = v.object({ op: idSchema('stp') });

/** The operation that a question names. */
export const readDescribe = (data: string): Id<'stp'> => v.parse(describeSchema, JSON.parse(data)).op;

/** `known: false` says that the service has never recorded the operation: it is none of its effects. */
export const descriptionSchema = v.variant('known', [
  v.object({ known: v.literal(false) }),
  v.object({
    known: v.literal(true),
    state: v.picklist(operationStates),
    attempt: attemptSchema,
    undoAttempt: attemptSchema,
    tombstone: v.boolean(),
    /** The data of the last reply of the state: `succeeded`, `failed`, `undone` or `undo_failed`. */
    result: v.optional(v.unknown()),
  }),
]);
export type Description = v.InferOutput<typeof descriptionSchema>;

/** Answers `describe` from the journal's row. */
export function describeOperation(row: Operation | undefined): Description {
  if (row === undefined) return { known: false };
  const { state, attempt, undoAttempt, tombstone, result } = row;
  return { known: true, state, attempt, undoAttempt, tombstone, ...(result === undefined ? {} : { result }) };
}

/** What a description says, as the reply that was lost; undefined when it is none, or none that can be read. */
export function replyOf(
  description: Description,
): { readonly direction: Direction; readonly attempt: number; readonly answer: Answer } | undefined {
  if (!description.known) return undefined;
  const { state, attempt, undoAttempt, tombstone, result } = description;
  const running = state === 'doing' || state === 'undoing';
  const ended = { done: 'succeeded', undone: 'undone', failed: tombstone ? 'undo_failed' : 'failed' } as const;
  const kind = running ? 'accepted' : ended[state];
  const data = v.safeParse(replyData[kind], running ? {} : result);
  if (!data.success) return undefined;
  // Under a tombstone only the undo is told of.
  const [direction, number] = tombstone ? (['undo', undoAttempt] as const) : (['do', attempt] as const);
  return { direction, attempt: number, answer: { kind, data: data.output } as Answer };
}

export const observePageMax = 500;

export const observeSchema = v.object({
  cursor: v.optional(text(1, 2048)),
  limit: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(observePageMax)),
});

/** What is there, whoever asked for it: `op` is absent for what no step made. */
export const observationSchema = v.object({
  resource: text(1, 256),
  op: v.optional(idSchema('stp')),
  specHash: text(1, 128),
  /** Moves with every change of the resource, so that two sightings of one state can be told from two states. */
  generation: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  state: text(1, 64),
  observedAt: timeInputSchema,
});
/** In the order of `resource`, by its bytes: two lists are compared side by side. */
export const observePageSchema = v.object({
  items: v.pipe(v.array(observationSchema), v.maxLength(observePageMax)),
  nextCursor: v.optional(text(1, 2048)),
});
