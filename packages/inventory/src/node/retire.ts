import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId, type Prefix } from '@sentral/contracts/ids';
import type { Node } from '@sentral/contracts/inventory/node';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { refuseHeld } from '../projection/holds.js';
import { endClaims } from '../rack/sql.js';
import { concealed, sightOf } from '../reading.js';
import { expectVersion } from '../version.js';
import { toNode } from './row.js';
import { endNode, findNode, listDependents, lockNodes, type Dependent } from './sql.js';

/**
 * Takes a node out of the graph and keeps its history; refused while anything depends on it.
 * @throws Problem not-found, version-mismatch, has-dependents, blocked-by-hold
 */
export async function retireNode(deps: Deps, caller: Caller, command: Command<'node', 'retire'>): Promise<Node> {
  return inChange(deps, caller, (tx) => retired(tx, caller, command));
}

export async function retired(tx: Tx, caller: Caller, command: Command<'node', 'retire'>): Promise<Node> {
  const id = decodeId('nod', command.id);
  const sight = sightOf(caller);
  const [current] = await lockNodes(tx, sight, [id]);
  // What is gone is gone: a second delete finds nothing.
  if (current === undefined || current.state === 'retired') throw problem('not-found', { resourceType: 'node' });
  await expectVersion(tx, { prefix: 'nod', id, version: current.version }, command.version);
  await refuseHeld(tx, command.id);
  const dependents = await listDependents(tx, caller, id);
  if (dependents.length > 0) throw problem('has-dependents', { dependents: byType(dependents) });
  await endClaims(tx, id);
  await endNode(tx, id);
  const row = await findNode(tx, 'everything', id);
  if (row === undefined) throw new Error('a node that was retired is not there');
  const after = toNode(row);
  await recordChanges(tx, caller, [{ what: 'node.retired', id, version: row.version, before: toNode(current), after }]);
  return concealed(tx, sight, after);
}

const prefixOf: Record<string, Prefix> = { node: 'nod', edge: 'edg', allocation: 'alc' };

function byType(dependents: readonly Dependent[]) {
  const types = [...new Set(dependents.flatMap(({ type }) => type ?? []))];
  return types.map((type) => {
    const these = dependents.filter((each) => each.type === type);
    const prefix = prefixOf[type];
    return {
      type,
      count: these[0]?.count ?? 0,
      ...(prefix === undefined ? {} : { ids: these.flatMap(({ id }) => (id === null ? [] : encodeId(prefix, id))) }),
    };
  });
}
