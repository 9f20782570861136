import * as v from 'valibot';
import { inventory } from '../../inventory/index.js';
import { route } from '../../route.js';
import { pageQuery } from '../common.js';
import { byId, found } from './shape.js';

const { refusal } = inventory.nouns;

/** Why allocations were refused. */
export const refusalRoutes = {
  listRefusals: route({
    operationId: 'listRefusals',
    method: 'GET',
    path: '/v1/refusals',
    summary: 'Refusals of the last day in what the caller may see.',
    tags: ['allocations'],
    permission: 'inventory.refusal.read',
    on: 'visible',
    query: v.strictObject({ ...pageQuery, environmentId: refusal.list.command.entries.environmentId }),
    responses: found('A page of refusals.', refusal.list.result),
    problems: [...refusal.list.refuses],
  }),
  getRefusal: route({
    operationId: 'getRefusal',
    method: 'GET',
    path: '/v1/refusals/:id',
    summary: 'Why an allocation was refused, while it is kept: a day.',
    tags: ['allocations'],
    permission: 'inventory.refusal.read',
    on: 'item',
    params: byId('rfs'),
    responses: found('The refusal.', refusal.get.result),
    problems: [...refusal.get.refuses],
  }),
} as const;
