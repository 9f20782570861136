import type { Caller } from '@sentral/contracts/contract';
import type { Tx } from '@sentral/kernel/database';
import { takingSight } from '../reading.js';
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

/** A thing that somebody takes. */
interface Asking {
  readonly caller: Caller;
  readonly item: Wanted;
}

const seesAll = ({ caller }: Pick<Asking, 'caller'>): boolean => takingSight(caller, undefined) === 'everything';

/** The nodes of a transaction under their locks, as they are for everyone. */
export interface LockedNodes {
  readonly nodes: readonly NodeToTake[];
  readonly heldWhole: readonly Entangled[];
  readonly usedInside: readonly Entangled[];
  /** By node; what is dedicated to nobody has none. Nothing where nobody has to be kept from another's. */
  readonly owners: ReadonlyMap<string, string> | undefined;
}

/** One lock of all nodes, in the order of ids, and what is to know of them; sent in one go. */
export async function lockNodes(tx: Tx, asking: readonly Pick<Asking, 'caller' | 'item'>[]): Promise<LockedNodes> {
  const ids = (what: Wanted['what']) => [
    ...new Set(asking.flatMap(({ item }) => (item.what === what ? [item.providerId] : []))),
  ];
  const [shared, wholes] = [ids('capacity'), ids('node')];
  const nodeIds = [...new Set([...wholes, ...shared])];
  if (nodeIds.length === 0) return { nodes: [], heldWhole: [], usedInside: [], owners: undefined };
  const [nodes, above, heldWhole, usedInside, owners] = await Promise.all([
    lockNodesToTake(tx, { ids: nodeIds, whole: wholes.length > 0 }),
    listWholesOf(tx, nodeIds),
    listHeldWhole(tx, { inParts: shared, ids: nodeIds }),
    listUsedInside(tx, wholes),
    asking.every(seesAll) ? undefined : listNodeOwners(tx, nodeIds),
  ]);
  // A component that moved before it was locked is part of something that is not.
  const locked = new Set(nodes.map(({ id }) => id));
  if (above.some((id) => !locked.has(id))) throw movedOn;
  return { nodes, heldWhole, usedInside, owners };
}

/** What of the locked each may be given. */
export function suppliesOf(
  { nodes, heldWhole, usedInside, owners }: LockedNodes,
  counters: Supply['counters'],
): (caller: Caller, tenantId: string) => Supply {
  const supply = (given: LockedNodes['nodes']): Supply => ({
    counters,
    heldWhole,
    usedInside,
    nodes: new Map(given.map((node) => [node.id, node])),
  });
  const whole = supply(nodes);
  const supplies = new Map<string, Supply>();
  return (caller, tenantId) => {
    if (owners === undefined || seesAll({ caller })) return whole;
    const known = supplies.get(tenantId) ?? supply(nodes.filter(({ id }) => (owners.get(id) ?? tenantId) === tenantId));
    supplies.set(tenantId, known);
    return known;
  };
}
