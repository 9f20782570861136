import type { Caller } from '@sentral/contracts/contract';
import type { Tx } from '@sentral/kernel/database';
import { takingSight, type Sight } from '../reading.js';
import type { LockedCapacity } from './capacity-sql.js';
import { listHeldWhole, listNodeOwners, lockNodesToTake, type NodeToTake } from './node-sql.js';
import type { Wanted } from './rules.js';

/** What takings are judged by: the locked counters, and the nodes that things lie at or that are taken. */
export interface Supply {
  readonly counters: ReadonlyMap<string, LockedCapacity>;
  /** Those that may be given to whom it is for. */
  readonly nodes: ReadonlyMap<string, NodeToTake>;
  /** Nodes of which someone has the whole. */
  readonly heldWhole: ReadonlySet<string>;
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
  const nodes = nodeIds.length === 0 ? [] : await lockNodesToTake(tx, sight, nodeIds);
  const exclusive = nodes.filter((node) => node.allocMode === 'exclusive' && shared.has(node.id));
  const heldWhole = new Set(
    await listHeldWhole(
      tx,
      exclusive.map(({ id }) => id),
    ),
  );
  // Where all see alike, what the lock saw is what each may be given.
  const alike = asking.every(seesAll) || (tenants.length < 2 && sight !== 'everything');
  const owners = alike
    ? undefined
    : await listNodeOwners(
        tx,
        nodes.map(({ id }) => id),
      );
  const supply = (given: typeof nodes): Supply => ({
    counters,
    heldWhole,
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
