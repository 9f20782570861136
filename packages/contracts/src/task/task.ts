import * as v from 'valibot';
import {
  countSchema,
  pageFields,
  pageLimitMax,
  pageOf,
  reasonSchema,
  sortOf,
  text,
  timeSchema,
  versionSchema,
} from '../api/common.js';
import { scopeIdSchema, verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { basedOnVersion } from '../inventory/fields.js';
import { failureClasses } from '../services/message.js';

/** succeeded, failed, cancelled and abandoned are ends; after failed and cancelled the world is as before. */
export const taskStates = [
  'queued',
  'running',
  'unwinding',
  'stuck',
  'succeeded',
  'failed',
  'cancelled',
  'abandoned',
] as const;
const taskCauses = ['step_failed', 'cancelled', 'deadline', 'operator', 'dependency'] as const;
const taskHolds = ['operator', 'policy', 'reconcile'] as const;

/** `<noun>.<what becomes of it>`, such as cluster.create. */
export const taskKindSchema = v.pipe(
  v.string(),
  v.maxLength(128),
  v.regex(/^[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*)+$/, 'must be a kind like cluster.create'),
);

/** What a step failed of. `unknown` is concluded from silence. */
export const stepErrorSchema = v.object({
  class: v.picklist([...failureClasses, 'unknown']),
  code: v.string(),
  message: v.string(),
  step: v.string(),
});

const percentSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100));

export const taskSchema = v.object({
  id: idSchema('tsk'),
  type: v.literal('task'),
  /** Moves with every change of the task, each step's included. */
  version: versionSchema,
  tenantId: idSchema('tnt'),
  projectId: v.optional(idSchema('prj')),
  environmentId: v.optional(idSchema('env')),
  kind: taskKindSchema,
  kindVersion: versionSchema,
  state: v.picklist(taskStates),
  /** Why it unwinds, or has. */
  cause: v.optional(v.picklist(taskCauses)),
  /** No state: while it is set answers are applied and nothing new is sent. */
  hold: v.optional(v.picklist(taskHolds)),
  holdNote: v.optional(v.string()),
  priority: v.pipe(v.number(), v.integer(), v.minValue(-100), v.maxValue(100)),
  steps: v.object({ total: countSchema, done: countSchema, undoOpen: countSchema }),
  /** Past it nothing is taken back any more. */
  pivotPassed: v.boolean(),
  progress: percentSchema,
  note: v.optional(v.string()),
  input: v.unknown(),
  output: v.optional(v.unknown()),
  /** The first failure that the task could not go on from. */
  error: v.optional(stepErrorSchema),
  initiator: v.object({ type: v.string(), id: v.string() }),
  correlationId: v.string(),
  parentTaskId: v.optional(idSchema('tsk')),
  deadlineAt: v.optional(timeSchema),
  createdAt: timeSchema,
  startedAt: v.optional(timeSchema),
  updatedAt: timeSchema,
  finishedAt: v.optional(timeSchema),
  /** Present when this is the stored answer to an earlier request under the same idempotency key. */
  replayed: v.optional(v.literal(true)),
});
export type Task = v.InferOutput<typeof taskSchema>;

const intent = verb({
  summary:
    "Names the task of a command over several contexts, under the caller's key, before anything else is called: a retry gets the same id.",
  command: v.strictObject({
    /** What was begun under this id was given back: another is named, so that a retry does not meet what has ended. */
    instead: v.optional(idSchema('tsk')),
  }),
  result: v.object({
    taskId: idSchema('tsk'),
    /** There when an earlier try has come to its end: what it was answered. */
    task: v.optional(taskSchema),
  }),
  refuses: ['idempotency-key-required'],
  idempotent: true,
});

const create = verb({
  summary:
    'Makes the task that a workflow plans for this input; idempotent on the id. It begins at once where its lane has room.',
  command: v.strictObject({
    /** From `intent`. Absent: minted, and then a second call makes a second task. */
    id: v.optional(idSchema('tsk')),
    kind: taskKindSchema,
    input: v.unknown(),
    /** Where it lies: the last scope of the caller's path. */
    scopeId: scopeIdSchema,
    correlationId: v.optional(v.pipe(v.string(), v.uuid())),
  }),
  result: taskSchema,
  refuses: ['reference-not-found', 'scope-not-active', 'operation-in-progress', 'already-exists', 'queue-full'],
  idempotent: false,
});

const get = verb({
  summary: 'One task.',
  command: v.strictObject({ id: idSchema('tsk') }),
  result: taskSchema,
  refuses: ['not-found'],
  idempotent: true,
});

