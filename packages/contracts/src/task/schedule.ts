import * as v from 'valibot';
import { nameSchema, pageFields, pageOf, sortOf, timeSchema, versionSchema } from '../api/common.js';
import { scopeIdSchema, verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { basedOnVersion } from '../inventory/fields.js';
import { taskKindSchema } from './task.js';

/** How many schedules a tenant may have; what is beyond is refused with `quota-exceeded`. */
export const schedulesMax = 100;

/** How long the input of a schedule may be as JSON, in UTF-16 code units. */
export const scheduleInputMax = 16_384;

/**
 * Five fields: minute, hour, day of the month, month, day of the week; with lists, ranges, steps, names, `L`, `#`. Where both days
 * are given, either will do. A time that a change of the clocks leaves out is kept at the next one there is, one that comes twice is kept once.
 */
export const cronSchema = v.pipe(
  v.string(),
  v.maxLength(128),
  v.regex(/^[0-9A-Za-z*,/#+-]+( [0-9A-Za-z*,/#+-]+){4}$/, 'must have five fields, like 30 2 * * mon-fri'),
);

/** An IANA name, such as Europe/Oslo. */
export const timeZoneSchema = v.pipe(
  v.string(),
  v.maxLength(64),
  v.regex(/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/, 'must be a name like Europe/Oslo'),
);

/**
 * When the task before is not over: `skip` leaves the run out, `queue` begins one as soon as it is over, however many have been
 * missed meanwhile, `allow` begins beside it.
 */
export const overlaps = ['skip', 'queue', 'allow'] as const;

const whySchema = v.object({ code: v.string(), detail: v.string() });

/** The newest run. `refused` says why nothing was begun. */
const lastRunSchema = v.object({
  at: timeSchema,
  outcome: v.picklist(['started', 'skipped', 'refused']),
  taskId: v.optional(idSchema('tsk')),
  problem: v.optional(whySchema),
});

const scheduleFields = {
  id: idSchema('sch'),
  type: v.literal('schedule'),
  /** Counts changes of the schedule; its runs do not move it. */
  version: versionSchema,
  tenantId: idSchema('tnt'),
  projectId: v.optional(idSchema('prj')),
  environmentId: v.optional(idSchema('env')),
  name: nameSchema,
  /** The workflow that is begun. */
  kind: taskKindSchema,
  cron: v.string(),
  timeZone: v.string(),
  overlap: v.picklist(overlaps),
  enabled: v.boolean(),
  /** Set when it was stopped by the house: enabling it again, with the right to, ends that. */
  held: v.optional(v.object({ ...whySchema.entries, at: timeSchema })),
  /** Whoever changed it last: its tasks are begun with their rights, looked up at each run. */
  owner: v.object({ type: v.string(), id: v.string() }),
  createdAt: timeSchema,
  updatedAt: timeSchema,
};

export const scheduleSchema = v.object({
  ...scheduleFields,
  input: v.unknown(),
  /** Absent while it is not enabled. */
  nextAt: v.optional(timeSchema),
  lastRun: v.optional(lastRunSchema),
  replayed: v.optional(v.literal(true)),
});
export type Schedule = v.InferOutput<typeof scheduleSchema>;

/** As events tell it: without the input, which is the tenant's own, and without its runs. */
export const scheduleToldSchema = v.object(scheduleFields);

const wanted = {
  cron: cronSchema,
  timeZone: timeZoneSchema,
  overlap: v.picklist(overlaps),
  enabled: v.boolean(),
};
const inputSchema = v.pipe(
  v.unknown(),
  v.check((input) => JSON.stringify(input ?? null).length <= scheduleInputMax, 'must be at most 16 KiB as JSON'),
);

const create = verb({
  summary: 'Begins a workflow again and again, at the times of a cron expression in a time zone.',
  command: v.strictObject({
    /** A tenant, a project or an environment: the last scope of the caller's path. */
    scopeId: scopeIdSchema,
    /** Unique in its scope. */
    name: nameSchema,
    kind: taskKindSchema,
    input: v.optional(inputSchema, {}),
    cron: cronSchema,
    timeZone: v.optional(wanted.timeZone, 'UTC'),
    overlap: v.optional(wanted.overlap, 'skip'),
    enabled: v.optional(wanted.enabled, true),
  }),
  result: scheduleSchema,
  refuses: ['reference-not-found', 'scope-not-active', 'already-exists', 'quota-exceeded'],
  idempotent: false,
});

const get = verb({
  summary: 'One schedule, with its newest run.',
  command: v.strictObject({ id: idSchema('sch') }),
  result: scheduleSchema,
  refuses: ['not-found'],
  idempotent: true,
});

const list = verb({
  summary: 'Schedules by filter, the newest first unless told.',
  command: v.strictObject({
    kind: v.optional(taskKindSchema),
    enabled: v.optional(v.boolean()),
    projectId: v.optional(idSchema('prj')),
    environmentId: v.optional(idSchema('env')),
    sort: sortOf('-id', 'id'),
    ...pageFields,
  }),
  result: pageOf(scheduleSchema),
  refuses: ['invalid-cursor'],
  idempotent: true,
});

const amend = verb({
  summary: 'Changes what is begun and when, or stops it for a while; whoever does is its owner from then on.',
  command: v.strictObject({
    id: idSchema('sch'),
    version: basedOnVersion,
    patch: v.strictObject({
      input: v.optional(inputSchema),
      cron: v.optional(wanted.cron),
      timeZone: v.optional(wanted.timeZone),
      overlap: v.optional(wanted.overlap),
      enabled: v.optional(wanted.enabled),
    }),
  }),
  result: scheduleSchema,
  refuses: ['not-found', 'version-mismatch'],
  idempotent: false,
});

const remove = verb({
  summary: 'Ends a schedule; what it has begun goes on.',
  command: v.strictObject({ id: idSchema('sch'), version: basedOnVersion }),
  result: scheduleSchema,
  refuses: ['not-found', 'version-mismatch'],
  idempotent: false,
});

export const schedule = { create, get, list, amend, remove } as const;
