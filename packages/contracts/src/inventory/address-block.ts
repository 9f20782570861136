import * as v from 'valibot';
import {
  asOfFields,
  asOfRefuses,
  countSchema,
  pageFields,
  pageOf,
  sortOf,
  timeSchema,
  versionSchema,
} from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import {
  attributesSchema,
  basedOnVersion,
  cidrSchema,
  decimalSchema,
  externalIdSchema,
  nodeId,
  prefixLengthSchema,
  tenantId,
} from './fields.js';

export const blockStatusSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9_-]{0,62}$/, 'must be a word like active or container'),
);

export const addressBlockSchema = v.object({
  id: idSchema('blk'),
  type: v.literal('addressBlock'),
  version: versionSchema,
  spaceId: idSchema('spc'),
  parentId: v.optional(idSchema('blk')),
  cidr: cidrSchema,
  /** Every address can be given out, the first and the last too. */
  isPool: v.boolean(),
  /** Nothing of it is free, whatever is recorded in it. */
  markUtilized: v.boolean(),
  status: blockStatusSchema,
  attributes: attributesSchema,
  nodeId: v.optional(nodeId),
  tenantId: v.optional(tenantId),
  externalIds: v.array(externalIdSchema),
  state: v.picklist(['live', 'ended']),
  createdAt: timeSchema,
  updatedAt: timeSchema,
  endedAt: v.optional(timeSchema),
});
export type AddressBlock = v.InferOutput<typeof addressBlockSchema>;

const create = verb({
  summary: 'Records a prefix under the longest one that holds it; smaller ones that it holds become its children.',
  command: v.strictObject({
    spaceId: idSchema('spc'),
    cidr: cidrSchema,
    isPool: v.optional(v.boolean(), false),
    markUtilized: v.optional(v.boolean(), false),
    status: v.optional(blockStatusSchema, 'active'),
    attributes: v.optional(attributesSchema, {}),
    nodeId: v.optional(nodeId),
  }),
  result: addressBlockSchema,
  refuses: ['reference-not-found', 'already-exists', 'allocation-conflict', 'topology-violation'],
  idempotent: false,
});

const amend = verb({
  summary: 'Changes what is named in the patch; a prefix is never renumbered by an edit.',
  command: v.strictObject({
    id: idSchema('blk'),
    version: basedOnVersion,
    patch: v.strictObject({
      isPool: v.optional(v.boolean()),
      markUtilized: v.optional(v.boolean()),
      status: v.optional(blockStatusSchema),
      attributes: v.optional(attributesSchema),
      nodeId: v.optional(v.nullable(nodeId)),
    }),
  }),
  result: addressBlockSchema,
  refuses: ['not-found', 'version-mismatch', 'reference-not-found'],
  idempotent: false,
});

const remove = verb({
  summary: 'Ends a prefix without children, addresses and live allocations.',
  command: v.strictObject({ id: idSchema('blk'), version: basedOnVersion }),
  result: addressBlockSchema,
  refuses: ['not-found', 'version-mismatch', 'has-dependents', 'blocked-by-hold'],
  idempotent: false,
});

const get = verb({
  summary: 'One prefix, ended ones too.',
  command: v.strictObject({ id: idSchema('blk'), ...asOfFields }),
  result: addressBlockSchema,
  refuses: ['not-found', ...asOfRefuses],
  idempotent: true,
});

const list = verb({
  summary: 'Live prefixes by filter, ordered by address, shorter masks first, unless told.',
  command: v.strictObject({
    spaceId: v.optional(idSchema('spc')),
    /** Null asks for the roots of the space. */
    parentId: v.optional(v.nullable(idSchema('blk'))),
    cidr: v.optional(cidrSchema),
    /** Those that lie in this prefix, itself included. */
    within: v.optional(cidrSchema),
    nodeId: v.optional(nodeId),
    sort: sortOf('cidr', 'id', 'cidr'),
    ...asOfFields,
    ...pageFields,
  }),
  result: pageOf(addressBlockSchema),
  refuses: ['invalid-cursor', ...asOfRefuses],
  idempotent: true,
});

const available = verb({
  summary: 'What of a prefix is free: addresses by the rules of their family, and blocks between its children.',
  command: v.strictObject({
    id: idSchema('blk'),
    /** How many free addresses to name. */
    addressLimit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(256)), 10),
    /** How many free blocks to name. */
    blockLimit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(256)), 10),
    /** Also: the first free block of this length. */
    prefixLength: v.optional(prefixLengthSchema),
  }),
  result: v.object({
    blockId: idSchema('blk'),
    cidr: cidrSchema,
    /** Addresses less network and broadcast, where these cannot be given. */
    usableAddresses: decimalSchema,
    usedAddresses: decimalSchema,
    /** Usable, not held, in no range. */
    availableAddresses: decimalSchema,
    firstAvailable: v.optional(v.string()),
    /** The same, outside child prefixes: what an allocation from this prefix can get. */
    availableOutsideChildren: decimalSchema,
    nextAddresses: v.array(v.string()),
    /** The prefix less its children, cut into the fewest blocks. */
    freeBlocks: countSchema,
    largestFreePrefixLength: v.optional(prefixLengthSchema),
    firstFreeBlock: v.optional(cidrSchema),
    nextBlocks: v.array(cidrSchema),
    firstOfLength: v.optional(cidrSchema),
  }),
  refuses: ['not-found', 'invalid-parameter'],
  idempotent: true,
});

export const addressBlock = { create, amend, remove, get, list, available } as const;
