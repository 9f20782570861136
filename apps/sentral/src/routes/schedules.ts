import type { scheduleRoutes } from '@sentral/contracts/api/task/schedules';
import type { ScopeRow } from '@sentral/contracts/contract';
import { isProblem, problem } from '@sentral/contracts/problem';
import type { Schedule } from '@sentral/contracts/task/schedule';
import type { ScopeId } from '../auth/lineage.js';
import { facade } from '../auth/sessions.js';
import { requireVersion, type Asked, type Handlers } from '../http/mount.js';
import { workflows } from '../workflows/registry.js';
import { createdAt, listed, openCursor, shown } from './shape.js';
import type { World } from './world.js';

export function scheduleHandlers({ task, tenancy, cursors }: World): Handlers<typeof scheduleRoutes> {
  const { schedule } = task;
  return {
    createSchedule: async ({ body }, asked) => {
      const scopes = await authorizeScope({ tenancy }, asked, body);
      return createdAt(await schedule.create({ ...asked.caller, scopes }, body), '/v1/schedules');
    },
    listSchedules: async ({ query }, asked) => {
      const { kind, enabled, projectId, environmentId } = query;
      const command = { ...openCursor(cursors, asked, query), kind, enabled, projectId, environmentId };
      return listed(cursors, asked, await schedule.list(asked.caller, command));
    },
    getSchedule: async ({ params }, asked) => shown(await schedule.get(asked.caller, params)),
    amendSchedule: async ({ params, body }, asked) => {
      const version = requireVersion(asked);
      // From here on it runs with the rights of the caller, who must have them.
      const found = await schedule.get(asked.caller, params);
      await expectMayBegin(asked, { kind: found.kind, scopeId: placeOf(found) });
      return shown(await schedule.amend(asked.caller, { ...params, version, patch: body }));
    },
    deleteSchedule: async ({ params }, asked) =>
      shown(await schedule.remove(asked.caller, { ...params, version: requireVersion(asked) })),
  };
}

const placeOf = ({ environmentId, projectId, tenantId }: Schedule): ScopeId => environmentId ?? projectId ?? tenantId;

/**
 * Whether the caller may schedule this where it is to lie; a scope that it may not read is not there.
 * @returns the path of the scope, as tenancy has it
 * @throws Problem reference-not-found | permission-denied
 */
async function authorizeScope(
  { tenancy }: Pick<World, 'tenancy'>,
  asked: Asked,
  { kind, scopeId }: { kind: string; scopeId: ScopeId },
): Promise<ScopeRow[]> {
  const noScope = problem('reference-not-found', { pointer: '/scopeId', resourceType: 'scope' });
  const named = { tnt: 'tenant', prj: 'project', env: 'environment' } as const;
  const of = named[scopeId.slice(0, 3) as keyof typeof named] as (typeof named)[keyof typeof named] | undefined;
  if (of === undefined) throw noScope;
  const sees = await asked.access.mayOn(`tenancy.${of}.read`, scopeId).catch((error: unknown) => {
    if (isProblem(error, 'not-found')) return false;
    throw error;
  });
  if (!sees) throw noScope;
  if (!(await asked.access.mayOn('task.schedule.create', scopeId)))
    throw problem('permission-denied', { missingPermission: 'task.schedule.create', scope: scopeId });
  await expectMayBegin(asked, { kind, scopeId });
  return (await tenancy.scope.path(facade, { id: scopeId })).rows;
}

/** Nobody schedules what they may not do. @throws Problem permission-denied */
async function expectMayBegin(asked: Asked, { kind, scopeId }: { kind: string; scopeId: ScopeId }): Promise<void> {
  const permission = workflows.find((each) => each.kind === kind)?.permission;
  if (permission === undefined || (await asked.access.mayOn(permission, scopeId))) return;
  throw problem('permission-denied', { missingPermission: permission, scope: scopeId });
}
