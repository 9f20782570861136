import type { serviceGateRoutes, taskRoutes } from '@sentral/contracts/api/task/tasks';
import type { Task } from '@sentral/contracts/task/task';
import { requireIdempotencyKey, requireVersion, type Handlers } from '../http/mount.js';
import { etagOf } from '../http/preconditions.js';
import { done, listed, openCursor, shown, versionOf } from './shape.js';
import type { World } from './world.js';

const lookAfterSeconds = '2';

/** Under way: the task itself tells when it is done. */
export const begun = (task: Task) => ({
  status: 202 as const,
  body: task,
  headers: { location: `/v1/tasks/${task.id}`, etag: etagOf(task), 'retry-after': lookAfterSeconds },
});

export function taskHandlers({ task, cursors }: World): Handlers<typeof taskRoutes> {
  const of = task.task;
  return {
    listTasks: async ({ query }, asked) => {
      const { state, kind, projectId, environmentId } = query;
      const command = { ...openCursor(cursors, asked, query), state, kind, projectId, environmentId };
      return listed(cursors, asked, await of.list(asked.caller, command));
    },
    getTask: async ({ params }, asked) => shown(await of.get(asked.caller, params)),
    listTaskSteps: async ({ params }, asked) => done(await task.step.list(asked.caller, { taskId: params.id })),
    listTaskEvents: async ({ params, query }, asked) => {
      const command = { taskId: params.id, ...openCursor(cursors, asked, query) };
      return listed(cursors, asked, await task.event.list(asked.caller, command));
    },
    emptyEnvironment: async ({ params }, asked) => {
      requireIdempotencyKey(asked);
      const input = { environmentId: params.id };
      return begun(await of.create(asked.caller, { kind: 'environment.empty', scopeId: params.id, input }));
    },
    cancelTask: async ({ params, body }, asked) =>
      begun(await of.cancel(asked.caller, { ...params, ...body, version: versionOf(asked) })),
    holdTask: async ({ params, body }, asked) =>
      shown(await of.hold(asked.caller, { ...params, ...body, version: versionOf(asked) })),
    resumeTask: async ({ params, body }, asked) =>
      shown(await of.resume(asked.caller, { ...params, ...body, version: versionOf(asked) })),
    retryTask: async ({ params, body }, asked) =>
      begun(await of.retry(asked.caller, { ...params, ...body, version: versionOf(asked) })),
    unwindTask: async ({ params, body }, asked) =>
      begun(await of.unwind(asked.caller, { ...params, ...body, version: requireVersion(asked) })),
    waiveTask: async ({ params, body }, asked) =>
      begun(await of.waive(asked.caller, { ...params, ...body, version: requireVersion(asked) })),
    abandonTask: async ({ params, body }, asked) =>
      shown(await of.abandon(asked.caller, { ...params, ...body, version: requireVersion(asked) })),
    signalTask: async ({ params, body }, asked) =>
      begun(await of.signal(asked.caller, { ...params, ...body, version: versionOf(asked) })),
  };
}

export function serviceGateHandlers({ task }: World): Handlers<typeof serviceGateRoutes> {
  const gate = task.serviceGate;
  return {
    listServiceGates: async (_, asked) => done(await gate.list(asked.caller, {})),
    pauseServiceGate: async ({ params, body }, asked) =>
      done(await gate.pause(asked.caller, { service: params.key, ...body })),
    resumeServiceGate: async ({ params, body }, asked) =>
      done(await gate.resume(asked.caller, { service: params.key, ...body })),
  };
}
