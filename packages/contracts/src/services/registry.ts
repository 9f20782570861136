import * as v from 'valibot';
import { countSchema, text } from '../api/common.js';
import { idSchema } from '../ids.js';
import { attributesSchema, cidrSchema, hostSchema, numberValueSchema } from '../inventory/fields.js';
import { taskKindSchema } from '../task/task.js';
import { platformResourceKinds, platformResourceStates, recordingsSchema } from '../inventory/platform-resource.js';
import { bucketSpecSchema, clusterSpecSchema, machineSpecSchema, networkSpecSchema } from './specs.js';

// Every action that some service serves as a step, with its version: what a plan may name, and what its input must look like.
// Inputs ignore what they do not know, so that a newer Sentral can speak to an older service.

export interface ActionDef {
  readonly contract: number;
  readonly input: v.GenericSchema;
  readonly output?: v.GenericSchema;
}

const name = v.optional(text(1, 256));
const networkId = idSchema('net');
const machineId = idSchema('mch');
const clusterId = idSchema('cls');
const bucketId = idSchema('bkt');
const allocationId = idSchema('alc');
/** Larger than every earlier one of the thing (inventory.md): an older one is refused. */
const fence = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** What `observe` will tell of it: a service that tells it here too hears of what differs later. */
const specHash = v.optional(text(1, 128));

/** Takes the tenant's name for granted: the command carries it. */
const nett = {
  'network.create': {
    contract: 1,
    input: v.object({
      networkId,
      name,
      vlan: numberValueSchema,
      cidr: cidrSchema,
      /** Kept out of what is given to machines. */
      gateway: hostSchema,
      fence,
      spec: networkSpecSchema,
    }),
    output: v.object({ networkId, vlan: numberValueSchema, gateway: hostSchema, specHash }),
  },
  'network.delete': { contract: 1, input: v.object({ networkId }) },
  'port.attach': {
    contract: 1,
    input: v.object({ networkId, machineId, address: hostSchema, fence }),
    output: v.object({ portId: text(1, 128), mac: text(1, 32), address: hostSchema }),
  },
  'port.detach': { contract: 1, input: v.object({ machineId }) },
} as const satisfies Record<string, ActionDef>;

const maskin = {
  'machine.create': {
    contract: 1,
    input: v.object({
      machineId,
      name,
      /** The server, or the host that gives the capacity. */
      hostNodeId: idSchema('nod'),
      ports: v.pipe(
        v.array(v.object({ portId: text(1, 128), mac: text(1, 32), address: hostSchema })),
        v.maxLength(16),
      ),
      fence,
      spec: machineSpecSchema,
    }),
    output: v.object({ machineId, state: text(1, 64), specHash }),
  },
  'machine.delete': { contract: 1, input: v.object({ machineId }) },
} as const satisfies Record<string, ActionDef>;

const plattform = {
  'cluster.create': {
    contract: 1,
    input: v.object({
      clusterId,
      name,
      networkId,
      machineIds: v.pipe(v.array(machineId), v.minLength(1), v.maxLength(100)),
      spec: clusterSpecSchema,
    }),
    output: v.object({ clusterId, endpoint: text(1, 256), specHash }),
  },
  'cluster.delete': { contract: 1, input: v.object({ clusterId }) },
} as const satisfies Record<string, ActionDef>;

const objekt = {
  'bucket.create': {
    contract: 1,
    input: v.object({
      bucketId,
      name,
      sizeGib: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
      fence,
      spec: bucketSpecSchema,
    }),
    output: v.object({ bucketId, endpoint: text(1, 256), specHash }),
  },
  'bucket.delete': { contract: 1, input: v.object({ bucketId }) },
} as const satisfies Record<string, ActionDef>;

const nodeMove = v.object({
  nodeId: idSchema('nod'),
  from: v.picklist(platformResourceStates),
  to: v.picklist(platformResourceStates),
  /** What stands on it and takes it along: no hindrance to its removal. */
  partOf: v.optional(idSchema('nod')),
  /** What its service has told of it; kept as it is when it is absent. */
  status: v.optional(attributesSchema),
});

