import type { Caller, Implements } from '../contract.js';
import { encodeId } from '../ids.js';
import { defaultTenantId } from '../tenancy/index.js';
import type { task } from '../task.js';
import type { Kit } from './kit.js';

type Task = Implements<typeof task>;

/** A workflow of one step that nobody serves: whoever runs the suite offers it, and nothing is to answer. */
export const conformanceWorkflow = { kind: 'conformance.wait', service: 'conformance', action: 'thing.wait' } as const;

const nowhere = encodeId('tnt', '00000000-0000-7000-8000-00000000dead');
const asleep = encodeId('tnt', '00000000-0000-7000-8000-00000000a5ee');
const tenant = { id: defaultTenantId, parentId: 'platform', kind: 'tenant', tenantId: defaultTenantId } as const;
const inTenant = (kit: Kit, changes: Partial<Caller> = {}) =>
  kit.caller({ scopes: [{ ...tenant, state: 'active', version: 1 }], ...changes });
const nobody = (kit: Kit) => kit.caller({ readScope: { tenantIds: [], projectIds: [], environmentIds: [] } });
const keyed = (kit: Kit, fingerprint = 'f') => ({ scope: 'conformance', key: kit.name('key'), fingerprint });

const make = (
  subject: Task,
  caller: Caller,
  more: { id?: Awaited<ReturnType<Task['task']['intent']>>['taskId'] } = {},
) => subject.task.create(caller, { kind: conformanceWorkflow.kind, input: {}, scopeId: defaultTenantId, ...more });

