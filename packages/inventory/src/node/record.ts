import type { Caller } from '@sentral/contracts/contract';
import { decodeId, type Id } from '@sentral/contracts/ids';
import type { Node } from '@sentral/contracts/inventory/node';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { recordChanges } from '../events.js';
import { sightOf } from '../reading.js';
import { registered } from './register.js';
import { toNode } from './row.js';
import { amendNodeRow, findNode, lockNodes } from './sql.js';

/** The platform's own records: what tasks make, and nobody registers by hand in these states. */
export const recordKinds = ['network', 'machine', 'cluster', 'bucket'] as const;

interface NewRecord {
  readonly id: Id<'nod'>;
  readonly kind: (typeof recordKinds)[number];
  readonly name?: string | undefined;
  readonly tenantId: Id<'tnt'>;
  readonly attributes: Record<string, unknown>;
  readonly labels: Record<string, string>;
}

/**
 * Records what a task is about to make, in the state `provisioning`.
 * @throws Problem reference-not-found | already-exists
 */
export const recordNode = (tx: Tx, caller: Caller, record: NewRecord): Promise<Node> =>
  registered(
    // It stands in no rack: nothing is claimed, and no id for a claim is needed.
    { tx, caller, id: decodeId('nod', record.id), claimIds: [record.id, record.id] },
    { ...record, traits: [], intent: 'in_service', externalIds: [], state: 'provisioning' },
  );

/**
 * Moves a record of the platform from one state to the next.
 * @throws Problem not-found | state-conflict
 */
export async function moveRecord(
  tx: Tx,
  caller: Caller,
  move: { readonly id: Id<'nod'>; readonly from: Node['state']; readonly to: Node['state'] },
): Promise<void> {
  const id = decodeId('nod', move.id);
  const [current] = await lockNodes(tx, sightOf(caller), [id]);
  if (current === undefined || !recordKinds.some((kind) => kind === current.kind))
    throw problem('not-found', { resourceType: 'node' });
  if (current.state !== move.from)
    throw problem('state-conflict', { state: current.state, allowedStates: [move.from] });
  await amendNodeRow(tx, id, { ...current, state: move.to });
  const row = await findNode(tx, 'everything', id);
  if (row === undefined) throw new Error('a node that was amended is not there');
  const [before, after] = [toNode(current), toNode(row)];
  await recordChanges(tx, caller, [{ what: 'node.amended', id, version: row.version, before, after }]);
}
