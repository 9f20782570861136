import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Node } from '@sentral/contracts/inventory/node';
import { sameJson } from '@sentral/contracts/merge-patch';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inOperation, toReplace, type Operation } from '../allocation/operation.js';
import { performBeside, type Beside } from '../allocation/perform.js';
import type { Wanted as Taken } from '../allocation/rules.js';
import { dropOffer, offerOf, putOffer, refused, type Wanted } from '../capacity/edit.js';
import { listCapacities, touchNode, type CapacityRow } from '../capacity/sql.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { findKind } from '../kind/sql.js';
import { bringForward } from '../projection/bring.js';
import { refuseHeld } from '../projection/holds.js';
import { endClaims } from '../rack/sql.js';
import { conceal, seenIds, sightOf, type Sight } from '../reading.js';
import { expectVersion } from '../version.js';
import { standInRack } from './position.js';
import { toNode, type NodeRow } from './row.js';
import { placementFault } from './rules.js';
import { findNode, lockNodes, moveNodes } from './sql.js';

type Asked = Command<'node', 'reshape'>['nodes'][number];

/** A node under its lock, with what becomes of it. */
interface Change {
  readonly asked: Asked;
  readonly at: string;
  readonly current: NodeRow;
  readonly parentId: string | null;
  readonly moves: boolean;
  readonly stands: boolean;
  readonly claimIds: readonly [string, string];
  readonly before: readonly CapacityRow[];
  readonly offer: Wanted | undefined;
}

/**
 * Moves nodes, what they offer and what holders have of them in one transaction, judged as it ends up: what is in the way on the
 * way there is in nobody's way.
 * @throws Problem what node.amend, capacity.set and allocation.replace refuse with
 */
export async function reshapeNodes(
  deps: Deps,
  caller: Caller,
  command: Command<'node', 'reshape'>,
): Promise<Result<'node', 'reshape'>> {
  refuseTwice(command);
  await bringForward(deps, caller.scopes);
  const operations: Operation[] = [];
  for (const [index, each] of command.allocations.entries())
    operations.push(await inOperation(index, () => toReplace(deps, caller, each)));
  const nodes: Node[] = [];
  const claimIds = command.nodes.map(() => [deps.newId(), deps.newId()] as const);
  const beside: Beside = {
    nodeIds: command.nodes.filter((each) => each.capacities !== undefined).map(({ id }) => decodeId('nod', id)),
    prepare: async (tx, taken, held) => {
      const changes = await changesOf(tx, caller, { asked: command.nodes, claimIds, taken, held });
      await move(tx, sightOf(caller), changes);
      for (const { current, before, offer } of changes)
        if (offer !== undefined) await putOffer(tx, { id: current.id, before, wanted: offer });
      return async () => {
        nodes.splice(0, nodes.length, ...(await complete(tx, caller, changes)));
      };
    },
  };
  return performBeside(deps, caller, {
    operations,
    beside,
    answer: (allocations) => ({ nodes: [...nodes], allocations }),
  });
}

/** @throws Problem validation-failed */
function refuseTwice({ nodes, allocations }: Command<'node', 'reshape'>): void {
  for (const [list, all] of Object.entries({ nodes, allocations }))
    for (const [at, { id }] of all.entries())
      if (all.findIndex((other) => other.id === id) < at)
        throw refused(`/${list}/${at}/id`, 'duplicate', 'is named twice');
  for (const [index, { capacities = [] }] of nodes.entries())
    for (const [at, each] of capacities.entries())
      if (capacities.findIndex((other) => other.class === each.class) < at)
        throw refused(`/nodes/${index}/capacities/${at}/class`, 'duplicate', 'is named twice');
}

/**
 * Locks every node that is changed, moved into or taken from, at once and by id, and holds those that are named to their versions.
 * @throws Problem reference-not-found | version-mismatch | state-conflict | topology-violation | cycle-detected | blocked-by-hold
 */
