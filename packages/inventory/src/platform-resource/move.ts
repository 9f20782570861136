import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Node } from '@sentral/contracts/inventory/node';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { recordChanges } from '../events.js';
import { toNode } from '../node/row.js';
import { amendNodeRow, findNode, lockNodes } from '../node/sql.js';
import { sightOf } from '../reading.js';
import { expectNothingOn } from './stood-on.js';
import { wasRecorded } from './sql.js';

export interface Move {
  readonly id: string;
  readonly from: Node['state'];
  readonly to: Node['state'];
  readonly partOf?: string | undefined;
  readonly status?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Moves a resource of the platform from one state to the next, with what its service has told of it.
 * @throws Problem not-found | state-conflict | has-dependents
 */
export async function moveRecord(tx: Tx, caller: Caller, move: Move): Promise<void> {
  const id = decodeId('nod', move.id);
  const [current] = await lockNodes(tx, sightOf(caller), [id]);
  if (current === undefined || !(await wasRecorded(tx, id))) throw problem('not-found', { resourceType: 'node' });
  if (current.state !== move.from)
    throw problem('state-conflict', { state: current.state, allowedStates: [move.from] });
  if (move.to === 'removing') await expectNothingOn(tx, id, move.partOf);
  const { status = current.attributes['status'] } = move;
  const attributes = { ...current.attributes, ...(status === undefined ? {} : { status }) };
  await amendNodeRow(tx, id, { ...current, attributes, state: move.to });
  const row = await findNode(tx, 'everything', id);
  if (row === undefined) throw new Error('a node that was amended is not there');
  const [before, after] = [toNode(current), toNode(row)];
  await recordChanges(tx, caller, [{ what: 'node.amended', id, version: row.version, before, after }]);
}
