import * as v from 'valibot';
import { idSchema } from '../../ids.js';
import { cidrSchema, hostSchema, numberValueSchema } from '../../inventory/fields.js';
import { networkSpecSchema } from '../../services/specs.js';
import { making, resourceRoutes, shownResource } from './shape.js';

/** What is asked of a network. */
export const networkBodySchema = making({
  /** The next free number of a range or a domain, or the stated one. */
  vlan: v.pipe(
    v.strictObject({
      domainId: v.optional(idSchema('ndm')),
      rangeId: v.optional(idSchema('rng')),
      number: v.optional(numberValueSchema),
    }),
    v.check((vlan) => vlan.domainId !== undefined || vlan.rangeId !== undefined, 'must name a domain or a range'),
  ),
  /** A block of it, of a length or stated; its first host is the gateway. */
  block: v.pipe(
    v.strictObject({
      blockId: idSchema('blk'),
      prefixLength: v.optional(v.pipe(v.number(), v.integer(), v.minValue(8), v.maxValue(64))),
      cidr: v.optional(cidrSchema),
    }),
    v.check(
      (block) => (block.prefixLength === undefined) !== (block.cidr === undefined),
      'must give a prefixLength or a cidr',
    ),
  ),
  /** What Nett is to make of it. */
  spec: v.optional(networkSpecSchema, {}),
});

/** As it was given. */
export const networkFields = {
  vlan: numberValueSchema,
  cidr: cidrSchema,
  gateway: hostSchema,
  /** The block of its addresses. */
  blockId: idSchema('blk'),
  spec: networkSpecSchema,
};
const networkSchema = shownResource('network', 'net', networkFields);

const of = resourceRoutes({
  name: 'Network',
  collection: 'networks',
  prefix: 'net',
  permission: (verb) => `inventory.network.${verb}`,
  body: networkBodySchema,
  shown: networkSchema,
});

/** A VLAN and a prefix, made a network by Nett. */
export const networkRoutes = {
  createNetwork: of.create,
  listNetworksOfEnvironment: of.listIn,
  listNetworks: of.list,
  getNetwork: of.get,
  deleteNetwork: of.remove,
} as const;
