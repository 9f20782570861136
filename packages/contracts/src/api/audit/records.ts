import * as v from 'valibot';
import { audit } from '../../audit.js';
import { recordClasses, recordOutcomes } from '../../audit/record.js';
import { route } from '../../route.js';
import { countSchema, pageQuery } from '../common.js';
import { anyOf, byId, flag, found } from '../inventory/shape.js';

const { record, log } = audit.nouns;
const { entries } = record.list.command;

/** A size of a tree, in a query string. */
const size = v.pipe(v.string(), v.regex(/^\d{1,15}$/, 'must be a whole number'), v.transform(Number), countSchema);

/** What happened, by whom and why it was allowed; and the proof that it is unchanged. A tenant reads its own log. */
export const auditRoutes = {
  listAuditRecords: route({
    operationId: 'listAuditRecords',
    method: 'GET',
    path: '/v1/auditRecords',
    summary: record.list.summary,
    tags: ['audit'],
    permission: 'audit.record.read',
    on: 'visible',
    query: v.strictObject({
      ...pageQuery,
      sort: entries.sort,
      logId: entries.logId,
      tenantId: entries.tenantId,
      projectId: entries.projectId,
      environmentId: entries.environmentId,
      actorId: entries.actorId,
      resourceType: entries.resourceType,
      resourceId: entries.resourceId,
      'action.prefix': entries.actionPrefix,
      class: v.optional(anyOf(v.picklist(recordClasses))),
      outcome: v.optional(anyOf(v.picklist(recordOutcomes))),
      policyRelevant: v.optional(flag),
      requestId: entries.requestId,
      'occurredAt.gte': entries.from,
      'occurredAt.lt': entries.to,
    }),
    responses: found('A page of records.', record.list.result),
    problems: [...record.list.refuses],
  }),
  getAuditRecord: route({
    operationId: 'getAuditRecord',
    method: 'GET',
    path: '/v1/auditRecords/:id',
    summary: 'One record, as the leaf of its log is the hash of it.',
    tags: ['audit'],
    permission: 'audit.record.read',
    on: 'item',
    params: byId('aud'),
    responses: found('The record.', record.get.result),
    problems: [...record.get.refuses],
  }),
  getAuditRecordProof: route({
    operationId: 'getAuditRecordProof',
    method: 'GET',
    path: '/v1/auditRecords/:id/proof',
    summary: record.proof.summary,
    tags: ['audit'],
    permission: 'audit.record.read',
    on: 'item',
    params: byId('aud'),
    query: v.strictObject({ treeSize: v.optional(size) }),
    responses: found('The proof.', record.proof.result),
    problems: [...record.proof.refuses],
  }),
  listAuditLogs: route({
    operationId: 'listAuditLogs',
    method: 'GET',
    path: '/v1/auditLogs',
    summary: log.list.summary,
    tags: ['audit'],
    permission: 'audit.log.read',
    on: 'visible',
    query: v.strictObject({ ...pageQuery, tenantId: log.list.command.entries.tenantId }),
    expand: ['tenant'],
    responses: found('A page of logs.', log.list.result),
    problems: [...log.list.refuses],
  }),
  listAuditCheckpoints: route({
    operationId: 'listAuditCheckpoints',
    method: 'GET',
    path: '/v1/auditLogs/:id/checkpoints',
    summary: log.checkpoints.summary,
    tags: ['audit'],
    permission: 'audit.log.read',
    on: 'item',
    params: byId('log'),
    query: v.strictObject(pageQuery),
    responses: found('A page of checkpoints.', log.checkpoints.result),
    problems: [...log.checkpoints.refuses],
  }),
  getAuditLogConsistency: route({
    operationId: 'getAuditLogConsistency',
    method: 'GET',
    path: '/v1/auditLogs/:id/consistency',
    summary: log.consistency.summary,
    tags: ['audit'],
    permission: 'audit.log.read',
    on: 'item',
    params: byId('log'),
    query: v.strictObject({ from: size, to: v.optional(size) }),
    responses: found('The proof.', log.consistency.result),
    problems: [...log.consistency.refuses],
  }),
} as const;
