import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { CapacityInput, NodeCapacities } from '@sentral/contracts/inventory/capacity';
import { sameJson } from '@sentral/contracts/merge-patch';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { overloaded } from '@sentral/kernel/errors';
import { inChange } from '../change.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { toNode } from '../node/row.js';
import { findNode, lockNodes } from '../node/sql.js';
import { sightOf } from '../reading.js';
import { findClass } from '../resource-class/sql.js';
import { expectVersion } from '../version.js';
import { offerFault } from './rules.js';
import {
  amendCapacityRow,
  insertCapacity,
  listCapacities,
  listHolders,
  lockCapacities,
  lockOffer,
  removeCapacityRow,
  toCapacity,
  touchNode,
  type CapacityRow,
} from './sql.js';

/** The offer as it shall be, with where in the command each entry stands. */
export type Wanted = readonly { readonly offer: CapacityInput; readonly pointer: string }[];

interface Edit {
  readonly nodeId: string;
  readonly version: number | undefined;
  /** From what the node offers under the locks to what it shall offer. */
  readonly to: (current: readonly CapacityRow[]) => Wanted;
}

/** What add, set, amend and remove have in common: the locks, the version, the whole offer judged, one fact. */
export async function editOffer(deps: Deps, caller: Caller, { nodeId, version, to }: Edit): Promise<NodeCapacities> {
  const id = decodeId('nod', nodeId);
  return inChange(deps, caller, async (tx) => {
    await lockOffer(tx, id);
    const before = await lockCapacities(tx, id);
    const [node] = await lockNodes(tx, sightOf(caller), [id]);
    if (node === undefined) throw problem('not-found', { resourceType: 'node' });
    // A reshape or an import has offered another class while we waited for the node, and its row is not locked.
    if ((await listCapacities(tx, id)).length !== before.length) throw overloaded();
    await expectVersion(tx, { prefix: 'nod', id, version: node.version }, version);
    if (node.state === 'retired') throw problem('state-conflict', { state: node.state, allowedStates: [] });
    const wanted = to(before);
    const changed = await writeOffer(tx, caller, { id, before, wanted });
    const after = changed ? await listCapacities(tx, id) : before;
    const at = changed ? node.version + 1 : node.version;
    if (changed) {
      await touchNode(tx, id);
      const row = await findNode(tx, 'everything', id);
      if (row === undefined) throw new Error('a node that was changed is not there');
      await recordChanges(tx, caller, [
        { what: 'node.offered', id, version: at, before: toNode(node), after: toNode(row) },
      ]);
    }
    return { nodeId: encodeId('nod', id), version: at, items: after.map((row) => toCapacity(row, at)) };
  });
}

async function writeOffer(tx: Tx, caller: Caller, { id, before, wanted }: Offered): Promise<boolean> {
  const dropped = await dropOffer(tx, caller, { before, wanted });
  return (await putOffer(tx, { id, before, wanted })) || dropped;
}

interface Offered {
  readonly id: string;
  readonly before: readonly CapacityRow[];
  readonly wanted: Wanted;
}

/**
 * Takes away what is no longer offered.
 * @throws Problem has-dependents: it is used
 */
export async function dropOffer(tx: Tx, caller: Caller, { before, wanted }: Omit<Offered, 'id'>): Promise<boolean> {
  const gone = before.filter((row) => !wanted.some(({ offer }) => offer.class === row.class));
  for (const row of gone) {
    if (row.used + row.booked > 0) throw await stillUsed(tx, caller, row);
    await removeCapacityRow(tx, row);
  }
  return gone.length > 0;
}

/**
 * Offers what is new or other than before.
 * @throws Problem validation-failed | reference-not-found
 */
export async function putOffer(tx: Tx, { id, before, wanted }: Offered): Promise<boolean> {
  let changed = false;
  for (const { offer, pointer } of wanted) {
    const current = before.find((row) => row.class === offer.class);
    if (current !== undefined && sameJson(offerOf(current), offer)) continue;
    const fault = offerFault(offer);
    if (fault !== undefined) throw refused(`${pointer}/${fault.field}`, 'contradiction', fault.message);
    changed = true;
    if (current !== undefined) await amendCapacityRow(tx, id, offer);
    else {
      if ((await findClass(tx, offer.class)) === undefined)
        throw problem('reference-not-found', { pointer: `${pointer}/class`, resourceType: 'resourceClass' });
      await insertCapacity(tx, id, offer);
    }
  }
  return changed;
}

export const refused = (pointer: string, code: string, message: string) =>
  problem('validation-failed', { errors: [{ pointer, code, message }] });

/** The row as it was asked for. */
export function offerOf({
  total,
  heldBack,
  overcommitPct,
  minUnit,
  maxUnit,
  step,
  ...row
}: CapacityRow): CapacityInput {
  return { class: row.class, total, heldBack, overcommitPct, minUnit, maxUnit, step };
}

async function stillUsed(tx: Tx, caller: Caller, row: CapacityRow) {
  const holders = await listHolders(tx, caller, row);
  const ids = holders.map(({ id }) => encodeId('alc', id));
  const dependents = holders.length === 0 ? [] : [{ type: 'allocation', count: holders[0]?.count ?? 0, ids }];
  return problem('has-dependents', { dependents });
}
