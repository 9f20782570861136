import type { troubleRoutes } from '@sentral/contracts/api/task/trouble';
import type { Handlers } from '../http/mount.js';
import { done, listed, openCursor } from './shape.js';
import type { World } from './world.js';

export function troubleHandlers({ task, cursors }: World): Handlers<typeof troubleRoutes> {
  const { finding, deadLetter } = task;
  return {
    listTaskFindings: async ({ query }, asked) => {
      const { state, kind, service, taskId } = query;
      const command = { ...openCursor(cursors, asked, query), state, kind, service, taskId };
      return listed(cursors, asked, await finding.list(asked.caller, command));
    },
    getTaskFinding: async ({ params }, asked) => done(await finding.get(asked.caller, params)),
    acceptTaskFinding: async ({ params, body }, asked) =>
      done(await finding.accept(asked.caller, { ...params, ...body })),
    resolveTaskFinding: async ({ params, body }, asked) =>
      done(await finding.resolve(asked.caller, { ...params, ...body })),
    listDeadLetters: async ({ query }, asked) => {
      const { state, origin, taskId } = query;
      const command = { ...openCursor(cursors, asked, query), state, origin, taskId };
      return listed(cursors, asked, await deadLetter.list(asked.caller, command));
    },
    getDeadLetter: async ({ params }, asked) => done(await deadLetter.get(asked.caller, params)),
    requeueDeadLetter: async ({ params, body }, asked) =>
      done(await deadLetter.requeue(asked.caller, { ...params, ...body })),
    discardDeadLetter: async ({ params, body }, asked) =>
      done(await deadLetter.discard(asked.caller, { ...params, ...body })),
  };
}