async function changesOf(
  tx: Tx,
  caller: Caller,
  of: {
    asked: readonly Asked[];
    claimIds: readonly (readonly [string, string])[];
    taken: readonly Taken[];
    held: readonly string[];
  },
): Promise<readonly Change[]> {
  const sight = sightOf(caller);
  const named = of.asked.flatMap(({ id, parentId }) => [id, ...(parentId == null ? [] : [parentId])]);
  const seen = await seenIds(tx, sight, { noun: 'node', ids: named.map((id) => decodeId('nod', id)) });
  const providers = of.taken
    .filter(({ what }) => what === 'node' || what === 'capacity')
    .map(({ providerId }) => providerId);
  const given: Sight = sight === 'everything' ? sight : { ...sight, shared: true };
  const takable = await seenIds(tx, given, { noun: 'node', ids: providers });
  const rows = await lockNodes(tx, 'everything', [...new Set([...seen, ...takable, ...of.held])]);
  const changes: Change[] = [];
  for (const [index, asked] of of.asked.entries()) {
    const at = `/nodes/${index}`;
    const row = (id: string, pointer: string): NodeRow => {
      const found = rows.find((each) => each.id === decodeId('nod', id));
      if (found === undefined || !seen.has(found.id))
        throw problem('reference-not-found', { pointer, resourceType: 'node' });
      return found;
    };
    const current = row(asked.id, `${at}/id`);
    await expectVersion(tx, { prefix: 'nod', id: current.id, version: current.version }, asked.version);
    if (current.state === 'retired')
      throw problem('state-conflict', { nodeId: asked.id, state: current.state, allowedStates: [] });
    const parent = asked.parentId == null ? undefined : row(asked.parentId, `${at}/parentId`);
    const parentId = asked.parentId === undefined ? current.parentId : (parent?.id ?? null);
    const moves = parentId !== current.parentId;
    if (moves) await expectPlace(tx, { asked, current, parent });
    const before = asked.capacities === undefined ? [] : await listCapacities(tx, current.id);
    changes.push({
      asked,
      at,
      current,
      parentId,
      moves,
      stands: asked.position !== undefined && !sameJson(asked.position, toNode(current).position ?? null),
      claimIds: of.claimIds[index] as readonly [string, string],
      before,
      offer: asked.capacities?.map((offer, n) => ({ offer, pointer: `${at}/capacities/${n}` })),
    });
  }
  return changes;
}

async function expectPlace(
  tx: Tx,
  { asked, current, parent }: { asked: Asked; current: NodeRow; parent: NodeRow | undefined },
): Promise<void> {
  if (parent?.id === current.id) throw problem('cycle-detected', { path: [asked.id] });
  const kind = await findKind(tx, current.kind);
  if (kind === undefined) throw new Error(`no kind ${current.kind}`);
  const nodeId = asked.id;
  const fault = placementFault(kind, parent);
  if (fault !== undefined)
    throw problem('topology-violation', {
      rule: fault,
      nodeId,
      kind: kind.key,
      ...(parent === undefined ? {} : { parentKind: parent.kind }),
    });
  if (current.position != null && asked.position === undefined)
    throw problem('topology-violation', { rule: 'position_belongs_to_the_rack', nodeId });
  await refuseHeld(tx, nodeId);
}

const changed = ({ moves, stands, before, offer }: Change): boolean =>
  moves ||
  stands ||
  (offer !== undefined && !sameJson(byClass(before.map(offerOf)), byClass(offer.map((each) => each.offer))));

const byClass = <T extends { class: string }>(offers: readonly T[]): readonly T[] =>
  offers.toSorted((a, b) => (a.class < b.class ? -1 : 1));

/** Everyone leaves before anyone comes, and all parents change in one statement: two that swap places are in nobody's way. */
async function move(tx: Tx, sight: Sight, changes: readonly Change[]): Promise<void> {
  for (const { current, stands } of changes) if (stands) await endClaims(tx, current.id);
  await moveNodes(
    tx,
    changes.filter(({ moves }) => moves).map(({ current, parentId }) => ({ id: current.id, parentId })),
  );
  for (const { asked, current, parentId, stands, claimIds } of changes)
    if (stands && asked.position != null)
      await standInRack(tx, sight, { id: current.id, rackId: parentId, position: asked.position, claimIds });
  for (const change of changes) if (changed(change) && !change.moves) await touchNode(tx, change.current.id);
}

/** What is no longer offered goes once holders have moved; then each node that is another one has its fact. */
async function complete(tx: Tx, caller: Caller, changes: readonly Change[]): Promise<readonly Node[]> {
  const nodes: Node[] = [];
  for (const change of changes) {
    const { current, offer } = change;
    const { id } = current;
    if (offer !== undefined) await dropOffer(tx, caller, { before: await listCapacities(tx, id), wanted: offer });
    const row = await findNode(tx, 'everything', id);
    if (row === undefined) throw new Error('a node that was reshaped is not there');
    const after = toNode(row);
    nodes.push(after);
    if (!changed(change)) continue;
    const what = change.moves || change.stands ? 'node.amended' : 'node.offered';
    await recordChanges(tx, caller, [{ what, id, version: row.version, before: toNode(current), after }]);
  }
  return conceal(tx, sightOf(caller), nodes);
}
