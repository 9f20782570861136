import type { AllocationSelectingItem } from '@sentral/contracts/inventory/allocation';
import type { Placement } from '@sentral/contracts/inventory/placement';
import { problem } from '@sentral/contracts/problem';
import { readAsk, type Ask } from '../placement/ask.js';
import { needsOf } from '../placement/sql.js';

/** What one item describes in place of naming it; chosen in the transaction that takes it. */
export interface WantedPlace {
  readonly asked: Placement;
  readonly ask: Ask;
  readonly count: number;
  /** So many are enough. */
  readonly countMin: number;
  /** Its place among the items, and where that is in the command. */
  readonly ordinal: number;
  readonly at: string;
}

/**
 * The items that describe, read.
 * @throws Problem validation-failed | unsupported-filter
 */
export const placesOf = (items: readonly AllocationSelectingItem[]): readonly WantedPlace[] =>
  items.flatMap((item, ordinal) => {
    if (item.what !== 'place') return [];
    const { what: _what, count, countMin = count, ...asked } = item;
    const at = `/items/${ordinal}`;
    if (countMin > count)
      throw problem('validation-failed', {
        errors: [{ pointer: `${at}/countMin`, code: 'out_of_bounds', message: 'must be at most count' }],
      });
    return [{ asked, ask: readAsk(asked, at), count, countMin, ordinal, at }];
  });

/** How many things a place is: one node, or an amount for each need. */
export const thingsOf = ({ ask, count }: Pick<WantedPlace, 'ask' | 'count'>): number =>
  count * (ask.kind === undefined ? needsOf(ask.units).length : ask.count);
