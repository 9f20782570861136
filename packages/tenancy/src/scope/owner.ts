import type { Caller } from '@sentral/contracts/contract';
import type { Subject } from '@sentral/contracts/tenancy/fields';
import type { Tx } from '@sentral/kernel/database';
import type { Change } from '../change.js';
import { bindings, insertBinding } from '../role-binding/sql.js';
import { findActiveSubject } from '../role-binding/subject.js';
import { findScoped, scopedChange } from '../scoped.js';
import type { StoredScope } from './row.js';

/**
 * The first owner of a tenant: the one grant inside it that comes from above; from then on its owners grant.
 * @throws Problem reference-not-found
 */
export async function insertOwner(
  tx: Tx,
  caller: Caller,
  { id, scope, owner }: { id: string; scope: StoredScope; owner: Subject },
): Promise<Change> {
  await insertBinding(tx, {
    id,
    scope,
    role: 'owner',
    ...(await findActiveSubject(tx, owner, { tenantId: scope.tenantId, pointer: '/owner/id' })),
    createdBy: caller.principal.id,
    expiresAt: null,
    reason: null,
  });
  return scopedChange(bindings, 'created', { before: null, after: await findScoped(tx, bindings, id) });
}
