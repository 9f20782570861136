import { encodeId } from '@sentral/contracts/ids';
import type { RefusalFilter } from '@sentral/contracts/inventory/refusal';
import type { CapacityKey } from '../allocation/capacity-sql.js';
import type { HolderRow } from '../allocation/number-sql.js';
import type { Wanted } from '../allocation/rules.js';
import type { Window } from '../allocation/window.js';
import type { Pool } from './pool-sql.js';
import type { Move } from './request.js';
import type { Asked, Candidates, Shortfall } from './rules.js';

/** Where more could come from: asked of the database only for what is told of. */
export type Relief =
  | {
      readonly from: 'capacity';
      readonly key: CapacityKey;
      readonly amount: number;
      readonly seen: boolean;
      readonly window: Window;
    }
  | { readonly from: 'pool'; readonly pool: Pool; readonly count: number; readonly seen: boolean }
  | { readonly from: 'holder'; readonly holder: HolderRow; readonly freedAt?: Date }
  | { readonly from: 'children'; readonly allocationIds: readonly string[]; readonly until: Date | undefined };

/** An item as it is being judged: what it is of a request, its candidates, and what it counts as. */
export interface Draft extends Asked {
  readonly move: Move;
  readonly wanted: readonly Wanted[];
  readonly dimension?: string;
  readonly relief?: { readonly filter: RefusalFilter; readonly of: Relief };
}

const prefixOf = { capacity: 'nod', node: 'nod', number: 'ndm', address: 'blk', block: 'blk' } as const;

/** What an item is before anything is known of it. Of a pool that nobody may be given from there are no candidates. */
export function draftOf(move: Move, wanted: readonly Wanted[]): Draft {
  const [first] = wanted;
  if (first === undefined) throw new Error('an item of nothing');
  return {
    move,
    wanted,
    ...(move.operationIndex === undefined ? {} : { operationIndex: move.operationIndex }),
    item: first.asked,
    providerId: encodeId(prefixOf[first.what], first.providerId),
    needed: wanted.length,
    filters: [],
    candidates: [],
  };
}

/** Candidates of a pool that the caller does not see are not counted: the pool is one, and fails by what stands in its way. */
export function countedFor(seen: boolean, draft: Draft): Draft {
  if (seen) return draft;
  const passes = (lifted?: RefusalFilter) =>
    draft.candidates
      .filter(({ fails }) => fails.every(({ filter }) => filter === lifted))
      .reduce((sum, { count }) => sum + count, 0) >= draft.needed;
  const blockers = draft.filters.filter((filter) => passes(filter));
  const failing = [...new Set(draft.candidates.flatMap(({ fails }) => fails.map(({ filter }) => filter)))];
  const filters = passes() ? [] : blockers.length > 0 ? blockers.slice(-1) : failing;
  return { ...draft, needed: 1, candidates: [{ count: 1, fails: filters.map((filter) => ({ filter })) }] };
}

/** What every candidate of an item lacks besides. */
export const alsoFailing = (draft: Draft, filter: RefusalFilter, fails: readonly Shortfall[]): Draft => ({
  ...draft,
  filters: [...draft.filters, filter],
  candidates: draft.candidates.map((each): Candidates => ({ ...each, fails: [...each.fails, ...fails] })),
});
