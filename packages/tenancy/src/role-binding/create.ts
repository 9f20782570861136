import type { ScopeRef } from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { permissionsOfRole, roles, type RoleDef } from '@sentral/contracts/roles';
import type { Subject } from '@sentral/contracts/tenancy/fields';
import type { Tx } from '@sentral/kernel/database';
import { type Change, inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockAccess } from '../installation/sql.js';
import { toRef, type Holding } from '../access/row.js';
import { lockActiveScope } from '../scope/active.js';
import { deleteScoped, findScoped, scopedChange } from '../scoped.js';
import { retireBootstrap } from './bootstrap.js';
import { refuseEscalation } from './guard.js';
import { bindings, insertBinding, lockExpiredTwin } from './sql.js';
import { endItWouldPass } from './rules.js';
import { findActiveSubject } from './subject.js';

type Create = Command<'roleBinding', 'create'>;

/**
 * Grants a role on a scope; nobody grants what it does not hold there itself.
 * @throws Problem not-found | already-exists | permission-denied | reference-not-found | scope-not-active | state-conflict
 */
export async function createRoleBinding(
  deps: Deps,
  caller: Caller,
  command: Create,
): Promise<Result<'roleBinding', 'create'>> {
  const id = deps.newId();
  return inChange(deps, caller, (tx) => created({ tx, caller, id }, command));
}

async function created({ tx, caller, id }: { tx: Tx; caller: Caller; id: string }, command: Create) {
  await lockAccess(tx);
  const scope = await lockActiveScope(tx, caller, command.scopeId);
  const { boundOn }: RoleDef = roles[command.role];
  if (!boundOn.includes(scope.kind) || command.role === 'break-glass') {
    throw problem(
      'state-conflict',
      { state: scope.kind, allowedStates: command.role === 'break-glass' ? [] : [...boundOn] },
      command.role === 'break-glass'
        ? 'This role is taken by breaking the glass, for oneself and for hours.'
        : `The role ${command.role} is bound on ${boundOn.join(', ')}.`,
    );
  }
  const own = await refuseEscalation(tx, caller, {
    needs: 'tenancy.roleBinding.create',
    role: command.role,
    scope: toRef(scope),
  });
  if (own !== undefined) expectWithinOwn(own, caller, { ...command, scope: toRef(scope) });
  const binding = {
    id,
    scope,
    role: command.role,
    ...(await findActiveSubject(tx, command.subject, { tenantId: scope.tenantId, pointer: '/subject/id' })),
    createdBy: caller.principal.id,
    expiresAt: command.expiresAt ?? null,
    reason: command.reason ?? null,
  };
  const twin = await lockExpiredTwin(tx, binding);
  const ended: Change[] = twin === undefined ? [] : [await deleteScoped(tx, bindings, twin)];
  await insertBinding(tx, binding);
  const after = await findScoped(tx, bindings, id);
  if (after.expired) throw past('/expiresAt');
  const lasting = command.role === 'platform-admin' && after.expiresAt === null;
  const retired = lasting ? await retireBootstrap(tx, after.principalId) : [];
  await recordChanges(tx, caller, [scopedChange(bindings, 'created', { before: null, after }), ...ended, ...retired]);
  return bindings.to(after);
}

/** @throws Problem state-conflict when the caller would make last for itself what it holds for a time */
export function expectWithinOwn(
  own: Holding,
  caller: Caller,
  grant: { subject: Subject; role: string; scope: ScopeRef; expiresAt?: string | undefined },
): void {
  const end = endItWouldPass(own, caller, {
    subject: grant.subject,
    wanted: permissionsOfRole(grant.role),
    scope: grant.scope,
    expiresAt: grant.expiresAt === undefined ? null : new Date(grant.expiresAt),
  });
  if (end === undefined) return;
  throw problem(
    'state-conflict',
    { state: 'held for a time', allowedStates: [], heldUntil: end.toISOString() },
    'You hold this for a time only, and cannot make it last for yourself.',
  );
}

/** A grant that has ended before it began is a slip of the pen. */
export function past(pointer: string) {
  return problem('validation-failed', {
    errors: [{ pointer, code: 'in_the_past', message: 'must lie in the future' }],
  });
}
