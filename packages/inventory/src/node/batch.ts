import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Node } from '@sentral/contracts/inventory/node';
import { isProblem, problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange, judged } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { bringForward } from '../projection/bring.js';
import { lockTenant } from '../projection/sql.js';
import { sightOf, type Sight } from '../reading.js';
import { amended } from './amend.js';
import { registered } from './register.js';
import { retired } from './retire.js';
import { lockNodes, lockNodesAsTheyAre } from './sql.js';

type Operation = Command<'node', 'batch'>['operations'][number];

/** An operation with the ids that it may need, minted before the transaction, so that a retry is the same attempt. */
type Prepared = Operation & { readonly newIds: { readonly id: string; readonly claimIds: readonly [string, string] } };

/**
 * Several changes of nodes in their order, all or none; a refusal names the operation.
 * @throws Problem not-found, version-mismatch, reference-not-found, already-exists, topology-violation, cycle-detected, allocation-conflict, state-conflict, has-dependents, blocked-by-hold
 */
export async function batchNodes(
  deps: Deps,
  caller: Caller,
  { operations }: Command<'node', 'batch'>,
): Promise<Result<'node', 'batch'>> {
  const mint = () => ({ id: deps.newId(), claimIds: [deps.newId(), deps.newId()] as const });
  const prepared = operations.map((each): Prepared => ({ ...each, newIds: mint() }));
  await bringForward(deps, caller.scopes);
  return inChange(deps, caller, async (tx) => {
    await lockAll(tx, sightOf(caller), operations);
    const items: Node[] = [];
    for (const [index, operation] of prepared.entries()) items.push(await at(index, one(tx, caller, operation)));
    return { items };
  });
}

/**
 * The tenants that nodes are dedicated to, then every node that is named, at once and by id: two batches over the same nodes in another order must not wait for each other.
 * Only where nothing but new nodes is written may others come to lie under the same parents meanwhile.
 */
async function lockAll(tx: Tx, sight: Sight, operations: readonly Operation[]): Promise<void> {
  const tenants = operations.flatMap((each) => {
    const tenant = each.op === 'create' ? each.node.tenantId : each.op === 'update' ? each.patch.tenantId : undefined;
    return tenant == null ? [] : [decodeId('tnt', tenant)];
  });
  for (const tenant of [...new Set(tenants)].toSorted()) await lockTenant(tx, tenant);
  const ids = operations.flatMap((each) => {
    const parent = each.op === 'create' ? each.node.parentId : each.op === 'update' ? each.patch.parentId : undefined;
    return [...(each.op === 'create' ? [] : [each.id]), ...(parent == null ? [] : [parent])];
  });
  const named = [...new Set(ids)].map((id) => decodeId('nod', id));
  const lock = operations.every(({ op }) => op === 'create') ? lockNodesAsTheyAre : lockNodes;
  if (named.length > 0) await lock(tx, sight, named);
}

function one(tx: Tx, caller: Caller, operation: Prepared): Promise<Node> {
  const { claimIds } = operation.newIds;
  switch (operation.op) {
    case 'create': {
      const id = operation.node.id === undefined ? operation.newIds.id : decodeId('nod', operation.node.id);
      return registered({ tx, caller, id, claimIds }, operation.node);
    }
    case 'update':
      return amended({ tx, caller, claimIds }, operation);
    case 'delete':
      return retired(tx, caller, operation);
  }
}

/** What a constraint says within an operation is that operation's refusal; a conflict that is to be tried again goes on as it is. */
async function at<T>(operationIndex: number, outcome: Promise<T>): Promise<T> {
  try {
    return await judged(outcome);
  } catch (error) {
    if (!isProblem(error) || error.status >= 500) throw error;
    throw problem(error.code, { ...error.facts, operationIndex }, error.detail);
  }
}
