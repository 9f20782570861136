import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Node } from '@sentral/contracts/inventory/node';
import { mergePatch, sameJson } from '@sentral/contracts/merge-patch';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { refuseLeaving } from '../pool/leaving.js';
import { findPoolLeft } from '../pool/sql.js';
import { expectTenant } from '../projection/active.js';
import { bringForward } from '../projection/bring.js';
import { refuseHeld } from '../projection/holds.js';
import { findKind } from '../kind/sql.js';
import { rackShape } from '../rack/rules.js';
import { endClaims, upsertRack } from '../rack/sql.js';
import { concealed, sightOf, type Sight } from '../reading.js';
import { expectVersion } from '../version.js';
import { conflicting } from './conflicting.js';
import { standInRack } from './position.js';
import { toNode, type NodeRow } from './row.js';
import { placementFault } from './rules.js';
import { endCleaning } from './clean-sql.js';
import { amendNodeRow, findNode, findSiblingOfName, lockNodes, type NodeState } from './sql.js';
import { expectTraits } from './traits.js';

type Patch = Command<'node', 'amend'>['patch'];

/**
 * Changes what is named in the patch; a patch that changes nothing moves no version.
 * @throws Problem not-found, version-mismatch, reference-not-found, already-exists, topology-violation, cycle-detected, allocation-conflict, state-conflict
 */
export async function amendNode(deps: Deps, caller: Caller, command: Command<'node', 'amend'>): Promise<Node> {
  const claimIds = [deps.newId(), deps.newId()] as const;
  await bringForward(deps, caller.scopes);
  return inChange(deps, caller, (tx) => amended({ tx, caller, claimIds }, command));
}

interface Attempt {
  readonly tx: Tx;
  readonly caller: Caller;
  readonly claimIds: readonly [string, string];
}

export async function amended(
  { tx, caller, claimIds }: Attempt,
  { id: nodeId, version, patch }: Command<'node', 'amend'>,
): Promise<Node> {
  const id = decodeId('nod', nodeId);
  const parentId = patch.parentId == null ? null : decodeId('nod', patch.parentId);
  const sight = sightOf(caller);
  if (patch.tenantId != null) await expectTenant(tx, sight, { id: patch.tenantId, pointer: '/patch/tenantId' });
  // Both at once, by id: two moves that swap places must not wait for each other.
  const locked = await lockNodes(tx, sight, parentId === null ? [id] : [id, parentId]);
  const current = locked.find((row) => row.id === id);
  if (current === undefined) throw problem('not-found', { resourceType: 'node' });
  await expectVersion(tx, { prefix: 'nod', id, version: current.version }, version);
  if (current.state === 'retired') throw problem('state-conflict', { state: current.state, allowedStates: [] });
  if (parentId !== null && !locked.some((row) => row.id === parentId))
    throw problem('reference-not-found', { pointer: '/patch/parentId', resourceType: 'node' });
  const to = stateAfter(current, patch, parentId);
  await checkPlace(tx, sight, { current, to, parent: locked.find((row) => row.id === parentId) });
  const before = toNode(current);
  const moves = patch.position !== undefined && !sameJson(patch.position, before.position ?? null);
  const changes = (Object.keys(to) as (keyof NodeState)[]).some((field) => !sameJson(current[field], to[field]));
  if (!moves && !changes) return concealed(tx, sight, before);
  if (current.position != null && patch.position === undefined && to.parentId !== current.parentId) {
    throw problem('topology-violation', { rule: 'position_belongs_to_the_rack' });
  }
  if (to.parentId !== current.parentId) {
    await refuseHeld(tx, nodeId);
    const left = await findPoolLeft(tx, { from: current.parentId, to: to.parentId });
    if (left !== undefined) await refuseLeaving(tx, caller, [id]);
  }
  await amendNodeRow(tx, id, to);
  if (current.state === 'scrubbing' && to.state === 'available') await endCleaning(tx, id);
  if (current.kind === 'rack') {
    const shape = rackShape(to.attributes as Record<string, unknown>);
    if (shape === undefined) throw problem('topology-violation', { rule: 'rack_shape_not_possible' });
    await upsertRack(tx, { nodeId: id, ...shape });
  }
  if (moves) {
    await endClaims(tx, id);
    if (patch.position != null)
      await standInRack(tx, sight, { id, rackId: to.parentId, position: patch.position, claimIds });
  }
  const row = await findNode(tx, 'everything', id);
  if (row === undefined) throw new Error('a node that was amended is not there');
  const after = toNode(row);
  await recordChanges(tx, caller, [{ what: 'node.amended', id, version: row.version, before, after }]);
  return concealed(tx, sight, after);
}

function stateAfter(row: NodeRow, patch: Patch, parentId: string | null): NodeState {
  return {
    name: patch.name === undefined ? row.name : patch.name,
    // A name given by the source may repeat; one given here is claimed.
    nameExclusive: patch.name === undefined ? row.nameExclusive : patch.name !== null,
    parentId: patch.parentId === undefined ? row.parentId : parentId,
    tenantId:
      patch.tenantId === undefined ? row.tenantId : patch.tenantId === null ? null : decodeId('tnt', patch.tenantId),
    attributes: patch.attributes === undefined ? row.attributes : mergePatch(row.attributes, patch.attributes),
    traits: patch.traits ?? row.traits,
    labels: patch.labels === undefined ? row.labels : mergePatch(row.labels, patch.labels),
    intent: patch.intent ?? row.intent,
    state: patch.state ?? row.state,
    cleaningSeconds: patch.cleaningSeconds === undefined ? row.cleaningSeconds : patch.cleaningSeconds,
    scrubs: patch.scrubs === undefined ? row.scrubs : patch.scrubs,
  };
}

async function checkPlace(
  tx: Tx,
  sight: Sight,
  { current, to, parent }: { current: NodeRow; to: NodeState; parent: NodeRow | undefined },
): Promise<void> {
  const kind = await findKind(tx, current.kind);
  if (kind === undefined) throw new Error(`no kind ${current.kind}`);
  await expectTraits(tx, kind, { traits: to.traits, pointer: '/patch/traits' });
  const moved = to.parentId !== current.parentId;
  if (moved) {
    if (to.parentId === current.id) throw problem('cycle-detected', { path: [encodeId('nod', current.id)] });
    const fault = placementFault(kind, parent);
    if (fault !== undefined)
      throw problem('topology-violation', {
        rule: fault,
        kind: kind.key,
        ...(parent ? { parentKind: parent.kind } : {}),
      });
  }
  if (to.name === null || !to.nameExclusive || (!moved && to.name === current.name)) return;
  const sibling = await findSiblingOfName(tx, {
    parentId: to.parentId,
    kind: kind.key,
    name: to.name,
    not: current.id,
  });
  if (sibling !== undefined)
    throw problem('already-exists', { field: 'name', ...(await conflicting(tx, sight, sibling)) });
}
