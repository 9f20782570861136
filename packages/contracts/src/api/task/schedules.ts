import * as v from 'valibot';
import { idSchema } from '../../ids.js';
import { route } from '../../route.js';
import { task as contract } from '../../task.js';
import { pageQuery } from '../common.js';
import { byId, changeQuery, created, flag, found, mergePatch, versioned } from '../inventory/shape.js';

const { schedule } = contract.nouns;
const tags = ['schedules'];
const ofSchedule = { tags, on: 'item', path: '/v1/schedules/:id', params: byId('sch') } as const;

/** Work that is begun again and again. */
export const scheduleRoutes = {
  createSchedule: route({
    operationId: 'createSchedule',
    method: 'POST',
    path: '/v1/schedules',
    summary: 'Begins a workflow again and again, with the rights of who asks for it; those are looked up at each run.',
    tags,
    // The scope is in the body, and looked at by the handler: what may not be read there is not there.
    permission: 'task.schedule.create',
    on: 'visible',
    query: changeQuery,
    body: schedule.create.command,
    responses: created('The schedule.', schedule.create.result),
    problems: [...schedule.create.refuses],
  }),
  listSchedules: route({
    operationId: 'listSchedules',
    method: 'GET',
    path: '/v1/schedules',
    summary: 'Schedules that the caller may see, the newest first unless told.',
    tags,
    permission: 'task.schedule.read',
    on: 'visible',
    query: v.strictObject({
      ...pageQuery,
      sort: schedule.list.command.entries.sort,
      kind: schedule.list.command.entries.kind,
      enabled: v.optional(flag),
      projectId: v.optional(idSchema('prj')),
      environmentId: v.optional(idSchema('env')),
    }),
    expand: ['tenant', 'project', 'environment'],
    responses: found('A page of schedules.', schedule.list.result),
    problems: [...schedule.list.refuses],
  }),
  getSchedule: route({
    ...ofSchedule,
    operationId: 'getSchedule',
    method: 'GET',
    summary: 'One schedule, with its newest run.',
    permission: 'task.schedule.read',
    expand: ['tenant', 'project', 'environment'],
    responses: versioned('The schedule.', schedule.get.result),
    problems: [...schedule.get.refuses],
  }),
  amendSchedule: route({
    ...ofSchedule,
    operationId: 'amendSchedule',
    method: 'PATCH',
    summary: 'Changes it, or stops it for a while with `enabled`; whoever does is its owner from then on.',
    permission: 'task.schedule.update',
    query: changeQuery,
    bodyType: mergePatch,
    body: schedule.amend.command.entries.patch,
    responses: versioned('As it is now.', schedule.amend.result),
    problems: ['precondition-required', ...schedule.amend.refuses],
  }),
  deleteSchedule: route({
    ...ofSchedule,
    operationId: 'deleteSchedule',
    method: 'DELETE',
    summary: 'Ends it; what it has begun goes on.',
    permission: 'task.schedule.delete',
    query: changeQuery,
    responses: versioned('As it was.', schedule.remove.result),
    problems: ['precondition-required', ...schedule.remove.refuses],
  }),
} as const;
