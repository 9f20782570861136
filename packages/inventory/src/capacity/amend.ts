import type { Caller } from '@sentral/contracts/contract';
import type { CapacityInput, NodeCapacities } from '@sentral/contracts/inventory/capacity';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { editOffer, offerOf } from './edit.js';

type Patch = Command<'capacity', 'amend'>['patch'];

/**
 * Changes what the patch names; shrinking below what is used stops growth and nothing else.
 * @throws Problem not-found | version-mismatch | state-conflict | validation-failed
 */
export function amendCapacity(
  deps: Deps,
  caller: Caller,
  { patch, ...command }: Command<'capacity', 'amend'>,
): Promise<NodeCapacities> {
  return editOffer(deps, caller, {
    ...command,
    version: command.version,
    to: (current) => {
      if (!current.some((row) => row.class === command.class)) throw problem('not-found', { resourceType: 'capacity' });
      return current.map((row) => ({
        offer: row.class === command.class ? patched(offerOf(row), patch) : offerOf(row),
        pointer: '/patch',
      }));
    },
  });
}

function patched(offer: CapacityInput, patch: Patch): CapacityInput {
  return {
    class: offer.class,
    total: patch.total ?? offer.total,
    heldBack: patch.heldBack ?? offer.heldBack,
    overcommitPct: patch.overcommitPct ?? offer.overcommitPct,
    minUnit: patch.minUnit ?? offer.minUnit,
    maxUnit: patch.maxUnit ?? offer.maxUnit,
    step: patch.step ?? offer.step,
  };
}
