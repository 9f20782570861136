import * as v from 'valibot';
import { idSchema } from '../../ids.js';
import { route, type ResponseDef } from '../../route.js';
import { task as contract } from '../../task.js';
import { taskStates } from '../../task/task.js';
import { serviceSchema } from '../../services/message.js';
import { pageQuery } from '../common.js';
import { anyOf, byId, changeQuery, found, versioned } from '../inventory/shape.js';

const { task, step, event, serviceGate } = contract.nouns;

/** What was asked is under way: the task tells when it is done. */
export const begun = <const S extends v.GenericSchema>(description: string, schema: S) =>
  ({
    202: {
      description,
      schema,
      headers: {
        location: 'The task.',
        etag: 'The version, for If-Match.',
        'retry-after': 'Seconds after which to look.',
      },
    },
  }) as const satisfies Record<number, ResponseDef>;

const onTask = { method: 'POST', tags: ['tasks'], on: 'item', params: byId('tsk'), query: changeQuery } as const;

/** Long-running work. It is begun by what it makes, such as a cluster; here it is watched and steered. */
export const taskRoutes = {
  listTasks: route({
    operationId: 'listTasks',
    method: 'GET',
    path: '/v1/tasks',
    summary: 'Tasks that the caller may see, the newest first unless told.',
    tags: ['tasks'],
    permission: 'task.task.read',
    on: 'visible',
    query: v.strictObject({
      ...pageQuery,
      sort: task.list.command.entries.sort,
      state: v.optional(anyOf(v.picklist(taskStates))),
      kind: task.list.command.entries.kind,
      projectId: v.optional(idSchema('prj')),
      environmentId: v.optional(idSchema('env')),
    }),
    expand: ['tenant', 'project', 'environment'],
    responses: found('A page of tasks.', task.list.result),
    problems: [...task.list.refuses],
  }),
  getTask: route({
    operationId: 'getTask',
    method: 'GET',
    path: '/v1/tasks/:id',
    summary: 'One task; its version moves with every step.',
    tags: ['tasks'],
    permission: 'task.task.read',
    on: 'item',
    params: byId('tsk'),
    expand: ['tenant', 'project', 'environment'],
    responses: versioned('The task.', task.get.result),
    problems: [...task.get.refuses],
  }),
  listTaskSteps: route({
    operationId: 'listTaskSteps',
    method: 'GET',
    path: '/v1/tasks/:id/steps',
    summary: 'The steps of a task in the order of their needs.',
    tags: ['tasks'],
    permission: 'task.task.read',
    on: 'item',
    params: byId('tsk'),
    responses: found('All of them: there are at most 200.', step.list.result),
    problems: [...step.list.refuses],
  }),
  listTaskEvents: route({
    operationId: 'listTaskEvents',
    method: 'GET',
    path: '/v1/tasks/:id/events',
    summary:
      'What happened to a task, in order; seq is its version then. With `Accept: text/event-stream` a stream (SSE) from the beginning, or behind `Last-Event-ID`: `id` is the seq, and it ends with the task.',
    tags: ['tasks'],
    permission: 'task.task.read',
    on: 'item',
    params: byId('tsk'),
    query: v.strictObject({ ...pageQuery }),
    responses: found('A page of what happened.', event.list.result),
    problems: [...event.list.refuses],
  }),
  emptyEnvironment: route({
    operationId: 'emptyEnvironment',
    method: 'POST',
    path: '/v1/environments/:id/empty',
    summary: 'Removes the clusters, machines, networks and buckets of an environment, which stays.',
    tags: ['scopes'],
    permission: 'tenancy.environment.empty',
    on: 'pathScope',
    params: byId('env'),
    query: changeQuery,
    responses: begun('The task; each removal is a task of its own below it.', task.create.result),
    problems: ['idempotency-key-required', 'scope-not-active', 'operation-in-progress', 'queue-full'],
  }),
  cancelTask: route({
    ...onTask,
    operationId: 'cancelTask',
    path: '/v1/tasks/:id/cancel',
    summary: 'Takes everything back; the task is cancelled when that has ended.',
    permission: 'task.task.cancel',
    body: v.omit(task.cancel.command, ['id', 'version']),
    responses: begun('The task, unwinding or cancelled.', task.cancel.result),
    problems: [...task.cancel.refuses],
  }),
  holdTask: route({
    ...onTask,
    operationId: 'holdTask',
    path: '/v1/tasks/:id/hold',
    summary: 'Sends nothing new until it is resumed.',
    permission: 'task.task.hold',
    body: v.omit(task.hold.command, ['id', 'version']),
    responses: versioned('The task, held.', task.hold.result),
    problems: [...task.hold.refuses],
  }),
  resumeTask: route({
    ...onTask,
    operationId: 'resumeTask',
    path: '/v1/tasks/:id/resume',
    summary: 'Lifts the hold.',
    permission: 'task.task.resume',
    body: v.omit(task.resume.command, ['id', 'version']),
    responses: versioned('The task.', task.resume.result),
    problems: [...task.resume.refuses],
  }),
  retryTask: route({
    ...onTask,
    operationId: 'retryTask',
    path: '/v1/tasks/:id/retry',
    summary: 'Sends a step that failed, or its undo, once more.',
    permission: 'task.task.retry',
    body: v.omit(task.retry.command, ['id', 'version']),
    responses: begun('The task, under way again.', task.retry.result),
    problems: [...task.retry.refuses],
  }),
  unwindTask: route({
    ...onTask,
    operationId: 'unwindTask',
    path: '/v1/tasks/:id/unwind',
    summary: 'Takes a stuck task back; past its pivot only with a note.',
    permission: 'task.task.unwind',
    body: v.omit(task.unwind.command, ['id', 'version']),
    responses: begun('The task, unwinding.', task.unwind.result),
    problems: ['precondition-required', ...task.unwind.refuses],
  }),
  waiveTask: route({
    ...onTask,
    operationId: 'waiveTask',
    path: '/v1/tasks/:id/waive',
    summary: 'Counts an undo that failed as done.',
    permission: 'task.task.waive',
    body: v.omit(task.waive.command, ['id', 'version']),
    responses: begun('The task, unwinding on or ended.', task.waive.result),
    problems: ['precondition-required', ...task.waive.refuses],
  }),
  abandonTask: route({
    ...onTask,
    operationId: 'abandonTask',
    path: '/v1/tasks/:id/abandon',
    summary: 'Ends a stuck task as it is.',
    permission: 'task.task.abandon',
    body: v.omit(task.abandon.command, ['id', 'version']),
    responses: versioned('The task, abandoned.', task.abandon.result),
    problems: ['precondition-required', ...task.abandon.refuses],
  }),
  signalTask: route({
    ...onTask,
    operationId: 'signalTask',
    path: '/v1/tasks/:id/signal',
    summary: 'Tells a step that waits, or will wait, that something has happened.',
    permission: 'task.task.signal',
    body: v.omit(task.signal.command, ['id', 'version']),
    responses: begun('The task.', task.signal.result),
    problems: [...task.signal.refuses],
  }),
} as const;

