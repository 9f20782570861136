import * as v from 'valibot';
import { audit } from '../../audit.js';
import { exportStates } from '../../audit/export.js';
import { fileNameSchema } from '../../audit-export.js';
import { scopeIdSchema } from '../../contract.js';
import { idSchema } from '../../ids.js';
import { route } from '../../route.js';
import { taskSchema } from '../../task/task.js';
import { pageQuery } from '../common.js';
import { anyOf, byId, flag, found, versioned } from '../inventory/shape.js';

const noun = audit.nouns.export;

/** Records to take away, with the proof that they are what was written. */
export const auditExportRoutes = {
  createAuditExport: route({
    operationId: 'createAuditExport',
    method: 'POST',
    path: '/v1/auditExports',
    summary:
      'Begins a task that writes the records of a scope to files: NDJSON in parts, or OCSF, with a manifest that verifies from the files and the public key alone. The export has the id of the task, `exp_…` for `tsk_…`.',
    tags: ['audit'],
    permission: 'audit.export.create',
    on: 'queryScope',
    query: v.strictObject({
      /** A tenant, project or environment. */
      scope: scopeIdSchema,
      dryRun: v.optional(flag),
    }),
    body: v.omit(noun.create.command, ['scopeId', 'taskId']),
    responses: {
      202: {
        description: 'The task that writes it.',
        schema: taskSchema,
        headers: {
          location: 'The task; it tells when the files are there.',
          etag: 'The version of the task.',
          'retry-after': 'Seconds after which to look.',
        },
      },
    },
    problems: [
      'idempotency-key-required',
      'scope-not-active',
      'operation-in-progress',
      'reference-not-found',
      ...noun.create.refuses,
    ],
  }),
  listAuditExports: route({
    operationId: 'listAuditExports',
    method: 'GET',
    path: '/v1/auditExports',
    summary: noun.list.summary,
    tags: ['audit'],
    permission: 'audit.export.read',
    on: 'visible',
    query: v.strictObject({ ...pageQuery, state: v.optional(anyOf(v.picklist(exportStates))) }),
    responses: found('A page of exports.', noun.list.result),
    problems: [...noun.list.refuses],
  }),
  getAuditExport: route({
    operationId: 'getAuditExport',
    method: 'GET',
    path: '/v1/auditExports/:id',
    summary: noun.get.summary,
    tags: ['audit'],
    permission: 'audit.export.read',
    on: 'item',
    params: byId('exp'),
    responses: versioned('The export.', noun.get.result),
    problems: [...noun.get.refuses],
  }),
  getAuditExportFile: route({
    operationId: 'getAuditExportFile',
    method: 'GET',
    path: '/v1/auditExports/:id/files/:file',
    summary:
      'One file of an export that is ready, streamed: `manifest.json`, or a part as gzip. Needs `audit.record.read` too, and `audit.personal.read` where the export holds what is sealed beside records. That it was read is on record.',
    tags: ['audit'],
    permission: 'audit.export.read',
    on: 'item',
    params: v.object({ id: idSchema('exp'), file: fileNameSchema }),
    responses: found('The file.', v.any()),
    problems: [...noun.file.refuses],
  }),
  deleteAuditExport: route({
    operationId: 'deleteAuditExport',
    method: 'DELETE',
    path: '/v1/auditExports/:id',
    summary: noun.remove.summary,
    tags: ['audit'],
    permission: 'audit.export.delete',
    on: 'item',
    params: byId('exp'),
    query: v.strictObject({ dryRun: v.optional(flag) }),
    responses: versioned('As it is now.', noun.remove.result),
    problems: ['precondition-required', ...noun.remove.refuses],
  }),
} as const;
