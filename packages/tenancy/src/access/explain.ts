import { decide, type Permission } from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { roles, type RoleDef } from '@sentral/contracts/roles';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { pathOfScope } from '../scope/path.js';
import { findBindingRoles, findPrincipal } from '../user/sql.js';
import { findSnapshot } from './sql.js';

/**
 * Says which binding lets a principal do something on a scope, what forbids it, or which roles would allow it.
 * @throws Problem not-found | reference-not-found
 */
export async function explainAccess(
  deps: Deps,
  caller: Caller,
  command: Command<'access', 'explain'>,
): Promise<Result<'access', 'explain'>> {
  const { rows: path } = await pathOfScope(deps, { ...caller, readScope: { all: true } }, { id: command.scopeId });
  const kind = command.principalId.startsWith('usr_') ? 'user' : 'service';
  const id = decodeId(kind === 'user' ? 'usr' : 'sac', command.principalId);
  const principal = await findPrincipal(deps.db.platform, id, kind);
  if (principal === undefined)
    throw problem('reference-not-found', { pointer: '/principal', resourceType: 'principal' });
  const permission = command.permission as Permission;
  const { snapshot } = await findSnapshot(deps.db.platform, { id, kind, groups: command.groups });
  const onPath = new Set<string>(path.map((scope) => scope.id));
  const granting = snapshot.grants.filter(
    (grant) => onPath.has(grant.scope.id) && grant.permissions.includes(permission),
  );
  // A grant that lies on the path and holds the permission may still end at the tenant border.
  const working = granting.filter(
    (grant) => decide({ ...snapshot, grants: [grant], denies: [] }, permission, path).allowed,
  );
  const named = await findBindingRoles(
    deps.db.platform,
    working.map((grant) => decodeId('rbd', grant.id)),
  );
  return {
    allowed: principal.state === 'active' && decide(snapshot, permission, path).allowed,
    grants: named.map((binding) => ({
      bindingId: encodeId('rbd', binding.id),
      scopeId: working.find((grant) => grant.id === encodeId('rbd', binding.id))?.scope.id ?? command.scopeId,
      role: binding.role,
      ...(binding.expiresAt === null ? {} : { expiresAt: binding.expiresAt.toISOString() }),
    })) as Result<'access', 'explain'>['grants'],
    denies: snapshot.denies
      .filter((rule) => onPath.has(rule.scopeId) && rule.permissions.includes(permission))
      .map((rule) => ({ denyRuleId: rule.id, scopeId: rule.scopeId })) as Result<'access', 'explain'>['denies'],
    wouldAllow: Object.entries(roles as Record<string, RoleDef>).flatMap(([role, def]) => {
      const places = path.filter(
        (scope) =>
          def.boundOn.includes(scope.kind) &&
          decide(
            { epoch: 0, denies: [], grants: [{ id: 'rbd', scope, permissions: [...def.permissions] }] },
            permission,
            path,
          ).allowed,
      );
      return places.length === 0 ? [] : [{ role, scopeIds: places.map((scope) => scope.id) }];
    }) as Result<'access', 'explain'>['wouldAllow'],
    epoch: snapshot.epoch,
  };
}