/** What a removal needs of a resource, as it was found. */
const standing = v.object({
  id: idSchema('nod'),
  kind: v.picklist(platformResourceKinds),
  name: text(1, 64),
  state: v.picklist(platformResourceStates),
  allocationId,
  wanted: attributesSchema,
});
export type Standing = v.InferOutput<typeof standing>;

/** How many resources a step finds at once, those that stand on others first; whatever is left is found the next time. */
export const standingMax = 100;
const standingSchema = v.pipe(v.array(standing), v.maxLength(standingMax));

/** Inventory serves what tasks hold, by the task that asks, and the platform's own records. */
const inventory = {
  /** Records what the task makes, too; the undo takes the records with it. */
  'allocation.bind': {
    contract: 1,
    input: v.object({ records: v.optional(recordingsSchema, []) }),
    output: v.object({ allocationId }),
  },
  'allocation.confirm': { contract: 1, input: v.object({}), output: v.object({ allocationId }) },
  /** As an undo it gives back what the task holds; as a step, the allocation that is named. */
  'allocation.release': { contract: 1, input: v.object({ allocationId: v.optional(allocationId) }) },
  /** The end of the records of what is gone. */
  'node.retire': {
    contract: 1,
    input: v.object({ nodeIds: v.pipe(v.array(idSchema('nod')), v.minLength(1), v.maxLength(64)) }),
  },
  /** The platform's resources in an environment, as they are now. */
  'environment.list-resources': {
    contract: 1,
    input: v.object({ environmentId: idSchema('env') }),
    output: v.object({ resources: standingSchema, more: v.boolean() }),
  },
  'node.set-state': { contract: 1, input: nodeMove },
  /** The undo of `node.set-state`, with the same input. */
  'node.reset-state': { contract: 1, input: nodeMove },
} as const satisfies Record<string, ActionDef>;

/** At most so many children a step: a plan has as many steps. */
const childTasks = v.array(v.object({ kind: taskKindSchema, input: v.unknown() }));

/** Tasks that a step has made, in place of its work: the step ends when all of them have. */
const task = {
  'child.run': {
    contract: 1,
    // None is nothing to do: what a step before has found may be empty.
    input: v.object({ tasks: v.pipe(childTasks, v.maxLength(200)) }),
    output: v.object({ tasks: v.array(v.object({ taskId: idSchema('tsk'), output: v.optional(v.unknown()) })) }),
  },
  /** The undo: what lives is cancelled, and for what has succeeded `tasks` names, in the same order, what takes it back. */
  'child.cancel': {
    contract: 1,
    input: v.object({ tasks: v.optional(v.pipe(childTasks, v.maxLength(200)), []) }),
  },
} as const satisfies Record<string, ActionDef>;

const exportId = idSchema('exp');

/** Audit writes what somebody takes away of its logs. */
const audit = {
  'export.write': {
    contract: 1,
    input: v.object({ exportId }),
    output: v.object({ exportId, records: countSchema, bytes: countSchema }),
  },
  /** The undo: the files are gone. */
  'export.drop': { contract: 1, input: v.object({ exportId }) },
} as const satisfies Record<string, ActionDef>;

/**
 * Functions of what steps before have answered: nothing is read and nothing changed but the answer, so that they are done again at
 * will. What they compute differently goes under the next contract.
 */
const sentral = {
  /** The tasks that remove these: what stands on others goes first, and parts go with their whole. */
  'removals.plan': {
    contract: 1,
    input: v.object({ resources: standingSchema }),
    output: v.object({ first: childTasks, last: childTasks }),
  },
  /** The undo of every function: its answer is nobody's any more. */
  'answer.forget': { contract: 1, input: v.object({}) },
} as const satisfies Record<string, ActionDef>;

/** Service → action → what it takes. */
export const actions = { nett, maskin, plattform, objekt, inventory, task, sentral, audit } as const;
export type ServiceName = keyof typeof actions;

/** Whether a service serves an action under a version of its contract: what the validator of plans asks. */
export function knowsAction(service: string, action: string, contract: number): boolean {
  if (!Object.hasOwn(actions, service)) return false;
  const served: Readonly<Record<string, ActionDef>> = actions[service as ServiceName];
  return Object.hasOwn(served, action) && served[action]?.contract === contract;
}