const list = verb({
  summary: 'Tasks by filter, the newest first unless told.',
  command: v.strictObject({
    state: v.optional(v.pipe(v.array(v.picklist(taskStates)), v.minLength(1))),
    kind: v.optional(taskKindSchema),
    projectId: v.optional(idSchema('prj')),
    environmentId: v.optional(idSchema('env')),
    sort: sortOf('-id', 'id'),
    ...pageFields,
  }),
  result: pageOf(taskSchema),
  refuses: ['invalid-cursor'],
  idempotent: true,
});

const living = verb({
  summary:
    'What has not ended in a scope and below it, as far as the caller sees: how many in each state, and the newest.',
  command: v.strictObject({
    scopeId: v.union([idSchema('tnt'), idSchema('prj'), idSchema('env')]),
    limit: pageFields.limit,
  }),
  result: v.object({
    /** A state that no task is in is not named. */
    states: v.array(v.object({ state: v.picklist(taskStates), count: countSchema })),
    /** The newest first, without what was put in. */
    items: v.array(v.omit(taskSchema, ['input', 'output'])),
    more: v.boolean(),
  }),
  refuses: [],
  idempotent: true,
});

const claimants = verb({
  summary: 'The living tasks that change these things: at most one each.',
  command: v.strictObject({ resources: v.pipe(v.array(text(1, 256)), v.maxLength(pageLimitMax)) }),
  result: v.object({
    items: v.array(
      v.object({
        resource: v.string(),
        taskId: idSchema('tsk'),
        kind: taskKindSchema,
        state: v.picklist(taskStates),
      }),
    ),
  }),
  refuses: [],
  idempotent: true,
});

const named = { id: idSchema('tsk'), version: basedOnVersion };
const refusesAsking = ['not-found', 'version-mismatch', 'state-conflict'] as const;

const cancel = verb({
  summary: 'Takes everything back; done when the task is cancelled. Asking again changes nothing.',
  command: v.strictObject({ ...named, note: v.optional(reasonSchema) }),
  result: taskSchema,
  refuses: [...refusesAsking, 'past-pivot'],
  idempotent: true,
});

const hold = verb({
  summary: 'Sends nothing new until it is resumed; answers still count.',
  command: v.strictObject({ ...named, note: v.optional(reasonSchema) }),
  result: taskSchema,
  refuses: [...refusesAsking],
  idempotent: true,
});

const resume = verb({
  summary: 'Lifts the hold.',
  command: v.strictObject({ ...named, note: v.optional(reasonSchema) }),
  result: taskSchema,
  refuses: [...refusesAsking],
  idempotent: true,
});

const ofStep = { ...named, stepId: idSchema('stp') };

const retry = verb({
  summary: 'Sends a step that failed once more, or its undo, with its whole budget.',
  command: v.strictObject({ ...ofStep, note: v.optional(reasonSchema) }),
  result: taskSchema,
  refuses: [...refusesAsking],
  idempotent: false,
});

const unwind = verb({
  summary: 'Takes a stuck task back; past its pivot only with a note.',
  command: v.strictObject({ ...named, note: v.optional(reasonSchema) }),
  result: taskSchema,
  refuses: [...refusesAsking, 'past-pivot'],
  idempotent: false,
});

const waive = verb({
  summary: 'Counts an undo that failed as done: what it left behind is somebody else’s from now on.',
  command: v.strictObject({ ...ofStep, note: reasonSchema }),
  result: taskSchema,
  refuses: [...refusesAsking],
  idempotent: true,
});

const abandon = verb({
  summary: 'Ends a stuck task as it is: the world is not as before, and somebody has accepted that.',
  command: v.strictObject({ ...named, note: reasonSchema }),
  result: taskSchema,
  refuses: [...refusesAsking],
  idempotent: true,
});

const signal = verb({
  summary: 'Tells a wait step, or the one that will come, that something has happened; once per message id.',
  command: v.strictObject({
    ...named,
    name: text(1, 64),
    /** The same one twice is one signal. Absent: minted. */
    messageId: v.optional(text(1, 128)),
    data: v.optional(v.unknown(), {}),
  }),
  result: taskSchema,
  refuses: [...refusesAsking],
  idempotent: false,
});

export const taskNoun = {
  intent,
  create,
  get,
  list,
  living,
  claimants,
  cancel,
  hold,
  resume,
  retry,
  unwind,
  waive,
  abandon,
  signal,
} as const;
