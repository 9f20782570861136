import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { listStandingOn } from './sql.js';

/**
 * What a living resource of the platform stands on is given back by its removal, and by nobody else. Asked under the lock of the allocation.
 * @throws Problem has-dependents
 */
export async function expectNotStoodOn(tx: Tx, caller: Caller, allocation: { readonly id: string }): Promise<void> {
  if (caller.principal.type === 'system') return;
  const rows = await tx.sql<{ id: string; kind: string }>`
    select node_id as id, kind from platform_resource where allocation_id = ${allocation.id} and ended_at is null order by kind, node_id`;
  refuse(rows);
}

/**
 * What others stand on is not taken from under them; `partOf` takes it along. Asked under the lock of its node.
 * @throws Problem has-dependents
 */
export async function expectNothingOn(tx: Tx, nodeId: string, partOf?: string): Promise<void> {
  const standing = await listStandingOn(tx, nodeId);
  refuse(standing.filter(({ id }) => encodeId('nod', id) !== partOf));
}

function refuse(rows: readonly { id: string; kind: string }[]): void {
  if (rows.length === 0) return;
  const kinds = [...new Set(rows.map(({ kind }) => kind))];
  const dependents = kinds.map((type) => {
    const ids = rows.filter(({ kind }) => kind === type).map(({ id }) => encodeId('nod', id));
    return { type, count: ids.length, ids: ids.slice(0, 20) };
  });
  throw problem('has-dependents', { dependents }, 'Remove what stands on it.');
}