const ofService = { tags: ['serviceGates'], params: v.object({ key: serviceSchema }) } as const;
const moving = v.omit(serviceGate.pause.command, ['service']);

/** Operators' stops for everything that is sent to one service. */
export const serviceGateRoutes = {
  listServiceGates: route({
    operationId: 'listServiceGates',
    method: 'GET',
    path: '/v1/serviceGates',
    summary: 'The gates that were ever moved; every other one is open.',
    tags: ['serviceGates'],
    permission: 'task.serviceGate.read',
    responses: found('All of them.', serviceGate.list.result),
    problems: [],
  }),
  pauseServiceGate: route({
    ...ofService,
    operationId: 'pauseServiceGate',
    method: 'POST',
    path: '/v1/serviceGates/:key/pause',
    summary: 'Sends nothing more to a service; what it answers counts.',
    permission: 'task.serviceGate.pause',
    query: changeQuery,
    body: moving,
    responses: found('The gate, closed.', serviceGate.pause.result),
    problems: [],
  }),
  resumeServiceGate: route({
    ...ofService,
    operationId: 'resumeServiceGate',
    method: 'POST',
    path: '/v1/serviceGates/:key/resume',
    summary: 'Opens the gate: what waited for it goes out.',
    permission: 'task.serviceGate.resume',
    query: changeQuery,
    body: moving,
    responses: found('The gate, open.', serviceGate.resume.result),
    problems: [],
  }),
} as const;
