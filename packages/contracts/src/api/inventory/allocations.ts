import * as v from 'valibot';
import { idSchema } from '../../ids.js';
import { allocationStates } from '../../inventory/allocation.js';
import { inventory } from '../../inventory/index.js';
import { route } from '../../route.js';
import { pageQuery } from '../common.js';
import { anyOf, byId, changeQuery, created, found, versioned } from './shape.js';

const { allocation } = inventory.nouns;

/** Who holds what. No If-Match is needed here, and it is honoured when sent. */
export const allocationRoutes = {
  createAllocation: route({
    operationId: 'createAllocation',
    method: 'POST',
    path: '/v1/environments/:id/allocations',
    summary: 'Takes all items or none: held with a TTL, active at once without one.',
    tags: ['allocations'],
    permission: 'inventory.allocation.create',
    params: byId('env'),
    query: changeQuery,
    body: v.omit(allocation.reserve.command, ['environmentId', 'version']),
    responses: created('The allocation.', allocation.reserve.result),
    problems: ['idempotency-key-required', ...allocation.reserve.refuses],
  }),
  listAllocations: route({
    operationId: 'listAllocations',
    method: 'GET',
    path: '/v1/allocations',
    summary: 'Allocations that the caller may see.',
    tags: ['allocations'],
    permission: 'inventory.allocation.read',
    query: v.strictObject({
      ...pageQuery,
      environmentId: v.optional(idSchema('env')),
      'consumer.service': allocation.list.command.entries.consumerService,
      'consumer.kind': allocation.list.command.entries.consumerKind,
      'consumer.id': allocation.list.command.entries.consumerId,
      state: v.optional(anyOf(v.picklist(allocationStates))),
      nodeId: v.optional(idSchema('nod')),
    }),
    responses: found('A page of allocations.', allocation.list.result),
    problems: [...allocation.list.refuses],
  }),
  getAllocation: route({
    operationId: 'getAllocation',
    method: 'GET',
    path: '/v1/allocations/:id',
    summary: 'One allocation; past its expiry it is shown as expired.',
    tags: ['allocations'],
    permission: 'inventory.allocation.read',
    params: byId('alc'),
    responses: versioned('The allocation.', allocation.get.result),
    problems: [...allocation.get.refuses],
  }),
  confirmAllocation: route({
    operationId: 'confirmAllocation',
    method: 'POST',
    path: '/v1/allocations/:id/confirm',
    summary: 'Makes a hold an allocation for good.',
    tags: ['allocations'],
    permission: 'inventory.allocation.confirm',
    params: byId('alc'),
    query: changeQuery,
    responses: versioned('The allocation as it is now.', allocation.confirm.result),
    problems: [...allocation.confirm.refuses],
  }),
  renewAllocation: route({
    operationId: 'renewAllocation',
    method: 'POST',
    path: '/v1/allocations/:id/renew',
    summary: 'Sets a new expiry within maxTtlSeconds of the start.',
    tags: ['allocations'],
    permission: 'inventory.allocation.renew',
    params: byId('alc'),
    query: changeQuery,
    body: v.omit(allocation.renew.command, ['id', 'version']),
    responses: versioned('The allocation as it is now.', allocation.renew.result),
    problems: [...allocation.renew.refuses],
  }),
  releaseAllocation: route({
    operationId: 'releaseAllocation',
    method: 'POST',
    path: '/v1/allocations/:id/release',
    summary: 'Gives every item back, once.',
    tags: ['allocations'],
    permission: 'inventory.allocation.release',
    params: byId('alc'),
    query: changeQuery,
    body: v.omit(allocation.release.command, ['id', 'version']),
    responses: versioned('The allocation as it is now.', allocation.release.result),
    problems: [...allocation.release.refuses],
  }),
  deleteAllocation: route({
    operationId: 'deleteAllocation',
    method: 'DELETE',
    path: '/v1/allocations/:id',
    summary: 'Gives every item back, once.',
    tags: ['allocations'],
    permission: 'inventory.allocation.release',
    params: byId('alc'),
    query: changeQuery,
    responses: versioned('The allocation as it is now.', allocation.release.result),
    problems: [...allocation.release.refuses],
  }),
} as const;
