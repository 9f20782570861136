import { decodeId, encodeId, type Id } from '@sentral/contracts/ids';
import { runServiceConformance, type StepServer } from '@sentral/contracts/services/conformance';
import { commandId, type Command, type Reply } from '@sentral/contracts/services/message';
import { defaultTenantId } from '@sentral/contracts/tenancy';
import { newId } from '@sentral/kernel/id';
import { servedSteps, type ServedAction } from '@sentral/kernel/bus/operation';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inventorySteps } from '../src/serve.js';
import { orProblem, stand, type Stand } from './stand.js';

let place: Stand;
beforeAll(async () => {
  place = await stand();
});
afterAll(() => place.close());

type Step = Id<'stp'>;
type Task = Id<'tsk'>;

/** The process dies in the next work, right before its transaction has touched anything or with all of it done. */
function processes(task: () => Task): StepServer & { readonly take: (command: Command) => Promise<void> } {
  let crash: 'beforeEffect' | 'afterEffect' | undefined;
  const died = new Error('the process has ended');
  const dying = <A extends unknown[], R>(way: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      const now = crash;
      crash = undefined;
      if (now === 'beforeEffect') throw died;
      const result = await way(...args);
      if (now === 'afterEffect') throw died;
      return result;
    };
  };
  const actions = Object.fromEntries(
    Object.entries<ServedAction>(inventorySteps(place.deps)).map(([name, { run, takeBack, ...rest }]) => [
      name,
      {
        ...rest,
        ...(run === undefined ? {} : { run: dying(run) }),
        ...(takeBack === undefined ? {} : { takeBack: dying(takeBack) }),
      },
    ]),
  );
  const open = () =>
    servedSteps({
      db: place.deps.db.app,
      schema: 'inventory',
      service: 'inventory',
      actions,
      answered: () => undefined,
    });
  const take = async (command: Command): Promise<void> => {
    try {
      // The suite's tasks and tenants are its own.
      await open().take(JSON.stringify({ ...command, tenantid: defaultTenantId, taskid: task() }));
    } catch (error) {
      if (error !== died) throw error;
    }
  };
  return {
    take,
    deliver: take,
    settle: () => open().resume(0),
    replies: async (step) =>
      (await place.admin.unsafe('select body from inventory.outbox where aggregate = $1 order by id', [step])).map(
        ({ body }) => body as Reply,
      ),
    effects: async () => bindings(task()),
    describe: (step) => open().describe(JSON.stringify({ op: step })),
    crashNext: async (when) => {
      crash = when;
    },
  };
}

/** How many live allocations are bound to a task: counted in inventory's own tables, without the journal. */
const bindings = async (task: Task): Promise<number> => {
  const rows = await place.admin.unsafe(
    'select 1 as one from inventory.allocation where bound_task_id = $1 and ended_at is null',
    [decodeId('tsk', task)],
  );
  return rows.length;
};

/** What the facade does before it opens the task. */
const reserveFor = async (task: Task, ttlSeconds = 900) =>
  place.take(
    [{ what: 'capacity', nodeId: await place.host([{ class: 'vcpu', total: 8 }]), class: 'vcpu', amount: 1 }],
    {
      requestId: task,
      consumer: { service: 'sentral', kind: 'task', id: task },
      ttlSeconds,
    },
  );

describe('inventory serves its steps by the rules of every service', () => {
  let task: Task;
  runServiceConformance({
    test,
    subject: async () => {
      await place.admin.unsafe('delete from inventory.operation');
      await place.admin.unsafe('delete from inventory.outbox');
      task = encodeId('tsk', newId());
      await reserveFor(task);
      return processes(() => task);
    },
    work: {
      service: 'inventory',
      does: { action: 'allocation.bind', contract: 1, input: {} },
      undoes: { action: 'allocation.release', input: {} },
      ahead: true,
      fails: {
        action: 'node.set-state',
        contract: 1,
        input: { nodeId: encodeId('nod', newId()), from: 'planned', to: 'available' },
      },
    },
  });
});

function stepsOf(task: Task) {
  const server = processes(() => task);
  const commandOf = (step: Step, direction: 'do' | 'undo', data: object): Command =>
    ({
      specversion: '1.0',
      source: '/sentral/task',
      time: '2026-01-01T00:00:00.000Z',
      id: commandId(step, direction, 1),
      type: `dev.dataverket.step.${direction}.v1`,
      direction,
      attempt: 1,
      tenantid: defaultTenantId,
      taskid: task,
      stepid: step,
      ...(direction === 'do' ? { expires: '9999-01-01T00:00:00.000Z' } : {}),
      data,
    }) as Command;
  const lastOf = async (step: Step) => {
    const last = (await server.replies(step)).at(-1);
    return { kind: last?.type.split('.')[3], data: last?.data as Record<string, unknown> };
  };
  return {
    run: async (action: string, input: object, step = encodeId('stp', newId())) => {
      await server.take(commandOf(step, 'do', { action, contract: 1, input }));
      return { step, ...(await lastOf(step)) };
    },
    undo: async (action: string, input: object, step = encodeId('stp', newId())) => {
      await server.take(
        commandOf(step, 'undo', { action, contract: 1, input, of: { action: 'allocation.bind', input } }),
      );
      return { step, ...(await lastOf(step)) };
    },
  };
}

