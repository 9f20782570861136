import * as v from 'valibot';
import { idSchema } from '../../ids.js';
import { inventory } from '../../inventory/index.js';
import { route } from '../../route.js';
import { byId, changeQuery, created, mergePatch, versioned } from './shape.js';

const { capacity } = inventory.nouns;

const byClass = v.object({ id: idSchema('nod'), class: capacity.get.command.entries.class });

/** What nodes have to give, by class. Its version is the node's. */
export const capacityRoutes = {
  listCapacities: route({
    operationId: 'listCapacities',
    method: 'GET',
    path: '/v1/nodes/:id/capacities',
    summary: 'What a node has to give of each class, and how much of it is used.',
    tags: ['graph'],
    permission: 'inventory.capacity.read',
    params: byId('nod'),
    responses: versioned('All that it offers.', capacity.list.result),
    problems: [...capacity.list.refuses],
  }),
  addCapacity: route({
    operationId: 'addCapacity',
    method: 'POST',
    path: '/v1/nodes/:id/capacities',
    summary: 'Lets a node give out one more class.',
    tags: ['graph'],
    permission: 'inventory.capacity.create',
    params: byId('nod'),
    query: changeQuery,
    body: capacity.add.command.entries.capacity,
    responses: created('All that it offers now.', capacity.add.result),
    problems: [...capacity.add.refuses],
  }),
  setCapacities: route({
    operationId: 'setCapacities',
    method: 'PUT',
    path: '/v1/nodes/:id/capacities',
    summary: 'Replaces all that a node offers.',
    tags: ['graph'],
    permission: 'inventory.capacity.update',
    params: byId('nod'),
    query: changeQuery,
    body: v.omit(capacity.set.command, ['nodeId', 'version']),
    responses: versioned('All that it offers now.', capacity.set.result),
    problems: ['precondition-required', ...capacity.set.refuses],
  }),
  getCapacity: route({
    operationId: 'getCapacity',
    method: 'GET',
    path: '/v1/nodes/:id/capacities/:class',
    summary: 'What a node has to give of one class, and how much of it is used.',
    tags: ['graph'],
    permission: 'inventory.capacity.read',
    params: byClass,
    responses: versioned('What it offers of it.', capacity.get.result),
    problems: [...capacity.get.refuses],
  }),
  amendCapacity: route({
    operationId: 'amendCapacity',
    method: 'PATCH',
    path: '/v1/nodes/:id/capacities/:class',
    summary: 'Changes what the patch names; shrinking below what is used stops growth and nothing else.',
    tags: ['graph'],
    permission: 'inventory.capacity.update',
    params: byClass,
    query: changeQuery,
    bodyType: mergePatch,
    body: capacity.amend.command.entries.patch,
    responses: versioned('All that it offers now.', capacity.amend.result),
    problems: ['precondition-required', ...capacity.amend.refuses],
  }),
  removeCapacity: route({
    operationId: 'removeCapacity',
    method: 'DELETE',
    path: '/v1/nodes/:id/capacities/:class',
    summary: 'Stops offering a class of which nothing is used.',
    tags: ['graph'],
    permission: 'inventory.capacity.delete',
    params: byClass,
    query: changeQuery,
    responses: versioned('All that it offers now.', capacity.remove.result),
    problems: ['precondition-required', ...capacity.remove.refuses],
  }),
} as const;
