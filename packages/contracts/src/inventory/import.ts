import * as v from 'valibot';
import { countSchema, pageFields, pageOf, sortOf, text, timeSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { basedOnVersion } from './fields.js';

export const importStates = ['staging', 'queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export const importOutcomes = ['created', 'updated', 'unchanged', 'deleted', 'skipped', 'refused'] as const;

/** A refusal as it is stored and shown beside the row or import it belongs to. */
const storedProblem = v.looseObject({ code: v.string(), title: v.string(), status: v.number() });

export const importSchema = v.object({
  id: idSchema('imp'),
  type: v.literal('import'),
  version: versionSchema,
  source: v.string(),
  format: v.picklist(['changeset', 'netbox', 'devicetypes', 'prefixplan']),
  atomic: v.picklist(['set', 'batch']),
  dryRun: v.boolean(),
  state: v.picklist(importStates),
  rowsTotal: countSchema,
  rowsDone: countSchema,
  percent: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100)),
  /** Rows per outcome. */
  counts: v.record(v.string(), countSchema),
  /** Why it failed, or, while it is queued, what it waits for. */
  problem: v.optional(storedProblem),
  createdAt: timeSchema,
  updatedAt: timeSchema,
  startedAt: v.optional(timeSchema),
  endedAt: v.optional(timeSchema),
});
export type Import = v.InferOutput<typeof importSchema>;

// What a line says of a thing replaces what was there, and what it leaves out is gone: attributes, the parent, and whose it is. A line without a
// tenant belongs to nobody, also where an operator had dedicated it. Only labels and traits that a line leaves out stay.
const create = verb({
  summary: 'Opens an import; its content is staged in chunks, then it is started.',
  command: v.strictObject({
    /** Whose keys the file uses: an externalId is unique per source. */
    source: text(1, 64),
    format: v.picklist(['changeset', 'netbox', 'devicetypes', 'prefixplan']),
    /** set: all rows or none. batch: every row that can be. */
    atomic: v.optional(v.picklist(['set', 'batch']), 'batch'),
    dryRun: v.optional(v.boolean(), false),
    /** Whether the caller may make tenants; without it a tenant that the file names and nobody knows is refused with its rows. */
    mayMakeTenants: v.optional(v.boolean(), false),
  }),
  result: importSchema,
  refuses: [],
  idempotent: false,
});

const stage = verb({
  summary: 'Adds the next piece of the file, at most 1 MiB of text; the same ordinal twice is the same piece.',
  command: v.strictObject({
    id: idSchema('imp'),
    ordinal: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4096)),
    content: text(0, 1_048_576),
  }),
  result: importSchema,
  refuses: ['not-found', 'state-conflict', 'content-too-large'],
  idempotent: true,
});

const start = verb({
  summary: 'Says that the file is whole: the worker may apply it.',
  command: v.strictObject({
    id: idSchema('imp'),
    /** How many chunks there must be. */
    chunks: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4097)),
  }),
  result: importSchema,
  refuses: ['not-found', 'state-conflict', 'malformed-request', 'content-too-large'],
  idempotent: true,
});

const get = verb({
  summary: 'One import with its progress.',
  command: v.strictObject({ id: idSchema('imp') }),
  result: importSchema,
  refuses: ['not-found'],
  idempotent: true,
});

const list = verb({
  summary: 'Imports, the newest first unless told.',
  command: v.strictObject({
    state: v.optional(v.pipe(v.array(v.picklist(importStates)), v.minLength(1))),
    sort: sortOf('-id', 'id'),
    ...pageFields,
  }),
  result: pageOf(importSchema),
  refuses: ['invalid-cursor'],
  idempotent: true,
});

const results = verb({
  summary: 'What became of each row, in the order of the file.',
  command: v.strictObject({
    id: idSchema('imp'),
    outcome: v.optional(v.pipe(v.array(v.picklist(importOutcomes)), v.minLength(1))),
    ...pageFields,
  }),
  result: pageOf(
    v.object({
      line: countSchema,
      externalId: v.string(),
      outcome: v.optional(v.picklist(importOutcomes)),
      /** The resource, where it has an id on the wire. */
      id: v.optional(v.string()),
      problem: v.optional(storedProblem),
    }),
  ),
  refuses: ['not-found', 'invalid-cursor'],
  idempotent: true,
});

const cancel = verb({
  summary: 'Stops an import before its end: nothing of it is applied; tenants that it has made stay.',
  command: v.strictObject({ id: idSchema('imp'), version: basedOnVersion }),
  result: importSchema,
  refuses: ['not-found', 'version-mismatch', 'state-conflict'],
  idempotent: false,
});

export const importNoun = { create, stage, start, get, list, results, cancel } as const;
