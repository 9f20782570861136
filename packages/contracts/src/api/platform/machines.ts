import * as v from 'valibot';
import { idSchema } from '../../ids.js';
import { amountSchema } from '../../inventory/capacity.js';
import { hostSchema } from '../../inventory/fields.js';
import { kindKeySchema } from '../../inventory/kind.js';
import { machineSpecSchema } from '../../services/specs.js';
import { making, placeSchema, resourceRoutes, shownResource } from './shape.js';

/** Amounts of one host, or a whole node of a kind, such as a server. */
export const machineSizeSchema = v.union([
  v.strictObject({ vcpu: amountSchema, memoryMib: amountSchema, diskGib: v.optional(amountSchema) }),
  v.strictObject({ whole: kindKeySchema }),
]);

const machine = {
  size: machineSizeSchema,
  /** Where its port is: a network of the same environment. */
  networkId: idSchema('net'),
};

/** What is asked of a machine. */
export const machineBodySchema = making({
  ...machine,
  place: v.optional(placeSchema, {}),
  /** What Maskin is to make of it. */
  spec: machineSpecSchema,
});

export const machineFields = { ...machine, address: hostSchema, spec: machineSpecSchema };
const machineSchema = shownResource('machine', 'mch', machineFields);

const of = resourceRoutes({
  name: 'Machine',
  collection: 'machines',
  prefix: 'mch',
  permission: (verb) => `inventory.machine.${verb}`,
  body: machineBodySchema,
  shown: machineSchema,
});

/** A server or a part of a host, with an address of a network: a port by Nett, and a machine by Maskin. */
export const machineRoutes = {
  createMachine: of.create,
  listMachinesOfEnvironment: of.listIn,
  listMachines: of.list,
  getMachine: of.get,
  deleteMachine: of.remove,
} as const;
