import type { ScopeRef } from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import { isId, parseId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { toHolding, type Holding } from './row.js';
import { firstLack } from './rules.js';
import { findAccess } from './sql.js';

const nothing: Holding = { epoch: 0, grants: [], denies: [] };

/**
 * What the caller holds at this moment, read inside the transaction that acts on it, under the lock of access: a grant that
 * was taken away before cannot be used to make another. Undefined for the system itself, which is judged by nobody.
 */
export async function holdingOf(tx: Tx, { principal }: Caller): Promise<Holding | undefined> {
  if (principal.type === 'system') return undefined;
  if (!isId('usr', principal.id) && !isId('sac', principal.id)) return nothing;
  const tokenId = principal.tokenId === undefined ? null : parseId(principal.tokenId).uuid;
  const groups = principal.groups ?? [];
  const row = await findAccess(tx, { by: 'id', id: parseId(principal.id).uuid, tokenId }, groups);
  if (row === undefined || row.state !== 'active' || (row.kind === 'user') !== isId('usr', principal.id))
    return nothing;
  // A token that is not its own, has ended or was taken back leaves nothing, and above all not more than with it.
  if (row.tokenId !== tokenId || row.tokenRevoked || row.tokenExpired === true) return nothing;
  return toHolding(row, groups);
}

/**
 * Refuses unless all of these are held on the scope: nobody gives or takes what it does not hold there itself.
 * @throws Problem permission-denied
 */
export function requireHeld(holding: Holding | undefined, wanted: readonly string[], scope: ScopeRef): void {
  if (holding === undefined) return;
  const lack = firstLack(holding, wanted, scope);
  if (lack !== undefined) throw problem('permission-denied', { ...lack });
}
