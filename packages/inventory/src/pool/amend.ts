import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Pool } from '@sentral/contracts/inventory/pool';
import { mergePatch, sameJson } from '@sentral/contracts/merge-patch';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { sightOf } from '../reading.js';
import { expectVersion } from '../version.js';
import { refuseLeaving } from './leaving.js';
import { membersOf } from './members.js';
import { amendPoolRow, findPool, lockPool, shownPool, toPool, writeMembers, type Member } from './sql.js';

/**
 * Changes what the patch names; members are a set that replaces the old one.
 * @throws Problem not-found, version-mismatch, already-exists, reference-not-found, has-dependents
 */
export const amendPool = (deps: Deps, caller: Caller, command: Command<'pool', 'amend'>): Promise<Pool> =>
  inChange(deps, caller, (tx) => amended(tx, caller, command));

async function amended(
  tx: Tx,
  caller: Caller,
  { id: poolId, version, patch }: Command<'pool', 'amend'>,
): Promise<Pool> {
  const id = decodeId('pol', poolId);
  const sight = sightOf(caller);
  const current = await lockPool(tx, sight, id);
  if (current === undefined) throw problem('not-found', { resourceType: 'pool' });
  await expectVersion(tx, { prefix: 'pol', id, version: current.version }, version);
  const to = {
    name: patch.name ?? current.name,
    labels: patch.labels === undefined ? current.labels : mergePatch(current.labels, patch.labels),
    members:
      patch.members === undefined
        ? current.members
        : await membersOf(tx, sight, { members: patch.members, pointer: '/patch/members' }),
  };
  const from = { name: current.name, labels: current.labels, members: current.members };
  if (sameJson({ ...from, members: byNode(from.members) }, { ...to, members: byNode(to.members) }))
    return shownPool(tx, sight, current);
  const stay = new Set(to.members.map(({ nodeId }) => nodeId));
  await refuseLeaving(
    tx,
    caller,
    current.members.map(({ nodeId }) => nodeId).filter((nodeId) => !stay.has(nodeId)),
  );
  await amendPoolRow(tx, id, to);
  await writeMembers(tx, id, to.members);
  const row = await findPool(tx, 'everything', id);
  if (row === undefined) throw new Error('a pool that was amended is not there');
  const scope = row.tenantId === null ? {} : { scope: { tenantId: row.tenantId } };
  await recordChanges(tx, caller, [
    { what: 'pool.amended', id, version: row.version, before: toPool(current), after: toPool(row), ...scope },
  ]);
  return shownPool(tx, sight, row);
}

const byNode = (members: readonly Member[]): readonly string[] =>
  members.map(({ nodeId, shares }) => `${nodeId} ${shares}`).toSorted();
