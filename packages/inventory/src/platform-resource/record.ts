import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Recording } from '@sentral/contracts/inventory/platform-resource';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { AllocationRow } from '../allocation/sql.js';
import { connected } from '../edge/connect.js';
import { disconnected } from '../edge/disconnect.js';
import { findEdge } from '../edge/sql.js';
import { recordChanges } from '../events.js';
import { retired } from '../node/retire.js';
import { toNode } from '../node/row.js';
import { findNode, insertNode, lockNodesAsTheyAre } from '../node/sql.js';
import {
  endPlatformResource,
  findPlatformResource,
  insertPlatformResource,
  listLiving,
  listMadeBy,
  wasRecorded,
} from './sql.js';

/**
 * Records what a task makes of what it holds, in the state `provisioning`; what was recorded before stays as it is. Under the lock of
 * the allocation, which keeps its scope from being counted empty: nothing is recorded after what it stands on was given back.
 * @throws Problem already-exists | reference-not-found | state-conflict
 */
export async function recordAll(
  tx: Tx,
  caller: Caller,
  { holder, taskId, records }: { holder: AllocationRow; taskId: string; records: readonly Recording[] },
): Promise<void> {
  for (const { nodeId, kind, name, labels, wanted, dependsOn } of records) {
    const id = decodeId('nod', nodeId);
    if (await wasRecorded(tx, id)) continue;
    const { tenantId, projectId, scopeId } = holder;
    await expectReady(tx, { scopeId, taskId }, dependsOn);
    await insertNode(tx, {
      id,
      kind,
      name,
      // Its name is claimed among those of its environment, not in the graph.
      nameExclusive: false,
      parentId: null,
      tenantId,
      attributes: { wanted },
      traits: [],
      labels,
      intent: 'in_service',
      state: 'provisioning',
    });
    await insertPlatformResource(tx, {
      nodeId: id,
      kind,
      name,
      tenantId,
      projectId,
      scopeId,
      taskId,
      allocationId: holder.id,
    });
    const row = await findNode(tx, 'everything', id);
    if (row === undefined) throw new Error('a node that was recorded is not there');
    await recordChanges(tx, caller, [{ what: 'node.registered', id, version: row.version, after: toNode(row) }]);
    // One edge at most, under the id of what depends: it is found again without a column of its own.
    if (dependsOn.length > 0)
      await connected(
        { tx, caller: seeing(caller, tenantId), id },
        { edgeType: 'depends', a: [nodeId], b: dependsOn, attributes: {}, externalIds: [] },
      );
  }
}

/** The task's doing, with its tenant's eyes: whoever brought it here may see less. */
const seeing = (caller: Caller, tenantId: string): Caller => ({
  ...caller,
  readScope: { tenantIds: [encodeId('tnt', tenantId)], projectIds: [], environmentIds: [] },
});

/** What something is to stand on is there and ready, or is made with it, and cannot begin to go away meanwhile. */
async function expectReady(
  tx: Tx,
  { scopeId, taskId }: { scopeId: string; taskId: string },
  nodeIds: readonly string[],
): Promise<void> {
  const ids = nodeIds.map((each) => decodeId('nod', each)).toSorted();
  if (ids.length === 0) return;
  await lockNodesAsTheyAre(tx, 'everything', ids);
  for (const id of ids) {
    const found = await findPlatformResource(tx, id);
    if (found?.scopeId !== scopeId)
      throw problem('reference-not-found', { pointer: '/records/0/dependsOn', resourceType: 'platformResource' });
    if (found.state !== 'available' && found.taskId !== taskId)
      throw problem('state-conflict', { state: found.state, allowedStates: ['available'] });
  }
}

/**
 * Ends the records of what is gone, and stands on nothing any more; one that has ended stays as it is.
 * @throws Problem has-dependents | blocked-by-hold
 */
export async function endRecords(tx: Tx, caller: Caller, nodeIds: readonly string[]): Promise<void> {
  const living = await listLiving(tx, nodeIds);
  for (const id of living) {
    const edge = await findEdge(tx, 'everything', id);
    if (edge?.live === true) await disconnected(tx, caller, { id: encodeId('edg', id) });
  }
  for (const id of living) {
    await retired(tx, caller, { id: encodeId('nod', id) });
    await endPlatformResource(tx, id);
  }
}

/** Ends what a task had recorded and takes back. */
export async function endRecordsOf(tx: Tx, caller: Caller, taskId: string): Promise<void> {
  await endRecords(tx, caller, await listMadeBy(tx, taskId));
}
