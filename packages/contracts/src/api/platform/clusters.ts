import * as v from 'valibot';
import { idSchema } from '../../ids.js';
import { kindKeySchema } from '../../inventory/kind.js';
import { clusterSpecSchema } from '../../services/specs.js';
import { nameSchema } from '../common.js';
import { machineSizeSchema } from './machines.js';
import { making, placeSchema, resourceRoutes, shownResource } from './shape.js';

const countMax = 50;
const specsBytesMax = 256 * 1024;

const countSchema = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(countMax));

/** At most `max` machines in one failure domain of this kind. */
const spreadSchema = v.strictObject({
  level: kindKeySchema,
  max: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(countMax)), 1),
});

/** What is asked of a cluster. */
export const clusterBodySchema = v.pipe(
  making({
    /** Its machines are named after it: `prod-1`. */
    name: v.pipe(nameSchema, v.maxLength(60)),
    machines: v.strictObject({
      count: countSchema,
      size: machineSizeSchema,
      place: v.optional(
        v.strictObject({ ...placeSchema.entries, spread: v.optional(spreadSchema, { level: 'rack' }) }),
        {},
      ),
    }),
    /** Where its machines are: a network of the same environment. */
    networkId: idSchema('net'),
    /** What Plattform is to make of them. */
    spec: clusterSpecSchema,
  }),
  v.check(
    // Each machine's task is told the whole of it.
    ({ machines, spec }) => JSON.stringify(spec.machine).length * machines.count <= specsBytesMax,
    `must ask for at most ${specsBytesMax} bytes of spec.machine over all machines`,
  ),
);

export const clusterFields = {
  machines: v.strictObject({ count: countSchema, size: machineSizeSchema }),
  networkId: idSchema('net'),
  /** Machines like others, but they go with the cluster and not before. */
  machineIds: v.array(idSchema('mch')),
  spec: clusterSpecSchema,
};
const clusterSchema = shownResource('cluster', 'cls', clusterFields);

const of = resourceRoutes({
  name: 'Cluster',
  collection: 'clusters',
  prefix: 'cls',
  permission: (verb) => `inventory.cluster.${verb}`,
  body: clusterBodySchema,
  shown: clusterSchema,
});

/** Machines spread over failure domains, made a cluster by Plattform. */
export const clusterRoutes = {
  createCluster: of.create,
  listClustersOfEnvironment: of.listIn,
  listClusters: of.list,
  getCluster: of.get,
  deleteCluster: of.remove,
} as const;
