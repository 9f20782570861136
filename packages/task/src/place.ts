import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { expectActive, lockScopePath, scopeUuid } from '@sentral/kernel/scopes/view';
import { schemaName } from './change.js';
import type { Initiator } from './store/sql.js';

/** Whose rights are looked up later, when there is no credential. */
export const initiatorOf = ({ principal: { type, id, groups } }: Caller): Initiator => ({
  type,
  id,
  ...(groups === undefined ? {} : { groups }),
});

/**
 * Where a task is to lie, locked: while it is being made, no scope of its path is counted empty.
 * @throws Problem reference-not-found | scope-not-active
 */
export async function lockPlace(tx: Tx, scopeId: string) {
  const path = await lockScopePath(tx, schemaName, scopeUuid(scopeId));
  const tenantId = path.at(-1)?.tenantId ?? null;
  if (tenantId === null) throw problem('reference-not-found', { pointer: '/scopeId', resourceType: 'scope' });
  expectActive(path);
  const idOf = (kind: 'project' | 'environment') => path.find((scope) => scope.kind === kind)?.id ?? null;
  return { tenantId, projectId: idOf('project'), environmentId: idOf('environment') };
}
