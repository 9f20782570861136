import * as v from 'valibot';
import { pageFields, pageOf, timeSchema, versionSchema } from '../api/common.js';
import { principalTypes, verb } from '../contract.js';
import { nodeId } from './fields.js';
import { node, nodeSchema } from './node.js';

const { register, amend, retire } = node;

/** How many operations one batch may have: they are one transaction. */
export const batchMax = 100;

const batch = verb({
  summary: 'Several changes of nodes in their order, all or none.',
  command: v.strictObject({
    operations: v.pipe(
      v.array(
        v.variant('op', [
          v.strictObject({ op: v.literal('create'), node: register.command }),
          v.strictObject({ op: v.literal('update'), ...amend.command.entries }),
          v.strictObject({ op: v.literal('delete'), ...retire.command.entries }),
        ]),
      ),
      v.minLength(1),
      v.maxLength(batchMax),
    ),
  }),
  /** Each node as it was after its operation. A refusal names the operation as `operationIndex`, the first being 0. */
  result: v.object({ items: v.array(nodeSchema) }),
  refuses: [...new Set([...register.refuses, ...amend.refuses, ...retire.refuses])],
  idempotent: false,
});

/** A version of a node: who made it, when, and what it changed. */
export const nodeVersionSchema = v.object({
  version: versionSchema,
  /** `inventory.node.<past participle>` */
  event: v.string(),
  at: timeSchema,
  by: v.optional(v.object({ id: v.string(), type: v.picklist(principalTypes) })),
  /** Top-level fields that differ from the version before, as JSON pointers; of the first version every field that it has. */
  changedFields: v.array(v.string()),
  node: nodeSchema,
});

const history = verb({
  summary: 'The versions of a node, the newest first, retired ones too.',
  command: v.strictObject({ id: nodeId, ...pageFields }),
  result: pageOf(nodeVersionSchema),
  refuses: ['not-found', 'invalid-cursor'],
  idempotent: true,
});

/** Verbs of the noun node that are about several of its changes. */
export const nodeVersions = { batch, history } as const;