const user = () => ({ ...place.caller, principal: { id: encodeId('usr', newId()), type: 'user' as const } });

test('what a task holds waits without an end, is nobody else’s to change, and is active once the task confirms it', async () => {
  const task = encodeId('tsk', newId());
  const steps = stepsOf(task);
  const held = await reserveFor(task, 1);
  const bind = { tenantId: defaultTenantId, taskId: task };
  const bound = await place.inventory.allocation.bind(user(), bind);
  expect(bound).toMatchObject({ id: held.id, state: 'held', boundTaskId: task, version: held.version + 1 });
  expect(bound.expiresAt).toBeUndefined();
  // The facade again, and the first step: the same verb.
  expect((await place.inventory.allocation.bind(user(), bind)).version).toBe(bound.version);
  expect(await steps.run('allocation.bind', {})).toMatchObject({ data: { output: { allocationId: held.id } } });
  await new Promise((resolve) => setTimeout(resolve, 1_100));

  const { allocation } = place.inventory;
  for (const change of [
    () => allocation.release(user(), { id: held.id }),
    () => allocation.renew(user(), { id: held.id, ttlSeconds: 1 }),
    () => allocation.confirm(user(), { id: held.id }),
    () => allocation.replace(user(), { id: held.id, version: bound.version, items: [] }),
  ])
    expect(await orProblem(change())).toMatchObject({ code: 'state-conflict', facts: { state: 'bound' } });

  expect(await steps.run('allocation.confirm', {})).toMatchObject({ kind: 'succeeded' });
  expect(await allocation.get(place.caller, { id: held.id })).toMatchObject({ state: 'active', boundTaskId: task });
  // From here on it is the tenant's again, or a later task's that names it.
  expect(await steps.run('allocation.release', { allocationId: held.id })).toMatchObject({ kind: 'succeeded' });
  expect(await steps.run('allocation.release', { allocationId: held.id })).toMatchObject({ kind: 'succeeded' });
  expect(await place.broken()).toEqual([]);
});

test('what the facade has bound is given back by an undo whose step was never sent', async () => {
  const task = encodeId('tsk', newId());
  const steps = stepsOf(task);
  await reserveFor(task);
  await place.inventory.allocation.bind(place.caller, { tenantId: defaultTenantId, taskId: task });
  const { step, ...undone } = await steps.undo('allocation.release', {});
  expect(undone).toEqual({ kind: 'undone', data: { found: true } });
  expect(await steps.run('allocation.bind', {}, step)).toMatchObject({ kind: 'fenced' });
  expect(await bindings(task)).toBe(0);
  expect(await steps.undo('allocation.release', {})).toMatchObject({ kind: 'undone', data: { found: false } });
});

test('a reservation that has run out, and one that was never made, fail the step for good', async () => {
  const [late, none] = [encodeId('tsk', newId()), encodeId('tsk', newId())];
  await reserveFor(late, 1);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  expect(await stepsOf(late).run('allocation.bind', {})).toMatchObject({
    kind: 'failed',
    data: { class: 'permanent', code: 'lease_expired', effects: 'none' },
  });
  expect(await stepsOf(none).run('allocation.bind', {})).toMatchObject({ data: { code: 'not_found' } });
});

/** A thing that a task is making, recorded by the step that binds what it stands on. */
async function recorded(kind = 'network', name = 'lab') {
  const task = encodeId('tsk', newId());
  const nodeId = encodeId('nod', newId());
  const { id: allocationId } = await reserveFor(task);
  const input = { records: [{ nodeId, kind, name, wanted: { mtu: 9000 }, labels: { env: 'lab' } }] };
  const steps = stepsOf(task);
  const bound = await steps.run('allocation.bind', input);
  const seen = async () =>
    place.inventory.platformResource.get(place.caller, { id: nodeId }).catch(({ code }: { code: string }) => code);
  return { task, nodeId, allocationId, input, steps, bound, seen };
}

