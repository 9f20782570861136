import * as v from 'valibot';

/** How many times `limit` may ask for on one page; larger is coerced, not refused. */
export const pageLimitMax = 500;
export const pageLimitDefault = 50;

const lonelySurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/** Tells whether text can be stored and sent: PostgreSQL refuses NUL, UTF-8 has no lone surrogates. */
export function isStorableText(text: string): boolean {
  return !text.includes('\u0000') && !lonelySurrogate.test(text);
}

const storable = v.check<string, string>(isStorableText, 'must be text without NUL and lone surrogates');

/** Free text of bounded length, in UTF-16 code units. */
export const text = (min: number, max: number) => v.pipe(v.string(), v.minLength(min), v.maxLength(max), storable);

/** The human handle: unique under its parent, never changed. */
export const nameSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be a name like web-01'),
);

/** Free text for people, 1 to 200 characters. */
export const displayNameSchema = text(1, 200);

/** Why something was done, for the record: 1 to 1000 characters. */
export const reasonSchema = text(1, 1000);

/** Moves by one with every committed change of the resource. */
export const versionSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** A whole number of things, zero allowed. */
export const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** RFC 3339 in UTC with milliseconds, as Sentral writes every time. */
export const timeSchema = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/, 'must be a time like 2026-11-23T10:00:00.000Z'),
  v.check((time) => isRealTime(time), 'must be a time that exists'),
);

/** A time as a caller may write it: UTC, with or without a fraction. */
export const timeInputSchema = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/, 'must be a time in UTC like 2026-11-23T10:00:00Z'),
  v.check((time) => isRealTime(time), 'must be a time that exists'),
);

/**
 * Asks for what was at an instant that has been, instead of what is: each thing with the newest version whose `updatedAt` is not
 * later, to the millisecond. A change counts from the instant that it bears, the beginning of its transaction, so what is
 * committed late may still come into the last moments; an import bears the instant at which it began to be applied. The future is
 * `invalid-parameter`; before the system kept a history it is `position-expired`, with `oldest`. Of the past is shown what the caller
 * would have seen then and sees still.
 */
export const asOfFields = { asOf: v.optional(timeInputSchema) } as const;

/** What a read as of an instant may be refused with besides. */
export const asOfRefuses = ['invalid-parameter', 'position-expired'] as const;

// Date.parse carries 30 February over into March; PostgreSQL refuses it, so it is refused here. It has no year 0 either, and rounds to
// microseconds: what would come to be the year 10000 cannot be told as a time again.
function isRealTime(time: string): boolean {
  const parsed = new Date(time);
  if (Number.isNaN(parsed.getTime()) || !parsed.toISOString().startsWith(time.slice(0, 19))) return false;
  return !time.startsWith('0000') && !/^9999-12-31T23:59:59\.999999[5-9]/.test(time);
}

// These keys are dropped in silence by record(), for fear of prototypes; as labels they would vanish.
const droppedKeys = ['__proto__', 'prototype', 'constructor'];

/**
 * A map of strings that is really a map: the library's record() takes arrays for one and drops three keys in silence.
 * The guard runs before it and the schema keeps its type and its JSON Schema.
 */
