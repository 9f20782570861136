import * as v from 'valibot';
import { idSchema, type Prefix } from '../../ids.js';
import type { ResponseDef } from '../../route.js';

/** The one path parameter of an item: its global id. */
export const byId = <const P extends Prefix>(prefix: P) => v.object({ id: idSchema(prefix) });

/** true or false, in a query string. */
export const flag = v.pipe(
  v.picklist(['true', 'false'], 'must be true or false'),
  v.transform((text) => text === 'true'),
);

/** A whole number, in a query string. */
export const wholeNumber = (max: number) =>
  v.pipe(v.string(), v.regex(/^\d{1,10}$/, 'must be a whole number'), v.transform(Number), v.maxValue(max));

/** One or more values: repeated, or separated by commas. */
export const anyOf = <const S extends v.GenericSchema<string, unknown>>(item: S) =>
  v.pipe(
    v.union([v.string(), v.array(v.string())]),
    v.transform((given) => [given].flat().flatMap((text) => text.split(','))),
    v.array(item),
    v.minLength(1),
    v.maxLength(64),
  );

/** Every change can be tried: judged to the end, then undone. */
export const changeQuery = v.strictObject({ dryRun: v.optional(flag) });

/** The same, or kept for a minute: `hold` makes a short reservation of what it finds. */
export const holdQuery = v.strictObject({
  dryRun: v.optional(
    v.pipe(
      v.picklist(['true', 'false', 'hold'], 'must be true, false or hold'),
      v.transform((text) => (text === 'hold' ? text : text === 'true')),
    ),
  ),
});

export const found = <const S extends v.GenericSchema>(description: string, schema: S) =>
  ({ 200: { description, schema } }) as const satisfies Record<number, ResponseDef>;

/** A resource with its version as ETag. */
export const versioned = <const S extends v.GenericSchema>(description: string, schema: S) =>
  ({ 200: { description, schema, headers: { etag: 'The version, for If-Match.' } } }) as const satisfies Record<
    number,
    ResponseDef
  >;

export const created = <const S extends v.GenericSchema>(description: string, schema: S) =>
  ({
    201: { description, schema, headers: { location: 'Where it is from now on.', etag: 'The version, for If-Match.' } },
  }) as const satisfies Record<number, ResponseDef>;

/** Bodies of PATCH, RFC 7396. */
export const mergePatch = 'application/merge-patch+json';
