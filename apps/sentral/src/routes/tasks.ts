import type { serviceGateRoutes, taskRoutes } from '@sentral/contracts/api/task/tasks';
import type { Id } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { taskSchema, type Task } from '@sentral/contracts/task/task';
import { facade } from '../auth/sessions.js';
import { requireIdempotencyKey, requireVersion, type Asked, type Handlers, type Patience } from '../http/mount.js';
import { streamed, wantsStream, type Source, type Streams } from '../http/streams.js';
import { hasEnded, preferredWait, type Waiting } from '../http/waiting.js';
import { etagOf, matchesNone } from '../http/preconditions.js';
import * as v from 'valibot';
import { done, listed, openCursor, shown, versionOf } from './shape.js';
import type { World } from './world.js';

const lookAfterSeconds = '2';

/** Under way: the task itself tells when it is done. */
export const begun = (task: Task) => ({
  status: 202 as const,
  body: task,
  headers: { location: `/v1/tasks/${task.id}`, etag: etagOf(task), 'retry-after': lookAfterSeconds },
});

/** A dry run of several contexts is one as far as each could be asked: what a step would meet is not known. */
export const begunOf = ({ dryRun }: Asked, task: Task) => {
  const answer = begun(task);
  return dryRun ? { ...answer, headers: { ...answer.headers, 'dry-run': 'partial' } } : answer;
};

/** An answer 202 waits for the end of its task as long as is preferred; it stays a 202 with the task, ended or not (api.md A.9). */
export const patienceOf =
  ({ task }: World, waiting: Waiting): Patience =>
  async (answer, asked) => {
    const seconds = answer.status === 202 ? preferredWait(asked) : 0;
    const begun = v.safeParse(taskSchema, answer.body);
    if (seconds === 0 || !begun.success) return answer;
    const { id, replayed } = begun.output;
    const read = () => task.task.get(facade, { id });
    const now = await waiting.until(id, { read, wanted: hasEnded, seconds });
    return {
      ...answer,
      body: { ...now, ...(replayed === undefined ? {} : { replayed }) },
      headers: { ...answer.headers, etag: etagOf(now), 'preference-applied': `wait=${seconds}` },
    };
  };

type TaskEvent = Awaited<ReturnType<World['task']['event']['list']>>['items'][number];

export function taskHandlers(
  { task, cursors }: World,
  { streams, waiting }: { streams: Streams; waiting: Waiting },
): Handlers<typeof taskRoutes> {
  const of = task.task;
  return {
    listTasks: async ({ query }, asked) => {
      const { state, kind, projectId, environmentId } = query;
      const command = { ...openCursor(cursors, asked, query), state, kind, projectId, environmentId };
      return listed(cursors, asked, await of.list(asked.caller, command));
    },
    getTask: async ({ params }, asked) => {
      const read = () => of.get(asked.caller, params);
      const seconds = preferredWait(asked);
      if (seconds === 0) return shown(await read());
      // With what the client has seen it waits for the next change, else for the end.
      const seen = asked.raw.headers.get('if-none-match') ?? undefined;
      const wanted = (now: Task) => (seen === undefined ? hasEnded(now) : !matchesNone(seen, etagOf(now)));
      const answer = shown(await waiting.until(params.id, { read, wanted, seconds }));
      return { ...answer, headers: { ...answer.headers, 'preference-applied': `wait=${seconds}` } };
    },
    listTaskSteps: async ({ params }, asked) => done(await task.step.list(asked.caller, { taskId: params.id })),
    listTaskEvents: async ({ params, query }, asked) => {
      if (wantsStream(asked))
        return streamed(await streams.open(asked, await storyOf(task, { asked, id: params.id, waiting })));
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

const storyRows = 200;

/** What happened to a task, from the beginning or behind what the client has, to its end. */
async function storyOf(
  { task, event }: World['task'],
  { asked, id, waiting }: { asked: Asked; id: Id<'tsk'>; waiting: Waiting },
): Promise<Source<TaskEvent>> {
  const last = asked.raw.headers.get('last-event-id') ?? '0';
  if (!/^\d{1,15}$/.test(last)) throw problem('invalid-parameter', { parameter: 'Last-Event-ID' });
  // Who may not see it is told before the stream begins.
  await task.get(asked.caller, { id });
  return {
    afterSeq: Number(last),
    read: async (afterSeq) => {
      // Looked at before the events: those of its end are there when it has ended.
      const { state } = await task.get(asked.caller, { id });
      const { items, nextCursor } = await event.list(asked.caller, { taskId: id, afterSeq, limit: storyRows });
      const more = nextCursor !== undefined;
      return {
        items: items.map((each) => ({ seq: each.seq, event: each })),
        examined: items.at(-1)?.seq ?? afterSeq,
        more,
        over: hasEnded({ state }) && !more,
      };
    },
    typeOf: ({ type }) => type,
    idOf: String,
    next: (ms) => waiting.next(id, ms),
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
