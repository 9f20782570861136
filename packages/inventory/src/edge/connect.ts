import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Edge } from '@sentral/contracts/inventory/edge';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { insertExternalIds } from '../external-id/sql.js';
import { findKind } from '../kind/sql.js';
import { lockNodesAsTheyAre } from '../node/sql.js';
import type { NodeRow } from '../node/row.js';
import { seenIds, sightOf, type Sight } from '../reading.js';
import { findDependencyLoop, findEdge, insertEdge, listCablesOf, lockDependencies, toEdge } from './sql.js';

type Asked = Command<'edge', 'connect'>;

/**
 * Makes an edge between the nodes of side a and those of side b; a port carries at most one live cable.
 * @throws Problem reference-not-found, already-exists, allocation-conflict, topology-violation, cycle-detected
 */
export async function connectNodes(deps: Deps, caller: Caller, command: Asked): Promise<Edge> {
  const id = deps.newId();
  return inChange(deps, caller, (tx) => connected({ tx, caller, id }, command));
}

export async function connected(
  { tx, caller, id }: { tx: Tx; caller: Caller; id: string },
  command: Asked,
): Promise<Edge> {
  const a = command.a.map((end) => decodeId('nod', end));
  const b = command.b.map((end) => decodeId('nod', end));
  const ends = [...a, ...b];
  if (new Set(ends).size < ends.length) throw problem('topology-violation', { rule: 'edge_end_node_once_per_edge' });
  const sight = sightOf(caller);
  const nodes = await lockNodesAsTheyAre(tx, sight, ends);
  checkThere(command, nodes);
  if (command.edgeType === 'connects') await checkPorts(tx, sight, nodes);
  if (command.edgeType === 'depends') {
    await lockDependencies(tx);
    if (await findDependencyLoop(tx, a, b)) throw problem('cycle-detected', { path: [...command.a, ...command.b] });
  }
  await insertEdge(tx, { id, edgeType: command.edgeType, attributes: command.attributes, a, b });
  await insertExternalIds(tx, { type: 'edge', id }, command.externalIds);
  const row = await findEdge(tx, 'everything', id);
  if (row === undefined) throw new Error('an edge that was inserted is not there');
  const after = toEdge(row);
  await recordChanges(tx, caller, [{ what: 'edge.connected', id, version: row.version, after }]);
  return after;
}

function checkThere(command: Asked, nodes: readonly NodeRow[]): void {
  const there = new Set(nodes.filter((node) => node.state !== 'retired').map((node) => encodeId('nod', node.id)));
  for (const side of ['a', 'b'] as const) {
    const at = command[side].findIndex((end) => !there.has(end));
    if (at >= 0) throw problem('reference-not-found', { pointer: `/${side}/${at}`, resourceType: 'node' });
  }
}

async function checkPorts(tx: Tx, sight: Sight, nodes: readonly NodeRow[]): Promise<void> {
  for (const key of new Set(nodes.map((node) => node.kind))) {
    if ((await findKind(tx, key))?.isConnectable !== true)
      throw problem('topology-violation', { rule: 'kind_is_not_connectable', kind: key });
  }
  const cabled = await listCablesOf(
    tx,
    nodes.map((node) => node.id),
  );
  if (cabled.length === 0) return;
  const seen = await seenIds(tx, sight, { noun: 'edge', ids: cabled.map(({ edgeId }) => edgeId) });
  throw problem('allocation-conflict', {
    requested: 'port',
    conflicts: cabled.map(({ nodeId, edgeId }) => ({
      value: encodeId('nod', nodeId),
      ...(seen.has(edgeId) ? { edgeId: encodeId('edg', edgeId) } : {}),
    })),
    retryable: false,
  });
}
