import type { Caller } from '@sentral/contracts/contract';
import type { Tx } from '@sentral/kernel/database';
import { takingSight, type Sight } from '../reading.js';
import type { LockedCapacity } from './capacity-sql.js';
import {
  listHeldWhole,
  listNodeOwners,
  listUsedInside,
  listWholesOf,
  lockNodesToTake,
  type Entangled,
  type NodeToTake,
} from './node-sql.js';
import type { Wanted } from './rules.js';
import { movedOn } from './sql.js';

/** What takings are judged by: the locked counters, and the nodes that things lie at or that are taken. */
export interface Supply {
  readonly counters: ReadonlyMap<string, LockedCapacity>;
  /** Those that may be given to whom it is for. */
  readonly nodes: ReadonlyMap<string, NodeToTake>;
  /** When someone has the whole of a node, or of what it is a part of. */
  readonly heldWhole: readonly Entangled[];
  /** When a component of a node is in use. */
  readonly usedInside: readonly Entangled[];
}

/** A thing that somebody takes for a tenant. */
interface Asking {
  readonly caller: Caller;
  readonly tenantId: string;
  readonly item: Wanted;
}

const seesAll = ({ caller }: Pick<Asking, 'caller'>): boolean => takingSight(caller, undefined) === 'everything';

/** One lock of all nodes, in the order of ids; then what of them each may be given. */
export async function suppliesOf(
  tx: Tx,
  asking: readonly Asking[],
  counters: Supply['counters'],
): Promise<(caller: Caller, tenantId: string) => Supply> {
  const ids = (what: Wanted['what']) => asking.flatMap(({ item }) => (item.what === what ? [item.providerId] : []));
  const shared = new Set(ids('capacity'));
  const nodeIds = [...new Set([...ids('node'), ...shared])];
  const tenants = [...new Set(asking.map(({ tenantId }) => tenantId))];
  const sight: Sight = asking.some(seesAll) ? 'everything' : { tenants, shared: true };
  const wholes = new Set(ids('node'));
  const above = await listWholesOf(tx, nodeIds);
  const nodes =
    nodeIds.length === 0 ? [] : await lockNodesToTake(tx, sight, { ids: nodeIds, above, whole: wholes.size > 0 });
  // A component that moved before it was locked is part of something that is not.
  if ((await listWholesOf(tx, nodeIds)).some((id) => !above.includes(id))) throw movedOn;
  const idsOf = (some: typeof nodes): string[] => some.map(({ id }) => id);
  const heldWhole = await listHeldWhole(tx, {
    inParts: idsOf(nodes.filter((node) => node.allocMode === 'exclusive' && shared.has(node.id))),
    ids: idsOf(nodes),
  });
  const usedInside = await listUsedInside(tx, idsOf(nodes.filter(({ id }) => wholes.has(id))));
  // Where all see alike, what the lock saw is what each may be given.
  const alike = asking.every(seesAll) || (tenants.length < 2 && sight !== 'everything');
  const owners = alike ? undefined : await listNodeOwners(tx, idsOf(nodes));
  const supply = (given: typeof nodes): Supply => ({
    counters,
    heldWhole,
    usedInside,
    nodes: new Map(given.map((node) => [node.id, node])),
  });
  const whole = supply(nodes);
  const supplies = new Map(
    tenants.map((tenantId) => [
      tenantId,
      owners === undefined ? whole : supply(nodes.filter(({ id }) => (owners.get(id) ?? tenantId) === tenantId)),
    ]),
  );
  return (caller, tenantId) => (seesAll({ caller }) ? whole : (supplies.get(tenantId) ?? supply([])));
}
