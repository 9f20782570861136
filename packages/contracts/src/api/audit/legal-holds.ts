import * as v from 'valibot';
import { audit } from '../../audit.js';
import { route } from '../../route.js';
import { pageQuery } from '../common.js';
import { byId, changeQuery, created, flag, found, versioned } from '../inventory/shape.js';
import { everyPlace, onEach } from '../tenancy/scoped.js';

const { legalHold } = audit.nouns;

/** What keeps records beyond their time. */
export const legalHoldRoutes = {
  ...onEach(
    everyPlace,
    { verb: 'create', noun: 'LegalHold', tail: '/legalHolds' },
    {
      method: 'POST',
      summary: legalHold.create.summary,
      tags: ['audit'],
      permission: 'audit.legalHold.create',
      query: changeQuery,
      body: v.omit(legalHold.create.command, ['scopeId']),
      responses: created('The legal hold.', legalHold.create.result),
      problems: [...legalHold.create.refuses],
    },
  ),
  listLegalHolds: route({
    operationId: 'listLegalHolds',
    method: 'GET',
    path: '/v1/legalHolds',
    summary: legalHold.list.summary,
    tags: ['audit'],
    permission: 'audit.legalHold.read',
    on: 'visible',
    query: v.strictObject({ ...pageQuery, ended: v.optional(flag) }),
    responses: found('A page of legal holds.', legalHold.list.result),
    problems: [...legalHold.list.refuses],
  }),
  getLegalHold: route({
    operationId: 'getLegalHold',
    method: 'GET',
    path: '/v1/legalHolds/:id',
    summary: legalHold.get.summary,
    tags: ['audit'],
    permission: 'audit.legalHold.read',
    on: 'item',
    params: byId('lgh'),
    responses: versioned('As it is.', legalHold.get.result),
    problems: [],
  }),
  endLegalHold: route({
    operationId: 'endLegalHold',
    method: 'POST',
    path: '/v1/legalHolds/:id/end',
    summary: legalHold.end.summary,
    tags: ['audit'],
    permission: 'audit.legalHold.delete',
    on: 'item',
    params: byId('lgh'),
    query: changeQuery,
    body: v.pick(legalHold.end.command, ['reason']),
    responses: versioned('As it is now.', legalHold.end.result),
    problems: ['precondition-required', ...legalHold.end.refuses],
  }),
} as const;
