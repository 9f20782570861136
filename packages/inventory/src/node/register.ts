import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Node } from '@sentral/contracts/inventory/node';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { insertExternalIds } from '../external-id/sql.js';
import { findKind } from '../kind/sql.js';
import { expectTenant } from '../projection/active.js';
import { bringForward } from '../projection/bring.js';
import { rackShape } from '../rack/rules.js';
import { upsertRack } from '../rack/sql.js';
import { concealed, sightOf } from '../reading.js';
import { conflicting } from './conflicting.js';
import { standInRack } from './position.js';
import { toNode } from './row.js';
import { placementFault } from './rules.js';
import { findNode, findSiblingOfName, insertNode, lockNodesAsTheyAre, type NewNode } from './sql.js';
import { expectTraits } from './traits.js';

/**
 * Registers a node under its parent; the name is claimed among siblings of the same kind.
 * @throws Problem reference-not-found, already-exists, topology-violation, allocation-conflict, state-conflict
 */
export async function registerNode(deps: Deps, caller: Caller, command: Command<'node', 'register'>): Promise<Node> {
  const id = command.id === undefined ? deps.newId() : decodeId('nod', command.id);
  const claimIds = [deps.newId(), deps.newId()] as const;
  await bringForward(deps, caller.scopes);
  return inChange(deps, caller, (tx) => registered({ tx, caller, id, claimIds }, command));
}

interface Attempt {
  readonly tx: Tx;
  readonly caller: Caller;
  readonly id: string;
  readonly claimIds: readonly [string, string];
}

export async function registered(
  { tx, caller, id, claimIds }: Attempt,
  command: Omit<Command<'node', 'register'>, 'state'> & Pick<NewNode, 'state'>,
): Promise<Node> {
  const sight = sightOf(caller);
  const parentId = command.parentId === undefined ? null : decodeId('nod', command.parentId);
  const name = command.name ?? null;
  if (command.tenantId !== undefined) await expectTenant(tx, sight, { id: command.tenantId, pointer: '/tenantId' });
  const kind = await findKind(tx, command.kind);
  if (kind === undefined) throw problem('reference-not-found', { pointer: '/kind', resourceType: 'kind' });
  const [parent] = parentId === null ? [] : await lockNodesAsTheyAre(tx, sight, [parentId]);
  if (parentId !== null && parent === undefined)
    throw problem('reference-not-found', { pointer: '/parentId', resourceType: 'node' });
  const fault = placementFault(kind, parent);
  if (fault !== undefined)
    throw problem('topology-violation', {
      rule: fault,
      kind: kind.key,
      ...(parent ? { parentKind: parent.kind } : {}),
    });
  await expectTraits(tx, kind, { traits: command.traits, pointer: '/traits' });
  const sibling = name === null ? undefined : await findSiblingOfName(tx, { parentId, kind: kind.key, name, not: id });
  if (sibling !== undefined) {
    throw problem('already-exists', {
      field: 'name',
      ...(command.parentId === undefined ? {} : { parentId: command.parentId }),
      ...(await conflicting(tx, sight, sibling)),
    });
  }
  await insertNode(tx, {
    ...command,
    id,
    name,
    parentId,
    tenantId: command.tenantId === undefined ? null : decodeId('tnt', command.tenantId),
  });
  await insertExternalIds(tx, { type: 'node', id }, command.externalIds);
  if (kind.key === 'rack') {
    const shape = rackShape(command.attributes);
    if (shape === undefined) throw problem('topology-violation', { rule: 'rack_shape_not_possible' });
    await upsertRack(tx, { nodeId: id, ...shape });
  }
  if (command.position !== undefined)
    await standInRack(tx, sight, { id, rackId: parentId, position: command.position, claimIds });
  const row = await findNode(tx, 'everything', id);
  if (row === undefined) throw new Error('a node that was inserted is not there');
  const after = toNode(row);
  await recordChanges(tx, caller, [{ what: 'node.registered', id, version: row.version, after }]);
  return concealed(tx, sight, after);
}
