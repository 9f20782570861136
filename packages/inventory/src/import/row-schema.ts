import { annotationsInputSchema, displayNameSchema } from '@sentral/contracts/api/common';
import { capacity } from '@sentral/contracts/inventory/capacity';
import * as v from 'valibot';

const key = v.pipe(v.string(), v.minLength(1), v.maxLength(512));
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(512));
const attributes = v.optional(v.record(v.string(), v.unknown()));
/** The key of a tenant that the file has a line for. */
const tenant = v.optional(key);
const integer = v.pipe(v.number(), v.safeInteger());
const natural = v.pipe(integer, v.minValue(0));

/** Every resource a line may carry, told apart by `type`; unknown fields are refused as everywhere in the API. */
const resourceSchema = v.variant('type', [
  v.strictObject({
    type: v.literal('tenant'),
    name: displayNameSchema,
    annotations: v.optional(annotationsInputSchema),
  }),
  v.strictObject({
    type: v.literal('node'),
    kind: name,
    name: v.optional(name),
    parent: v.optional(key),
    attributes,
    labels: v.optional(v.record(v.string(), v.string())),
    traits: v.optional(v.array(v.string())),
    /** All that it has to give; absent: as it is. */
    capacities: v.optional(capacity.set.command.entries.capacities),
    tenant,
    rack: v.optional(
      v.strictObject({
        face: v.picklist(['front', 'rear']),
        startHalfUnit: natural,
        heightHalfUnits: v.pipe(natural, v.minValue(1)),
        fullDepth: v.boolean(),
      }),
    ),
  }),
  v.strictObject({
    type: v.literal('edge'),
    edgeType: v.picklist(['connects', 'depends', 'memberOf', 'backedBy']),
    a: v.array(key),
    b: v.array(key),
    attributes,
  }),
  v.strictObject({ type: v.literal('addressSpace'), name, attributes, tenant }),
  v.strictObject({
    type: v.literal('addressBlock'),
    space: key,
    cidr: name,
    isPool: v.optional(v.boolean()),
    markUtilized: v.optional(v.boolean()),
    status: v.optional(v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_-]{0,62}$/))),
    attributes,
    node: v.optional(key),
    tenant,
  }),
  v.strictObject({ type: v.literal('addressRange'), space: key, start: name, end: name, attributes }),
  v.strictObject({
    type: v.literal('address'),
    space: key,
    address: name,
    prefixLength: natural,
    attributes,
    node: v.optional(key),
    tenant,
  }),
  v.strictObject({
    type: v.literal('numberDomain'),
    name,
    kind: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,62}$/)),
    pooled: v.boolean(),
    attributes,
    node: v.optional(key),
  }),
  v.strictObject({ type: v.literal('numberRange'), domain: key, start: natural, end: natural }),
  v.strictObject({
    type: v.literal('number'),
    domain: key,
    value: natural,
    name: v.optional(name),
    attributes,
    node: v.optional(key),
    tenant,
  }),
  v.strictObject({
    type: v.literal('rackReservation'),
    rack: key,
    units: v.pipe(v.array(integer), v.minLength(1)),
    attributes,
  }),
  v.strictObject({
    type: v.literal('deviceType'),
    manufacturer: name,
    model: name,
    slug: name,
    heightHalfUnits: v.pipe(natural, v.maxValue(400)),
    fullDepth: v.boolean(),
    attributes: v.optional(v.record(v.string(), v.unknown()), {}),
    components: v.optional(v.record(v.string(), v.array(v.record(v.string(), v.unknown()))), {}),
  }),
]);

export const changeRowSchema = v.variant('op', [
  v.strictObject({ op: v.literal('upsert'), externalId: key, ifMatch: v.optional(natural), resource: resourceSchema }),
  v.strictObject({ op: v.literal('delete'), externalId: key, ifMatch: v.optional(natural) }),
]);

/** What is wrong with a row, by the first place where something is; undefined where nothing is. */
export function rowFault({ issues }: v.SafeParseResult<typeof changeRowSchema>): string | undefined {
  const issue = issues?.[0];
  return issue === undefined ? undefined : `${v.getDotPath(issue) ?? 'row'}: ${issue.message}`;
}

/** An optional first line: `complete` says that the file is the whole of its source. */
export const changeHeadSchema = v.strictObject({ changeSet: v.literal(1), complete: v.optional(v.boolean(), false) });
