import * as v from 'valibot';
import { findingKinds, findingStates } from '../../inventory/finding.js';
import { inventory } from '../../inventory/index.js';
import { route } from '../../route.js';
import { pageQuery } from '../common.js';
import { anyOf, byId, changeQuery, found, versioned } from './shape.js';

const { observation, finding } = inventory.nouns;

const onFinding = {
  method: 'POST',
  tags: ['findings'],
  on: 'item',
  params: byId('fnd'),
  query: changeQuery,
} as const;

/** What sources saw of nodes, and where that differs from what is intended. */
export const findingRoutes = {
  reportObservations: route({
    operationId: 'reportObservations',
    method: 'POST',
    path: '/v1/observations',
    summary: 'Takes in what a source saw of nodes; a repeated report changes nothing.',
    tags: ['findings'],
    permission: 'inventory.observation.create',
    query: changeQuery,
    body: observation.report.command,
    responses: found('What became of each sighting.', observation.report.result),
    problems: [...observation.report.refuses],
  }),
  listObservations: route({
    operationId: 'listObservations',
    method: 'GET',
    path: '/v1/observations',
    summary: 'The newest that each source has told of each node.',
    tags: ['findings'],
    permission: 'inventory.observation.read',
    query: v.strictObject({
      ...pageQuery,
      nodeId: observation.list.command.entries.nodeId,
      source: observation.list.command.entries.source,
    }),
    responses: found('A page of observations.', observation.list.result),
    problems: [...observation.list.refuses],
  }),
  listFindings: route({
    operationId: 'listFindings',
    method: 'GET',
    path: '/v1/findings',
    summary:
      'Where what was seen differs from what is intended, in what the caller may see; resolved ones where asked for.',
    tags: ['findings'],
    permission: 'inventory.finding.read',
    on: 'visible',
    query: v.strictObject({
      ...pageQuery,
      state: v.optional(anyOf(v.picklist(findingStates))),
      kind: v.optional(anyOf(v.picklist(findingKinds))),
      source: finding.list.command.entries.source,
      nodeId: finding.list.command.entries.nodeId,
    }),
    responses: found('A page of findings.', finding.list.result),
    problems: [...finding.list.refuses],
  }),
  getFinding: route({
    operationId: 'getFinding',
    method: 'GET',
    path: '/v1/findings/:id',
    summary: 'One finding, resolved ones too.',
    tags: ['findings'],
    permission: 'inventory.finding.read',
    on: 'item',
    params: byId('fnd'),
    responses: versioned('The finding.', finding.get.result),
    problems: [...finding.get.refuses],
  }),
  acceptFinding: route({
    ...onFinding,
    operationId: 'acceptFinding',
    path: '/v1/findings/:id/accept',
    summary: 'Leaves a difference as it is.',
    permission: 'inventory.finding.accept',
    body: v.omit(finding.accept.command, ['id', 'version']),
    responses: versioned('The finding, accepted.', finding.accept.result),
    problems: ['precondition-required', ...finding.accept.refuses],
  }),
  repairFinding: route({
    ...onFinding,
    operationId: 'repairFinding',
    path: '/v1/findings/:id/repair',
    summary: 'Says that an open finding is being repaired.',
    permission: 'inventory.finding.repair',
    body: v.omit(finding.repair.command, ['id', 'version']),
    responses: versioned('The finding, under repair.', finding.repair.result),
    problems: ['precondition-required', ...finding.repair.refuses],
  }),
  resolveFinding: route({
    ...onFinding,
    operationId: 'resolveFinding',
    path: '/v1/findings/:id/resolve',
    summary: 'Ends a finding by hand.',
    permission: 'inventory.finding.resolve',
    body: v.omit(finding.resolve.command, ['id', 'version']),
    responses: versioned('The finding, resolved.', finding.resolve.result),
    problems: ['precondition-required', ...finding.resolve.refuses],
  }),
} as const;
