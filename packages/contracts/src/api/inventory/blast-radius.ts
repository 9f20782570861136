import * as v from 'valibot';
import { inventory } from '../../inventory/index.js';
import { route } from '../../route.js';
import { task } from '../../task.js';
import { holdSchema } from '../../tenancy/hold.js';
import { countSchema } from '../common.js';
import { part } from '../overview.js';
import { byId, found, wholeNumber } from './shape.js';

const { get } = inventory.nouns.blastRadius;

const query = { limit: v.optional(v.pipe(wholeNumber(1000), v.minValue(1))) };

/** What inventory knows of it, with what the owners of tasks and holds add. */
const answered = v.object({
  ...get.result.entries,
  /** What composing it took at most, in milliseconds; an owner that takes longer is unavailable. */
  budgetMs: countSchema,
  /** How many of the environments that are hit were asked for their tasks and holds. */
  environmentsAsked: countSchema,
  /** Living tasks of the environments that are hit, the newest first. */
  tasks: part(v.object({ items: task.nouns.task.living.result.entries.items, more: v.boolean() })),
  /** Liens on what was asked about, and on the environments that are hit. */
  holds: part(v.object({ items: v.array(holdSchema), more: v.boolean() })),
});

/** What takes what along when it fails. */
export const blastRadiusRoutes = {
  getNodeBlastRadius: route({
    operationId: 'getNodeBlastRadius',
    method: 'GET',
    path: '/v1/nodes/:id/blastRadius',
    summary: 'What a node takes along when it fails: nodes, prefixes, holders, their scopes, tasks and holds.',
    tags: ['graph'],
    permission: 'inventory.node.read',
    params: byId('nod'),
    query: v.strictObject(query),
    responses: found('What is hit.', answered),
    problems: [...get.refuses],
  }),
  getBlockBlastRadius: route({
    operationId: 'getBlockBlastRadius',
    method: 'GET',
    path: '/v1/addressBlocks/:id/blastRadius',
    summary: 'What a prefix takes along when it fails.',
    tags: ['pools'],
    permission: 'inventory.addressBlock.read',
    params: byId('blk'),
    query: v.strictObject(query),
    responses: found('What is hit.', answered),
    problems: [...get.refuses],
  }),
  getRangeBlastRadius: route({
    operationId: 'getRangeBlastRadius',
    method: 'GET',
    path: '/v1/numberRanges/:id/blastRadius',
    summary: 'What a range of numbers, or one number of it, takes along when it fails.',
    tags: ['pools'],
    permission: 'inventory.numberRange.read',
    params: byId('rng'),
    query: v.strictObject({ ...query, number: v.optional(wholeNumber(4_294_967_295)) }),
    responses: found('What is hit.', answered),
    problems: [...get.refuses],
  }),
} as const;
