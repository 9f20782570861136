import * as v from 'valibot';
import { countSchema, pageFields, pageLimitMax, pageOf, timeSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { stepErrorSchema } from './task.js';

const stepStates = [
  'blocked',
  'ready',
  'dispatched',
  'accepted',
  'retry_wait',
  'succeeded',
  'failed',
  'skipped',
] as const;
const undoStates = [
  'idle',
  'pending',
  'ready',
  'dispatched',
  'accepted',
  'retry_wait',
  'done',
  'failed',
  'waived',
] as const;

/** One step: what is asked of whom, and how far it is, forward and back. */
export const stepSchema = v.object({
  id: idSchema('stp'),
  type: v.literal('step'),
  key: v.string(),
  ordinal: countSchema,
  kind: v.picklist(['command', 'wait', 'child']),
  service: v.string(),
  action: v.string(),
  contract: versionSchema,
  needs: v.array(v.string()),
  pivot: v.boolean(),
  destructive: v.boolean(),
  state: v.picklist(stepStates),
  undoState: v.picklist(undoStates),
  /** How often it was sent, and how often its undo. */
  attempt: countSchema,
  undoAttempt: countSchema,
  progress: countSchema,
  note: v.optional(v.string()),
  output: v.optional(v.unknown()),
  error: v.optional(stepErrorSchema),
  dispatchedAt: v.optional(timeSchema),
  finishedAt: v.optional(timeSchema),
});
export type Step = v.InferOutput<typeof stepSchema>;

const list = verb({
  summary: 'The steps of a task in the order of their needs.',
  command: v.strictObject({ taskId: idSchema('tsk') }),
  // A plan has at most 200 of them, so there is one page.
  result: v.object({ items: v.array(stepSchema) }),
  refuses: ['not-found'],
  idempotent: true,
});

const living = verb({
  summary: 'Which of these steps are still there: what a service has done for any other can be forgotten.',
  command: v.strictObject({ ids: v.pipe(v.array(idSchema('stp')), v.maxLength(pageLimitMax)) }),
  result: v.object({ ids: v.array(idSchema('stp')) }),
  refuses: ['permission-denied'],
  idempotent: true,
});

export const step = { list, living } as const;

/** What happened to one task, for people; `seq` is the task's version after it. */
export const taskEventSchema = v.object({
  seq: versionSchema,
  type: v.string(),
  step: v.optional(v.string()),
  data: v.record(v.string(), v.unknown()),
  actor: v.optional(v.object({ type: v.string(), id: v.string() })),
  at: timeSchema,
});

export const event = {
  list: verb({
    summary: 'What happened to a task, in order.',
    command: v.strictObject({
      taskId: idSchema('tsk'),
      /** Begins behind this one, where no cursor does. */
      afterSeq: v.optional(countSchema),
      ...pageFields,
    }),
    result: pageOf(taskEventSchema),
    refuses: ['not-found', 'invalid-cursor'],
    idempotent: true,
  }),
} as const;
