import * as v from 'valibot';
import { countSchema, pageFields, pageOf, reasonSchema, sortOf, text, timeSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { serviceSchema } from '../services/message.js';

/** `suspect` was seen once, `repairing` is being set right; `accepted` stays as it is, and somebody has said so. */
export const findingStates = ['suspect', 'open', 'repairing', 'resolved', 'accepted'] as const;

/** What a task cannot settle by itself, and people must know. */
export const taskFindingSchema = v.object({
  id: idSchema('tfd'),
  type: v.literal('taskFinding'),
  kind: v.string(),
  service: v.string(),
  /** What it is about: a task, a step of one, an allocation. */
  subject: v.string(),
  taskId: v.optional(idSchema('tsk')),
  expected: v.optional(v.unknown()),
  observed: v.optional(v.unknown()),
  state: v.picklist(findingStates),
  /** How often it was seen. */
  seen: countSchema,
  firstAt: timeSchema,
  lastAt: timeSchema,
  resolvedAt: v.optional(timeSchema),
  note: v.optional(v.string()),
  replayed: v.optional(v.literal(true)),
});
export type TaskFinding = v.InferOutput<typeof taskFindingSchema>;

const settling = ['permission-denied', 'not-found', 'state-conflict'] as const;
const ofFinding = { id: idSchema('tfd') };

export const finding = {
  list: verb({
    summary: 'Findings by filter, the newest first unless told.',
    command: v.strictObject({
      state: v.optional(v.pipe(v.array(v.picklist(findingStates)), v.minLength(1))),
      kind: v.optional(text(1, 128)),
      service: v.optional(serviceSchema),
      taskId: v.optional(idSchema('tsk')),
      sort: sortOf('-id', 'id'),
      ...pageFields,
    }),
    result: pageOf(taskFindingSchema),
    refuses: ['permission-denied', 'invalid-cursor'],
    idempotent: true,
  }),
  get: verb({
    summary: 'One finding.',
    command: v.strictObject(ofFinding),
    result: taskFindingSchema,
    refuses: ['permission-denied', 'not-found'],
    idempotent: true,
  }),
  accept: verb({
    summary: 'It stays as it is; the same seen again is a new finding.',
    command: v.strictObject({ ...ofFinding, note: reasonSchema }),
    result: taskFindingSchema,
    refuses: [...settling],
    idempotent: true,
  }),
  resolve: verb({
    summary: 'It has been set right; the same seen again is a new finding.',
    command: v.strictObject({ ...ofFinding, note: v.optional(reasonSchema) }),
    result: taskFindingSchema,
    refuses: [...settling],
    idempotent: true,
  }),
} as const;

export const letterStates = ['open', 'redriven', 'discarded'] as const;
const letterOrigins = ['outbox', 'inbox', 'do', 'undo', 'timer', 'signal'] as const;

/** A message that could not be read, applied or sent, or an undo that failed for good: it needs a person. */
export const deadLetterSchema = v.object({
  id: idSchema('dlt'),
  type: v.literal('deadLetter'),
  origin: v.picklist(letterOrigins),
  taskId: v.optional(idSchema('tsk')),
  stepId: v.optional(idSchema('stp')),
  subject: v.optional(v.string()),
  messageId: v.optional(v.string()),
  deliveries: countSchema,
  /** What was to be sent; or what came, as it came. */
  body: v.optional(v.unknown()),
  raw: v.optional(v.string()),
  error: v.record(v.string(), v.unknown()),
  state: v.picklist(letterStates),
  firstAt: timeSchema,
  lastAt: timeSchema,
  resolvedAt: v.optional(timeSchema),
  resolvedBy: v.optional(v.object({ type: v.string(), id: v.string() })),
  note: v.optional(v.string()),
  replayed: v.optional(v.literal(true)),
});
export type DeadLetter = v.InferOutput<typeof deadLetterSchema>;

const ofLetter = { id: idSchema('dlt'), note: v.optional(reasonSchema) };

export const deadLetter = {
  list: verb({
    summary: 'Dead letters by filter, the newest first unless told.',
    command: v.strictObject({
      state: v.optional(v.pipe(v.array(v.picklist(letterStates)), v.minLength(1))),
      origin: v.optional(v.picklist(letterOrigins)),
      taskId: v.optional(idSchema('tsk')),
      sort: sortOf('-id', 'id'),
      ...pageFields,
    }),
    result: pageOf(deadLetterSchema),
    refuses: ['permission-denied', 'invalid-cursor'],
    idempotent: true,
  }),
  get: verb({
    summary: 'One dead letter.',
    command: v.strictObject({ id: idSchema('dlt') }),
    result: deadLetterSchema,
    refuses: ['permission-denied', 'not-found'],
    idempotent: true,
  }),
  requeue: verb({
    summary: 'Sends the message once more, or the undo that failed; whoever has it already drops it.',
    command: v.strictObject(ofLetter),
    result: deadLetterSchema,
    refuses: [...settling],
    idempotent: true,
  }),
  discard: verb({
    summary: 'Nobody needs it any more.',
    command: v.strictObject({ id: idSchema('dlt'), note: reasonSchema }),
    result: deadLetterSchema,
    refuses: [...settling],
    idempotent: true,
  }),
} as const;
