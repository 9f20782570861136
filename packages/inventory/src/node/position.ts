import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { constraintName } from '@sentral/kernel/errors';
import type { Tx } from '@sentral/kernel/database';
import { seenIds, type Sight } from '../reading.js';
import { findRack, insertClaims, listClaimsInTheWay, type RackPosition } from '../rack/sql.js';

/**
 * Stands a device in the rack that is its parent.
 * @throws Problem topology-violation, allocation-conflict
 */
export async function standInRack(
  tx: Tx,
  sight: Sight,
  device: { id: string; rackId: string | null; position: RackPosition; claimIds: readonly [string, string] },
): Promise<void> {
  const { rackId, position } = device;
  const rack = rackId === null ? undefined : await findRack(tx, rackId);
  if (rackId === null || rack === undefined) throw problem('topology-violation', { rule: 'position_needs_a_rack' });
  if (position.startHalfUnit + position.heightHalfUnits > rack.heightHalfUnits) {
    throw problem('topology-violation', { rule: 'rack_claim_inside_its_rack', heightHalfUnits: rack.heightHalfUnits });
  }
  try {
    await tx.savepoint(() => insertClaims(tx, { rackId, nodeId: device.id, position, ids: device.claimIds }));
  } catch (error) {
    if (constraintName(error) !== 'rack_units_taken_once') throw error;
    const inTheWay = await listClaimsInTheWay(tx, rackId, position);
    const seen = await seenIds(tx, sight, { noun: 'node', ids: inTheWay.map(({ nodeId }) => nodeId) });
    throw problem('allocation-conflict', {
      requested: { rackId: encodeId('nod', rackId), ...position },
      conflicts: [...seen].map((nodeId) => ({ value: encodeId('nod', nodeId) })),
      retryable: false,
    });
  }
}
