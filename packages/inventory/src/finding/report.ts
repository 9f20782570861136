import type { Caller } from '@sentral/contracts/contract';
import { decodeId, type Id, type Prefix } from '@sentral/contracts/ids';
import { inChange } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { bounded } from './rules.js';
import { settle, type Sighting } from './settle.js';
import { lockSource } from './sql.js';
import { expectPast, expectWhole } from './told.js';

/**
 * Moves findings by what was seen of things, where who reports has compared it.
 * @throws Problem permission-denied, reference-not-found
 */
export async function reportFindings(
  deps: Deps,
  caller: Caller,
  { source, sightings }: Command<'finding', 'report'>,
): Promise<Result<'finding', 'report'>> {
  expectWhole(caller, 'inventory.finding.report');
  const told = sightings.map((each): Sighting => ({
    id: deps.newId(),
    resource: each.resource,
    generation: each.generation,
    observedAt: new Date(each.observedAt),
    nodeId: uuid('nod', each.nodeId),
    tenantId: uuid('tnt', each.tenantId),
    allocationId: uuid('alc', each.allocationId),
    taskId: uuid('tsk', each.taskId),
    stepId: uuid('stp', each.stepId),
    verdict:
      each.kind === undefined
        ? { is: 'as-intended' }
        : { is: 'different', kind: each.kind, differences: bounded(each.differences) },
    looksAt: () => true,
  }));
  return inChange(deps, caller, async (tx) => {
    await lockSource(tx, source);
    await expectPast(tx, sightings);
    return { items: [...(await settle(tx, caller, { source, sightings: told }))] };
  });
}

const uuid = <P extends Prefix>(prefix: P, id: Id<P> | undefined): string | null =>
  id === undefined ? null : decodeId(prefix, id);
