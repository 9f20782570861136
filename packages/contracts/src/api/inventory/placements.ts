import * as v from 'valibot';
import { consumerInputSchema } from '../../inventory/allocation.js';
import { inventory } from '../../inventory/index.js';
import { route } from '../../route.js';
import { pageQuery } from '../common.js';
import { byId, changeQuery, created, found, mergePatch, versioned } from './shape.js';

const { allocation, placement, pool } = inventory.nouns;

/** Nodes that are given out of together, and where something could be placed. */
export const placementRoutes = {
  createPool: route({
    operationId: 'createPool',
    method: 'POST',
    path: '/v1/pools',
    summary: 'Makes a pool of nodes.',
    tags: ['pools'],
    permission: 'inventory.pool.create',
    query: changeQuery,
    body: pool.create.command,
    responses: created('As created.', pool.create.result),
    problems: [...pool.create.refuses],
  }),
  listPools: route({
    operationId: 'listPools',
    method: 'GET',
    path: '/v1/pools',
    summary: 'Pools, ordered by id unless told.',
    tags: ['pools'],
    permission: 'inventory.pool.read',
    query: v.strictObject({
      ...pageQuery,
      sort: pool.list.command.entries.sort,
      name: pool.list.command.entries.name,
      nodeId: pool.list.command.entries.nodeId,
    }),
    responses: found('A page.', pool.list.result),
    problems: [...pool.list.refuses],
  }),
  getPool: route({
    operationId: 'getPool',
    method: 'GET',
    path: '/v1/pools/:id',
    summary: 'One of them.',
    tags: ['pools'],
    permission: 'inventory.pool.read',
    params: byId('pol'),
    responses: versioned('As it is.', pool.get.result),
    problems: [...pool.get.refuses],
  }),
  amendPool: route({
    operationId: 'amendPool',
    method: 'PATCH',
    path: '/v1/pools/:id',
    summary: 'Changes what the patch names.',
    tags: ['pools'],
    permission: 'inventory.pool.update',
    params: byId('pol'),
    query: changeQuery,
    bodyType: mergePatch,
    body: pool.amend.command.entries.patch,
    responses: versioned('As it is now.', pool.amend.result),
    problems: ['precondition-required', ...pool.amend.refuses],
  }),
  removePool: route({
    operationId: 'removePool',
    method: 'DELETE',
    path: '/v1/pools/:id',
    summary: 'Ends a pool; its nodes and what was given out of them stay.',
    tags: ['pools'],
    permission: 'inventory.pool.delete',
    params: byId('pol'),
    query: changeQuery,
    responses: versioned('As it ended.', pool.remove.result),
    problems: ['precondition-required', ...pool.remove.refuses],
  }),
  getPoolCapacity: route({
    operationId: 'getPoolCapacity',
    method: 'GET',
    path: '/v1/pools/:id/capacity',
    summary: 'What the members have of each class, and how much of it is used.',
    tags: ['pools'],
    permission: 'inventory.pool.read',
    params: byId('pol'),
    responses: found('By class.', pool.capacity.result),
    problems: [...pool.capacity.refuses],
  }),
  findPlacements: route({
    operationId: 'findPlacements',
    method: 'POST',
    path: '/v1/environments/:id/placements',
    summary:
      'Where things could be placed, now or in a window; nothing is taken, but with dryRun=hold one place is kept for a minute.',
    tags: ['allocations'],
    permission: 'inventory.placement.create',
    on: 'pathScope',
    params: byId('env'),
    query: v.strictObject({ dryRun: v.optional(v.literal('hold')) }),
    body: v.strictObject({
      ...v.omit(placement.candidates.command, ['environmentId']).entries,
      /** Who the place is kept for; with dryRun=hold, and only then. */
      consumer: v.optional(consumerInputSchema),
    }),
    responses: {
      ...found('The candidates.', placement.candidates.result),
      ...created('The place that is kept, to be confirmed or left to run out.', allocation.reserve.result),
    },
    problems: ['idempotency-key-required', ...placement.candidates.refuses, ...allocation.reserve.refuses],
  }),
} as const;
