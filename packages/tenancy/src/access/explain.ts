import { decide, type Permission, type ScopeRef } from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import { parseId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { roles, type RoleDef } from '@sentral/contracts/roles';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { isVisible, visibleOf } from '../reading.js';
import { pathOfScope } from '../scope/path.js';
import { uuidOfScope } from '../scope/row.js';
import { principalId, toHolding, toSnapshot } from './row.js';
import { findAccess } from './sql.js';

type Explained = Result<'access', 'explain'>;

/**
 * Says which binding lets a principal do something on a scope, what forbids it, or which roles would allow it. Bindings
 * and rules that the caller may not see decide along and are not named.
 * @throws Problem not-found | reference-not-found
 */
export async function explainAccess(
  deps: Deps,
  caller: Caller,
  command: Command<'access', 'explain'>,
): Promise<Explained> {
  const { rows: path } = await pathOfScope(deps, caller, { id: command.scopeId });
  const { groups, principalId: asked } = command;
  const row = await findAccess(deps.db.app, { by: 'id', id: parseId(asked).uuid, tokenId: null }, groups);
  if (
    row === undefined ||
    principalId(row.kind, row.id) !== asked ||
    row.state === 'removed' ||
    !isOnesOwn(caller, path, row.tenantId)
  )
    throw problem('reference-not-found', { pointer: '/principal', resourceType: 'principal' });
  const permission = command.permission as Permission;
  const holding = toHolding(row, groups);
  const snapshot = toSnapshot(holding);
  const seen = new Set<string>(path.filter((scope) => sees(caller, scope)).map(({ id }) => id));
  // A grant on the path that holds the permission may still end at the tenant border.
  const working = holding.grants.filter(
    (grant) => decide({ ...toSnapshot({ ...holding, grants: [grant] }), denies: [] }, permission, path).allowed,
  );
  const { allowed } = decide(snapshot, permission, path);
  return {
    allowed: row.state === 'active' && allowed,
    grants: working
      .filter(({ scope }) => seen.has(scope.id))
      .map(({ id, scope, role, expiresAt }) => ({
        bindingId: id,
        scopeId: scope.id,
        role,
        ...(expiresAt === null ? {} : { expiresAt: expiresAt.toISOString() }),
      })),
    denies: snapshot.denies
      .filter((rule) => seen.has(rule.scopeId) && rule.permissions.includes(permission))
      .map(({ id, scopeId }) => ({ denyRuleId: id, scopeId })),
    wouldAllow: allowed
      ? []
      : Object.entries(roles as Record<string, RoleDef>).flatMap(([role, def]) => {
          const places = path.filter(
            (scope) =>
              seen.has(scope.id) &&
              def.boundOn.includes(scope.kind) &&
              decide(withGrant(snapshot, scope, def), permission, path).allowed,
          );
          return places.length === 0 ? [] : [{ role, scopeIds: places.map(({ id }) => id) }];
        }),
    epoch: snapshot.epoch,
  };
}

/** What it would hold with one role more: a deny rule goes on forbidding. */
const withGrant = (snapshot: ReturnType<typeof toSnapshot>, scope: ScopeRef, { permissions }: RoleDef) => ({
  ...snapshot,
  grants: [...snapshot.grants, { id: 'one more', scope, permissions: [...permissions] }],
});

function sees(caller: Caller, scope: ScopeRef): boolean {
  const visible = visibleOf(caller);
  if (visible === null) return true;
  const [tenantId, id] = [scope.tenantId === null ? null : parseId(scope.tenantId).uuid, uuidOfScope(scope.id)];
  const project = scope.kind === 'project' ? scope.id : scope.kind === 'environment' ? scope.parentId : null;
  return isVisible(visible, { id, tenantId, projectId: project === null ? null : parseId(project).uuid });
}

/** Users are everyone's to bind; a service account is known in its own tenant, and where everything is seen. */
function isOnesOwn(caller: Caller, path: readonly ScopeRef[], tenantId: string | null): boolean {
  if (tenantId === null || visibleOf(caller) === null) return true;
  return path.some((scope) => scope.kind === 'tenant' && parseId(scope.id).uuid === tenantId);
}