/** What holds for the verbs of tasks, whether or not anything runs them. */
export const taskVerbCases = [
  {
    title: 'an intent gives one id to one key, and the task that is made of it is its answer',
    async run(subject: Task, kit: Kit) {
      const caller = inTenant(kit, { idempotency: keyed(kit) });
      const { taskId } = await subject.task.intent(caller, {});
      kit.equals(await subject.task.intent(caller, {}), { taskId }, 'asked again it is the same');
      const made = await make(subject, caller, { id: taskId });
      kit.equals(made.id, taskId, 'the task has the id of the intent');
      kit.equals((await subject.task.intent(caller, {})).task?.id, taskId, 'and is the answer from then on');
      kit.equals(
        (await make(subject, inTenant(kit), { id: taskId })).id,
        taskId,
        'without the key it is the same task',
      );
      await kit.refuses('idempotency-key-required', subject.task.intent(inTenant(kit), {}));
    },
  },
  {
    title: 'a task is made by a known workflow, in an active scope that the caller names',
    async run(subject: Task, kit: Kit) {
      const asked = { kind: conformanceWorkflow.kind, input: {}, scopeId: defaultTenantId };
      const unknown = { ...asked, kind: 'conformance.none' };
      await kit.refuses('reference-not-found', subject.task.create(inTenant(kit), unknown));
      await kit.refuses('reference-not-found', subject.task.create(kit.caller(), { ...asked, scopeId: nowhere }));
      const scopes = [{ ...tenant, id: asleep, tenantId: asleep, state: 'suspended' as const, version: 1 }];
      await kit.refuses('scope-not-active', subject.task.create(kit.caller({ scopes }), { ...asked, scopeId: asleep }));
      await kit.refuses('validation-failed', subject.task.create(inTenant(kit), { ...asked, input: { more: 1 } }));
    },
  },
  {
    title: 'a task is read with its steps and its story by who sees it, and is not there for anybody else',
    async run(subject: Task, kit: Kit) {
      const { id } = await make(subject, inTenant(kit));
      kit.equals((await subject.task.get(kit.caller(), { id })).id, id, 'it is read by its id');
      const [own] = (await subject.step.list(kit.caller(), { taskId: id })).items;
      const gone = encodeId('stp', '00000000-0000-7000-8000-00000000dead');
      const asked = own === undefined ? [gone] : [own.id, gone];
      kit.equals(
        (await subject.step.living(kit.caller(), { ids: asked })).ids,
        [own?.id],
        'it has its step, which lives',
      );
      await kit.refuses('permission-denied', subject.step.living(nobody(kit), { ids: asked }));
      const { items } = await subject.event.list(kit.caller(), { taskId: id });
      kit.equals(items[0]?.type, 'task.created', 'its story begins with its creation');
      await kit.refuses('not-found', subject.task.get(nobody(kit), { id }));
      await kit.refuses('not-found', subject.step.list(nobody(kit), { taskId: id }));
      await kit.refuses('not-found', subject.event.list(nobody(kit), { taskId: id }));
      await kit.refuses('not-found', subject.task.cancel(nobody(kit), { id }));
      kit.equals((await subject.task.list(nobody(kit), {})).items, [], 'nor is it in a list');
      kit.equals(
        await subject.task.living(nobody(kit), { scopeId: defaultTenantId }),
        { states: [], items: [], more: false },
        'nor is it counted',
      );
      const living = await subject.task.living(kit.caller(), { scopeId: defaultTenantId, limit: 1 });
      kit.equals(living.items[0]?.id, id, 'it is the newest that lives');
      const counted = living.states.reduce((sum, { count }) => sum + count, 0);
      kit.equals(living.more, counted > 1, 'the counts are of all');
      kit.equals(
        (await subject.task.claimants(kit.caller(), { resources: [kit.name('free')] })).items,
        [],
        'what nobody changes has nobody',
      );
      await kit.refuses('invalid-cursor', subject.task.list(kit.caller(), { cursor: 'x' }));
    },
  },
  {
    title: 'a hold and a cancel count once, and what the state does not allow is refused',
    async run(subject: Task, kit: Kit) {
      const { id } = await make(subject, inTenant(kit));
      const [step] = (await subject.step.list(kit.caller(), { taskId: id })).items;
      const held = await subject.task.hold(kit.caller(), { id, note: 'n' });
      kit.equals(held.hold, 'operator', 'it is held');
      kit.equals((await subject.task.hold(kit.caller(), { id })).version, held.version, 'a second hold is none');
      await kit.refuses('version-mismatch', subject.task.resume(kit.caller(), { id, version: held.version - 1 }));
      kit.equals((await subject.task.resume(kit.caller(), { id })).hold, undefined, 'it goes on');
      await kit.refuses('state-conflict', subject.task.unwind(kit.caller(), { id }));
      await kit.refuses('state-conflict', subject.task.abandon(kit.caller(), { id, note: 'n' }));
      if (step === undefined) return kit.holds(false, 'it has a step');
      await kit.refuses('state-conflict', subject.task.retry(kit.caller(), { id, stepId: step.id }));
      await kit.refuses('state-conflict', subject.task.waive(kit.caller(), { id, stepId: step.id, note: 'n' }));
      const cancelled = await subject.task.cancel(kit.caller(), { id });
      kit.equals(cancelled.cause, 'cancelled', 'it is taken back');
      kit.equals(
        (await subject.task.cancel(kit.caller(), { id })).version,
        cancelled.version,
        'a second cancel is none',
      );
      const signalled = await subject.task.signal(kit.caller(), { id, name: 'go', messageId: 'm' });
      kit.equals(signalled.version, cancelled.version, 'a signal that nobody waits for is only kept');
    },
  },
  {
    title: 'a schedule is made of a workflow that allows it, changed at a version, and is nobody else’s to see',
    async run(subject: Task, kit: Kit) {
      const { kind } = conformanceWorkflow;
      const asked = { scopeId: defaultTenantId, name: kit.name('nightly'), kind, cron: '30 2 * * *' };
      const made = await subject.schedule.create(inTenant(kit), asked);
      kit.equals(
        [made.timeZone, made.overlap, made.enabled, made.version],
        ['UTC', 'skip', true, 1],
        'as it was asked',
      );
      kit.holds(made.nextAt?.slice(10) === 'T02:30:00.000Z', 'it is due at its time');
      kit.equals((await subject.schedule.get(kit.caller(), { id: made.id })).name, asked.name, 'it is read by its id');
      const { items } = await subject.schedule.list(kit.caller(), { kind, enabled: true });
      kit.equals(items[0]?.id, made.id, 'it is the newest');
      await kit.refuses('already-exists', subject.schedule.create(inTenant(kit), asked));
      const another = { ...asked, name: kit.name('other') };
      const wrong = (more: object) => subject.schedule.create(inTenant(kit), { ...another, ...more });
      await kit.refuses('validation-failed', wrong({ cron: '0 0 30 2 *' }));
      await kit.refuses('validation-failed', wrong({ timeZone: 'Europe/Atlantis' }));
      await kit.refuses('validation-failed', wrong({ input: { more: 1 } }));
      await kit.refuses('reference-not-found', wrong({ kind: 'conformance.none' }));
      await kit.refuses('reference-not-found', subject.schedule.create(kit.caller(), { ...another, scopeId: nowhere }));
      const scopes = [{ ...tenant, id: asleep, tenantId: asleep, state: 'suspended' as const, version: 1 }];
      await kit.refuses(
        'scope-not-active',
        subject.schedule.create(kit.caller({ scopes }), { ...another, scopeId: asleep }),
      );
      const { id } = made;
      const stopped = await subject.schedule.amend(kit.caller(), { id, version: 1, patch: { enabled: false } });
      kit.equals([stopped.version, stopped.nextAt], [2, undefined], 'it is stopped');
      await kit.refuses('version-mismatch', subject.schedule.amend(kit.caller(), { id, version: 1, patch: {} }));
      const again = subject.schedule.amend(kit.caller(), { id, patch: { cron: '99 * * * *' } });
      await kit.refuses('validation-failed', again);
      await kit.refuses('not-found', subject.schedule.get(nobody(kit), { id }));
      await kit.refuses('not-found', subject.schedule.amend(nobody(kit), { id, patch: {} }));
      await kit.refuses('not-found', subject.schedule.remove(nobody(kit), { id }));
      kit.equals((await subject.schedule.list(nobody(kit), {})).items, [], 'nor is it in a list');
      await kit.refuses('invalid-cursor', subject.schedule.list(kit.caller(), { cursor: 'x' }));
      await kit.refuses('version-mismatch', subject.schedule.remove(kit.caller(), { id, version: 1 }));
      kit.equals((await subject.schedule.remove(kit.caller(), { id, version: 2 })).id, id, 'it is gone');
      await kit.refuses('not-found', subject.schedule.get(kit.caller(), { id }));
    },
  },
  {
    title: 'a gate is closed and opened by who runs the platform',
    async run(subject: Task, kit: Kit) {
      const service = kit.name('gate').slice(0, 32);
      kit.equals((await subject.serviceGate.pause(kit.caller(), { service, note: 'n' })).paused, true, 'it is closed');
      const { items } = await subject.serviceGate.list(kit.caller(), {});
      kit.holds(
        items.some((gate) => gate.service === service && gate.paused),
        'the list has it',
      );
      kit.equals((await subject.serviceGate.resume(kit.caller(), { service })).paused, false, 'it is open');
      await kit.refuses('permission-denied', subject.serviceGate.pause(nobody(kit), { service }));
      await kit.refuses('permission-denied', subject.serviceGate.resume(nobody(kit), { service }));
      await kit.refuses('permission-denied', subject.serviceGate.list(nobody(kit), {}));
    },
  },
] as const;
