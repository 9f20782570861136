import * as v from 'valibot';
import { idSchema, type Prefix } from '../../ids.js';
import { inventory } from '../../inventory/index.js';
import { placementFields } from '../../inventory/placement.js';
import { platformResourceSchema, platformResourceStates } from '../../inventory/platform-resource.js';
import type { Permission } from '../../permissions.js';
import type { ProblemCode } from '../../problem.js';
import { route } from '../../route.js';
import { task } from '../../task.js';
import { conditionSchema, labelsInputSchema, nameSchema, pageOf, pageQuery } from '../common.js';
import { anyOf, byId, changeQuery, found, versioned } from '../inventory/shape.js';
import { begun } from '../task/tasks.js';

const { id: _, type: __, kind: ___, wanted: ____, ...common } = platformResourceSchema.entries;
const { requiredTraits, forbiddenTraits, labelSelector, pools, location, near, avoid, strategy } = placementFields;

/** What the provider must be like; what is not said may be anywhere. */
export const placeSchema = v.strictObject({
  requiredTraits,
  forbiddenTraits,
  labelSelector,
  pools,
  location,
  near,
  avoid,
  strategy,
});

/** What every resource of the platform is asked for with, besides what its kind wants. */
export const making = <const W extends v.ObjectEntries>(wanted: W) =>
  v.strictObject({
    /** Unique among its kind in the environment; never changes. */
    name: nameSchema,
    labels: v.optional(labelsInputSchema, {}),
    ...wanted,
  });

/** A resource of the platform: what was asked for, and what its service has told of it. */
export const shownResource = <const K extends string, P extends Prefix, const W extends v.ObjectEntries>(
  kind: K,
  prefix: P,
  wanted: W,
) =>
  v.object({
    id: idSchema(prefix),
    type: v.literal(kind),
    ...common,
    /** `Ready` is true while it can be used. */
    conditions: v.array(conditionSchema),
    ...wanted,
  });

const taskRefusals = task.nouns.task.create.refuses;

interface Of<P extends Prefix, B extends v.GenericSchema, S extends v.GenericSchema> {
  /** `Bucket`, and the collection's name. */
  readonly name: string;
  readonly collection: string;
  readonly prefix: P;
  readonly permission: (verb: 'read' | 'create' | 'delete') => Permission;
  readonly body: B;
  readonly shown: S;
}

/**
 * The routes of one kind of platform resource: making it is a task, as is its removal; what is between them is shown.
 * Spelled out by each kind under names of its own.
 */
export function resourceRoutes<
  const P extends Prefix,
  const B extends v.GenericSchema,
  const S extends v.GenericSchema,
>({ name, collection, prefix, permission, body, shown }: Of<P, B, S>) {
  const { list, get } = inventory.nouns.platformResource;
  const thing = name.toLowerCase();
  const filters = {
    ...pageQuery,
    sort: list.command.entries.sort,
    name: v.optional(nameSchema),
    state: v.optional(anyOf(v.picklist(platformResourceStates))),
    labelSelector: list.command.entries.labelSelector,
  };
  const expand = ['tenant', 'project', 'environment'] as const;
  const tags = [collection];
  const refuses: readonly ProblemCode[] = [
    'idempotency-key-required',
    'lease-expired',
    ...inventory.nouns.allocation.reserve.refuses,
    ...inventory.nouns.allocation.replace.refuses,
    ...taskRefusals,
  ];
  return {
    create: route({
      operationId: `create${name}`,
      method: 'POST',
      path: `/v1/environments/:id/${collection}` as const,
      summary: `Begins a task that makes a ${thing}; it is there at once, in \`provisioning\`.`,
      tags,
      permission: permission('create'),
      on: 'pathScope',
      params: byId('env'),
      query: changeQuery,
      body,
      responses: begun(`The task; its output names the ${thing}.`, task.nouns.task.create.result),
      problems: [...new Set(refuses)],
    }),
    listIn: route({
      operationId: `list${name}sOfEnvironment`,
      method: 'GET',
      path: `/v1/environments/:id/${collection}` as const,
      summary: `The ${collection} of an environment.`,
      tags,
      permission: permission('read'),
      on: 'pathScope',
      params: byId('env'),
      query: v.strictObject(filters),
      expand,
      responses: found(`A page of ${collection}.`, pageOf(shown)),
      problems: [...list.refuses],
    }),
    list: route({
      operationId: `list${name}s`,
      method: 'GET',
      path: `/v1/${collection}` as const,
      summary: `The ${collection} that the caller may see.`,
      tags,
      permission: permission('read'),
      on: 'visible',
      query: v.strictObject({
        ...filters,
        projectId: v.optional(idSchema('prj')),
        environmentId: v.optional(idSchema('env')),
      }),
      expand,
      responses: found(`A page of ${collection}.`, pageOf(shown)),
      problems: [...list.refuses],
    }),
    get: route({
      operationId: `get${name}`,
      method: 'GET',
      path: `/v1/${collection}/:id` as const,
      summary: `One ${thing}, until its removal has ended.`,
      tags,
      permission: permission('read'),
      on: 'item',
      params: byId(prefix),
      expand,
      responses: versioned(`The ${thing}.`, shown),
      problems: [...get.refuses],
    }),
    remove: route({
      operationId: `delete${name}`,
      method: 'DELETE',
      path: `/v1/${collection}/:id` as const,
      summary: `Begins a task that removes the ${thing} and gives back what it stands on; it is \`removing\` until then.`,
      tags,
      permission: permission('delete'),
      on: 'item',
      params: byId(prefix),
      query: changeQuery,
      responses: begun('The task.', task.nouns.task.create.result),
      problems: [
        ...new Set<ProblemCode>([
          'precondition-required',
          'version-mismatch',
          'has-dependents',
          ...get.refuses,
          ...taskRefusals,
        ]),
      ],
    }),
  } as const;
}
