import * as v from 'valibot';
import { importOutcomes, importStates } from '../../inventory/import.js';
import { inventory } from '../../inventory/index.js';
import { route } from '../../route.js';
import { pageQuery } from '../common.js';
import { anyOf, byId, changeQuery, flag, found, versioned } from './shape.js';

const noun = inventory.nouns.import;

/** Files of real data: staged first, applied by inventory's worker, watched here. */
export const importRoutes = {
  createImport: route({
    operationId: 'createImport',
    method: 'POST',
    path: '/v1/imports',
    summary: 'Stages a file whole, at most 64 MiB, then lets the worker apply it.',
    tags: ['imports'],
    permission: 'inventory.import.create',
    query: v.strictObject({
      source: noun.create.command.entries.source,
      format: noun.create.command.entries.format,
      atomic: noun.create.command.entries.atomic,
      dryRun: v.optional(flag),
    }),
    bodyType: 'application/x-ndjson',
    body: v.any(),
    responses: {
      202: {
        description: 'Staged and waiting for the worker.',
        schema: noun.create.result,
        headers: { location: 'The import, with its progress.', 'retry-after': 'Seconds after which to look.' },
      },
    },
    problems: ['idempotency-key-required', ...noun.create.refuses, ...noun.stage.refuses, ...noun.start.refuses],
  }),
  listImports: route({
    operationId: 'listImports',
    method: 'GET',
    path: '/v1/imports',
    summary: 'Imports, the newest first unless told.',
    tags: ['imports'],
    permission: 'inventory.import.read',
    query: v.strictObject({
      ...pageQuery,
      sort: noun.list.command.entries.sort,
      state: v.optional(anyOf(v.picklist(importStates))),
    }),
    responses: found('A page of imports.', noun.list.result),
    problems: [...noun.list.refuses],
  }),
  getImport: route({
    operationId: 'getImport',
    method: 'GET',
    path: '/v1/imports/:id',
    summary: 'One import with its progress.',
    tags: ['imports'],
    permission: 'inventory.import.read',
    params: byId('imp'),
    responses: versioned('The import.', noun.get.result),
    problems: [...noun.get.refuses],
  }),
  listImportResults: route({
    operationId: 'listImportResults',
    method: 'GET',
    path: '/v1/imports/:id/results',
    summary: 'What became of each row.',
    tags: ['imports'],
    permission: 'inventory.import.read',
    params: byId('imp'),
    query: v.strictObject({ ...pageQuery, outcome: v.optional(anyOf(v.picklist(importOutcomes))) }),
    responses: found('A page of results, in the order of the file.', noun.results.result),
    problems: [...noun.results.refuses],
  }),
  cancelImport: route({
    operationId: 'cancelImport',
    method: 'POST',
    path: '/v1/imports/:id/cancel',
    summary: 'Stops an import.',
    tags: ['imports'],
    permission: 'inventory.import.cancel',
    params: byId('imp'),
    query: changeQuery,
    responses: versioned('The import, cancelled.', noun.cancel.result),
    problems: [...noun.cancel.refuses],
  }),
} as const;
