import * as v from 'valibot';
import { idSchema } from '../../ids.js';
import { route } from '../../route.js';
import { task as contract } from '../../task.js';
import { findingStates, letterStates } from '../../task/trouble.js';
import { pageQuery } from '../common.js';
import { anyOf, byId, changeQuery, found } from '../inventory/shape.js';

const { finding, deadLetter } = contract.nouns;
const ofFinding = { tags: ['taskFindings'], params: byId('tfd') } as const;
const ofLetter = { tags: ['deadLetters'], params: byId('dlt') } as const;

/** What tasks cannot settle by themselves: operators look here. */
export const troubleRoutes = {
  listTaskFindings: route({
    operationId: 'listTaskFindings',
    method: 'GET',
    path: '/v1/taskFindings',
    summary: 'What tasks cannot settle, the newest first unless told.',
    tags: ['taskFindings'],
    permission: 'task.finding.read',
    query: v.strictObject({
      ...pageQuery,
      sort: finding.list.command.entries.sort,
      state: v.optional(anyOf(v.picklist(findingStates))),
      kind: finding.list.command.entries.kind,
      service: finding.list.command.entries.service,
      taskId: v.optional(idSchema('tsk')),
    }),
    responses: found('A page of findings.', finding.list.result),
    problems: ['invalid-cursor'],
  }),
  getTaskFinding: route({
    ...ofFinding,
    operationId: 'getTaskFinding',
    method: 'GET',
    path: '/v1/taskFindings/:id',
    summary: 'One finding.',
    permission: 'task.finding.read',
    responses: found('The finding.', finding.get.result),
    problems: ['not-found'],
  }),
  acceptTaskFinding: route({
    ...ofFinding,
    operationId: 'acceptTaskFinding',
    method: 'POST',
    path: '/v1/taskFindings/:id/accept',
    summary: 'It stays as it is, and somebody has said so.',
    permission: 'task.finding.accept',
    query: changeQuery,
    body: v.omit(finding.accept.command, ['id']),
    responses: found('The finding, accepted.', finding.accept.result),
    problems: ['not-found', 'state-conflict'],
  }),
  resolveTaskFinding: route({
    ...ofFinding,
    operationId: 'resolveTaskFinding',
    method: 'POST',
    path: '/v1/taskFindings/:id/resolve',
    summary: 'It has been set right.',
    permission: 'task.finding.resolve',
    query: changeQuery,
    body: v.omit(finding.resolve.command, ['id']),
    responses: found('The finding, resolved.', finding.resolve.result),
    problems: ['not-found', 'state-conflict'],
  }),
  listDeadLetters: route({
    operationId: 'listDeadLetters',
    method: 'GET',
    path: '/v1/deadLetters',
    summary: 'Messages and undos that need a person, the newest first unless told.',
    tags: ['deadLetters'],
    permission: 'task.deadLetter.read',
    query: v.strictObject({
      ...pageQuery,
      sort: deadLetter.list.command.entries.sort,
      state: v.optional(anyOf(v.picklist(letterStates))),
      origin: deadLetter.list.command.entries.origin,
      taskId: v.optional(idSchema('tsk')),
    }),
    responses: found('A page of dead letters.', deadLetter.list.result),
    problems: ['invalid-cursor'],
  }),
  getDeadLetter: route({
    ...ofLetter,
    operationId: 'getDeadLetter',
    method: 'GET',
    path: '/v1/deadLetters/:id',
    summary: 'One dead letter.',
    permission: 'task.deadLetter.read',
    responses: found('The dead letter.', deadLetter.get.result),
    problems: ['not-found'],
  }),
  requeueDeadLetter: route({
    ...ofLetter,
    operationId: 'requeueDeadLetter',
    method: 'POST',
    path: '/v1/deadLetters/:id/requeue',
    summary: 'Sends the message, or the undo that failed, once more.',
    permission: 'task.deadLetter.requeue',
    query: changeQuery,
    body: v.omit(deadLetter.requeue.command, ['id']),
    responses: found('The letter, on its way again.', deadLetter.requeue.result),
    problems: ['not-found', 'state-conflict'],
  }),
  discardDeadLetter: route({
    ...ofLetter,
    operationId: 'discardDeadLetter',
    method: 'POST',
    path: '/v1/deadLetters/:id/discard',
    summary: 'Nobody needs it any more.',
    permission: 'task.deadLetter.discard',
    query: changeQuery,
    body: v.omit(deadLetter.discard.command, ['id']),
    responses: found('The letter, discarded.', deadLetter.discard.result),
    problems: ['not-found', 'state-conflict'],
  }),
} as const;