test('what a task makes is recorded with what it holds, goes from state to state as it is told, and ends with the undo', async () => {
  const { task, nodeId, allocationId, input, steps, bound, seen } = await recorded();
  expect(bound).toMatchObject({ kind: 'succeeded', data: { output: { allocationId } } });
  expect(await seen()).toMatchObject({
    id: nodeId,
    kind: 'network',
    name: 'lab',
    state: 'provisioning',
    wanted: { mtu: 9000 },
    labels: { env: 'lab' },
    taskId: task,
    allocationId,
  });
  // The facade, late: nothing twice.
  const late = { tenantId: defaultTenantId, taskId: task, ...input };
  expect(await place.inventory.allocation.bind(user(), late as never)).toMatchObject({ id: allocationId });
  const move = { nodeId, from: 'provisioning', to: 'available' };
  const moved = await steps.run('node.set-state', { ...move, status: { vlan: 7 } });
  expect([moved.kind, await seen()]).toMatchObject(['succeeded', { state: 'available', status: { vlan: 7 } }]);
  expect(await steps.run('node.set-state', move)).toMatchObject({
    data: { class: 'permanent', code: 'state_conflict' },
  });
  expect(await steps.undo('node.reset-state', move, moved.step)).toMatchObject({ data: { found: true } });
  expect(await seen()).toMatchObject({ state: 'provisioning' });
  expect(await steps.undo('allocation.release', {}, bound.step)).toMatchObject({ data: { found: true } });
  expect([await seen(), await bindings(task)]).toEqual(['not-found', 0]);
  // The facade, later still: nothing is recorded on what was given back.
  expect(await orProblem(place.inventory.allocation.bind(user(), late as never))).toMatchObject({ code: 'not-found' });
  expect(await seen()).toBe('not-found');

  // Neither a server, nor what is another tenant's.
  const server = await place.host([], 'server');
  expect(await steps.run('node.set-state', { ...move, nodeId: server })).toMatchObject({ data: { code: 'not_found' } });
  const audit = await place.admin.unsafe(
    `select audit->'principal'->>'id' as actor from inventory.feed where resource_id = $1`,
    [decodeId('nod', nodeId)],
  );
  expect(new Set(audit.map(({ actor }) => String(actor).slice(0, 4)))).toEqual(new Set(['tsk_']));
});

test('a name is one thing of its kind in an environment, and what a thing stands on is given back by its removal alone', async () => {
  const first = await recorded('bucket', 'photos');
  const second = await recorded('bucket', 'photos');
  expect(second.bound).toMatchObject({ kind: 'failed', data: { class: 'permanent', code: 'already_exists' } });
  expect((await recorded('machine', 'photos')).bound.kind).toBe('succeeded');
  await first.steps.run('allocation.confirm', {});
  const id = first.allocationId;
  const { allocation, platformResource } = place.inventory;
  for (const change of [
    () => allocation.release(user(), { id }),
    () => allocation.replace(user(), { id, version: 3, items: [] }),
  ])
    expect(await orProblem(change())).toMatchObject({
      code: 'has-dependents',
      facts: { dependents: [{ type: 'bucket', count: 1, ids: [first.nodeId] }] },
    });
  const removal = stepsOf(encodeId('tsk', newId()));
  expect(await removal.run('allocation.release', { allocationId: id })).toMatchObject({ kind: 'succeeded' });
  expect(await removal.run('node.retire', { nodeIds: [first.nodeId] })).toMatchObject({ kind: 'succeeded' });
  expect(await removal.run('node.retire', { nodeIds: [first.nodeId] })).toMatchObject({ kind: 'succeeded' });
  // The name is free again.
  const third = await recorded('bucket', 'photos');
  const named = await platformResource.list(place.caller, { kind: 'bucket', name: 'photos' });
  expect(named.items.map((each) => each.id)).toEqual([third.nodeId]);
  expect(await place.broken()).toEqual([]);
});

test('what is made with others stands on them from the first moment: the whole alone takes them along', async () => {
  const task = encodeId('tsk', newId());
  const [part, whole] = [encodeId('nod', newId()), encodeId('nod', newId())];
  const { id: allocationId } = await reserveFor(task);
  const records = [
    { nodeId: part, kind: 'machine', name: 'prod-1' },
    { nodeId: whole, kind: 'cluster', name: 'prod', dependsOn: [part] },
  ];
  const steps = stepsOf(task);
  const bound = await steps.run('allocation.bind', { records });
  expect(bound).toMatchObject({ kind: 'succeeded', data: { output: { allocationId } } });
  const standing = await place.inventory.platformResource.list(place.caller, { dependsOn: part });
  expect(standing.items.map(({ id }) => id)).toEqual([whole]);
  // Ready or not, nobody else's.
  const away = { nodeId: part, from: 'provisioning', to: 'removing' };
  for (const partOf of [undefined, encodeId('nod', newId()), part])
    expect(await steps.run('node.set-state', { ...away, partOf })).toMatchObject({ data: { code: 'has_dependents' } });
  expect(await steps.run('node.set-state', { ...away, partOf: whole })).toMatchObject({ kind: 'succeeded' });
  const other = stepsOf(encodeId('tsk', newId()));
  expect(await other.run('node.retire', { nodeIds: [part] })).toMatchObject({ data: { code: 'has_dependents' } });
  expect(await steps.undo('allocation.release', {}, bound.step)).toMatchObject({ data: { found: true } });
  for (const id of [part, whole])
    expect(await orProblem(place.inventory.platformResource.get(place.caller, { id }))).toMatchObject({
      code: 'not-found',
    });
  expect(await other.run('node.retire', { nodeIds: [whole, part] })).toMatchObject({ kind: 'succeeded' });
  expect(await place.broken()).toEqual([]);
});
