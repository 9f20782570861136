import * as v from 'valibot';
import { text } from '../api/common.js';
import { idSchema } from '../ids.js';

export const attributeKeysMax = 256;

/** What is truly open about a resource: any JSON, at most 256 keys. */
export const attributesSchema = v.pipe(v.record(text(1, 128), v.unknown()), v.maxEntries(attributeKeysMax));

/** A tenant as the source of an import names it, before tenancy knows it. */

/** What a source calls a resource: unique per source. */
export const externalIdSchema = v.object({ source: text(1, 64), externalId: text(1, 256) });
export const externalIdInputSchema = v.strictObject({ source: text(1, 64), externalId: text(1, 256) });

/** The version the change is based on; absent means whatever it is now. */
export const basedOnVersion = v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)));

/** An IPv4 or IPv6 host without mask. */
export const hostSchema = v.pipe(
  v.string(),
  v.maxLength(45),
  v.union([v.pipe(v.string(), v.ipv4()), v.pipe(v.string(), v.ipv6())], 'must be an IPv4 or IPv6 address without mask'),
);

/** A prefix like 10.0.0.0/24 or 2001:db8::/64; bits to the right of the mask are refused by the context. */
export const cidrSchema = v.pipe(
  v.string(),
  v.maxLength(49),
  v.regex(/^[0-9a-fA-F:.]{2,45}\/(?:[0-9]|[1-9][0-9]|1[01][0-9]|12[0-8])$/, 'must be a prefix like 10.0.0.0/24'),
  v.check((cidr) => v.is(hostSchema, cidr.slice(0, cidr.indexOf('/'))), 'must be a prefix like 10.0.0.0/24'),
);

export const prefixLengthSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(128));

/** 0 to 4294967295; a domain of kind vlan takes 1 to 4094. */
export const numberValueSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4294967295));

export const coolDownSecondsSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(31536000));

/** A whole number too large for a JSON number, as decimal text: counts of addresses. */
export const decimalSchema = v.pipe(v.string(), v.regex(/^[0-9]{1,39}$/));

export const halfUnitSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(400));
export const faceSchema = v.picklist(['front', 'rear']);

/** An id of a resource that a result points at. */
export const nodeId = idSchema('nod');
export const tenantId = idSchema('tnt');
