import type { Caller } from '@sentral/contracts/contract';
import { decodeId, type Id } from '@sentral/contracts/ids';
import type { Finding } from '@sentral/contracts/inventory/finding';
import type { InventoryEventName } from '@sentral/contracts/inventory-events';
import { problem } from '@sentral/contracts/problem';
import { inChange } from '../change.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { sightOf } from '../reading.js';
import { expectVersion } from '../version.js';
import { scopeOf, toFinding } from './resource.js';
import { decideFinding, findFinding, lockFinding, type Decision } from './sql.js';

interface Asked {
  readonly id: Id<'fnd'>;
  readonly version?: number | undefined;
  readonly note?: string | undefined;
  readonly taskId?: Id<'tsk'> | undefined;
}

interface Deciding {
  readonly to: Decision['state'];
  readonly from: readonly Finding['state'][];
  readonly what: InventoryEventName;
}

/** What somebody says of a finding, in one transaction. */
export function decide(
  deps: Deps,
  caller: Caller,
  { asked, ...how }: Deciding & { readonly asked: Asked },
): Promise<Finding> {
  return inChange(deps, caller, async (tx) => {
    const id = decodeId('fnd', asked.id);
    const current = await lockFinding(tx, sightOf(caller), id);
    if (current === undefined) throw problem('not-found', { resourceType: 'finding' });
    await expectVersion(tx, { prefix: 'fnd', id, version: current.version }, asked.version);
    if (!how.from.includes(current.state))
      throw problem('state-conflict', { state: current.state, allowedStates: [...how.from] });
    const { id: principalId, type } = caller.principal;
    await decideFinding(tx, id, {
      state: how.to,
      note: asked.note ?? null,
      decidedBy: { id: principalId, type },
      taskId: asked.taskId === undefined ? null : decodeId('tsk', asked.taskId),
    });
    const row = await findFinding(tx, 'everything', id);
    if (row === undefined) throw new Error('a finding that was decided on is not there');
    const after = toFinding(row);
    const reason = asked.note === undefined ? {} : { reason: asked.note };
    await recordChanges(tx, caller, [
      { what: how.what, id, version: row.version, before: toFinding(current), after, ...reason, ...scopeOf(row) },
    ]);
    return after;
  });
}