export function plainMap<S extends v.GenericSchema>(schema: S): S {
  const guarded: S = {
    ...schema,
    '~run'(dataset, config) {
      const { value } = dataset as { value: unknown };
      const isMap = !Array.isArray(value) && !droppedKeys.some((key) => isObject(value) && Object.hasOwn(value, key));
      if (isMap) return schema['~run'](dataset, config);
      v._addIssue(guarded, 'type', dataset, config);
      return dataset as never;
    },
  };
  return guarded;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Keys under this prefix are Sentral's own: read by everyone, written by nobody else. */
export const reservedLabelPrefix = 'sentral.dataverket/';

// [prefix/]name: the prefix a DNS name of at most 253, the name at most 63 (the syntax of Kubernetes).
export const labelKeySchema = v.pipe(
  v.string(),
  v.maxLength(317),
  v.regex(
    /^(?:(?=[^/]{1,253}\/)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/,
    'must be a label key like app or example.com/app',
  ),
);
const labelKeyInput = v.pipe(
  labelKeySchema,
  v.check((key) => !key.startsWith(reservedLabelPrefix), `keys under ${reservedLabelPrefix} are reserved`),
);
const labelValue = v.pipe(
  v.string(),
  v.regex(/^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/, 'must be a label value of at most 63 characters'),
);

/** Labels as they are read: at most 64, filterable. */
export const labelsSchema = plainMap(v.pipe(v.record(labelKeySchema, labelValue), v.maxEntries(64)));

/** Labels as a caller may write them: the reserved prefix is refused. */
export const labelsInputSchema = plainMap(v.pipe(v.record(labelKeyInput, labelValue), v.maxEntries(64)));

/** Labels in a merge patch (RFC 7396): null removes the key. */
export const labelsPatchSchema = plainMap(v.pipe(v.record(labelKeyInput, v.nullable(labelValue)), v.maxEntries(128)));

const annotationBytesMax = 64 * 1024;
const annotationValue = text(0, annotationBytesMax);
const fitsAnnotations = <T extends Readonly<Record<string, string | null>>>() =>
  v.check<T, string>((it) => annotationBytes(it) <= annotationBytesMax, 'must hold at most 64 KiB in all');

/** Annotations as they are read: at most 64 KiB in all, not filterable. */
export const annotationsSchema = plainMap(v.pipe(v.record(labelKeySchema, annotationValue), fitsAnnotations()));

/** Annotations as a caller may write them. */
export const annotationsInputSchema = plainMap(v.pipe(v.record(labelKeyInput, annotationValue), fitsAnnotations()));

/** Annotations in a merge patch: null removes the key. */
export const annotationsPatchSchema = plainMap(
  v.pipe(v.record(labelKeyInput, v.nullable(annotationValue)), fitsAnnotations()),
);

function annotationBytes(annotations: Readonly<Record<string, string | null>>): number {
  const encoder = new TextEncoder();
  return Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + key.length + encoder.encode(value ?? '').length,
    0,
  );
}

/** The page a verb is asked for: the limit is coerced to at most 500, the cursor opaque to everyone but its context. */
export const pageFields = {
  limit: v.optional(
    v.pipe(
      v.number(),
      v.safeInteger(),
      v.minValue(1),
      v.transform((limit) => Math.min(limit, pageLimitMax)),
    ),
    pageLimitDefault,
  ),
  cursor: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(2048))),
} as const;

/** The same two in a query string, where everything is text. */
export const pageQuery = {
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[1-9][0-9]{0,8}$/, 'must be a whole number of at least 1'),
      v.transform((limit) => Math.min(Number(limit), pageLimitMax)),
    ),
  ),
  cursor: pageFields.cursor,
} as const;

type Either<N extends string> = N | `-${N}`;

/**
 * The orders that a list offers, by field; with a minus the other way round, and equal ones always by id. Each is served by
 * an index, so a list names them one by one. The first is what a list has unless told.
 */
export const sortOf = <const N extends string>(usual: Either<N>, ...fields: readonly N[]) =>
  v.optional(v.picklist(fields.flatMap((field): Either<N>[] => [field, `-${field}`])), usual);

/** A page of a list. It may be short or empty and still have a `nextCursor`. */
export const pageOf = <const S extends v.GenericSchema>(item: S) =>
  v.object({ items: v.array(item), nextCursor: v.optional(v.string()) });

/** What is known of a resource besides its coarse state. */
export const conditionSchema = v.object({
  type: text(1, 64),
  status: v.picklist(['true', 'false', 'unknown']),
  reason: v.optional(text(0, 128)),
  message: v.optional(text(0, 1024)),
  observedVersion: v.optional(versionSchema),
  lastTransitionAt: timeSchema,
});

/** The strong entity tag of a resource, from its version alone, so that a client can build If-Match from a body. */
export function etagOf(resource: { readonly version: number }): string {
  return `"${resource.version}"`;
}

/** One or more entity tags, or `*`: I do not care. */
export const ifMatchSchema = v.pipe(
  v.string(),
  v.maxLength(1024),
  v.regex(/^(?:\*|"[^"]*"(?:\s*,\s*"[^"]*")*)$/, 'must be "<version>" or *'),
);

/** 1 to 128 visible ASCII characters; a quoted structured-field string is taken too. */
export const idempotencyKeySchema = v.pipe(
  v.string(),
  v.regex(
    /^(?:"[\x21\x23-\x7e]{1,128}"|[\x21\x23-\x7e][\x21-\x7e]{0,127})$/,
    'must be 1 to 128 visible ASCII characters',
  ),
);
