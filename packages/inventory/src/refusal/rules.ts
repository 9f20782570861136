import type { ReadScope } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import {
  refusalFilters,
  type Explanation,
  type RefusalFilter,
  type Shortfall as Told,
} from '@sentral/contracts/inventory/refusal';

export type Shortfall = Told & { readonly filter: RefusalFilter };

/** Equal candidates: how many, and what each of them lacks. */
export interface Candidates {
  readonly count: number;
  readonly fails: readonly Shortfall[];
  readonly value?: number | string;
}

/** One item of a request with all that it could be given from. A provider that is named is its only candidate. */
export interface Asked {
  readonly operationIndex?: number;
  readonly item: number;
  readonly providerId: string;
  readonly needed: number;
  /** What its candidates are held to. */
  readonly filters: readonly RefusalFilter[];
  readonly candidates: readonly Candidates[];
}

const nearestMax = 3;

/** How many candidates pass, where some filters are lifted. */
const passing = ({ candidates }: Asked, lifted: readonly RefusalFilter[] = []): number =>
  candidates
    .filter(({ fails }) => fails.every(({ filter }) => lifted.includes(filter)))
    .reduce((sum, { count }) => sum + count, 0);

const isGiven = (asked: Asked, lifted: readonly RefusalFilter[] = []): boolean =>
  passing(asked, lifted) >= asked.needed;

/** The items that are not given. */
export const blockedOf = (asked: readonly Asked[]): readonly Asked[] => asked.filter((each) => !isGiven(each));

/** The filters that stand alone in the way of the whole request. */
export const soleBlockersOf = (asked: readonly Asked[]): readonly RefusalFilter[] =>
  blockedOf(asked).length === 0
    ? []
    : refusalFilters.filter((filter) => asked.every((each) => isGiven(each, [filter])));

/** What is told of an item that is not given. */
export function blockedItem(asked: Asked): Explanation['items'][number] {
  const { candidates, filters, operationIndex } = asked;
  const inOrder = refusalFilters.filter((filter) => filters.includes(filter));
  return {
    ...(operationIndex === undefined ? {} : { operationIndex }),
    item: asked.item,
    providerId: asked.providerId,
    needed: asked.needed,
    candidates: candidates.reduce((sum, { count }) => sum + count, 0),
    waterfall: inOrder.map((filter, at) => ({ filter, remaining: passing(asked, inOrder.slice(at + 1)) })),
    soleBlockers: inOrder
      .filter((filter) => isGiven(asked, [filter]))
      .map((filter) => ({ filter, passing: passing(asked, [filter]) })),
    nearestMisses: candidates
      .filter(({ count, fails }) => count > 0 && fails.length > 0)
      .toSorted((a, b) => a.fails.length - b.fails.length)
      .slice(0, nearestMax)
      .map(({ value, fails }) => ({
        providerId: asked.providerId,
        ...(value === undefined ? {} : { value }),
        fails: [...fails],
      })),
  };
}

/**
 * What is left of a provider that the caller does not see, rounded down to one digit: enough to ask for less, and what is
 * told is there.
 */
export function rounded(amount: number): number {
  const digit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, amount))));
  return Math.floor(amount / digit) * digit;
}

/** What a scope may still take of a dimension, and the first operation that goes over it, if one does. */
export function goesOver(
  room: { readonly cap: number | null; readonly used: number },
  moves: readonly { readonly delta: number; readonly operation: number }[],
): number | undefined {
  if (room.cap === null) return undefined;
  const given = moves.filter(({ delta }) => delta < 0).reduce((sum, { delta }) => sum - delta, 0);
  let left = Math.max(0, room.cap - room.used) + given;
  for (const { delta, operation } of moves
    .filter((move) => move.delta > 0)
    .toSorted((a, b) => a.operation - b.operation))
    if ((left -= delta) < 0) return operation;
  return undefined;
}

interface Place {
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly scopeId: string;
}

/** Whether who reads sees at least what the refused one saw, so that nothing it was told is news to the reader. */
export function seesAsMuch(reader: ReadScope, refused: ReadScope, place: Place): boolean {
  if ('all' in reader) return true;
  if ('all' in refused || (refused.platform === true && reader.platform !== true)) return false;
  const tenantIds = refused.tenantIds.every((id) => reader.tenantIds.includes(id));
  if (!tenantIds) return false;
  // Of other places than the refusal's own it is not known here what lies in what.
  const inTenant = reader.tenantIds.includes(encodeId('tnt', place.tenantId));
  const project = place.projectId === null ? undefined : encodeId('prj', place.projectId);
  const inProject = inTenant || (project !== undefined && reader.projectIds.includes(project));
  return (
    refused.projectIds.every((id) => reader.projectIds.includes(id) || (inTenant && id === project)) &&
    refused.environmentIds.every(
      (id) => reader.environmentIds.includes(id) || (inProject && id === encodeId('env', place.scopeId)),
    )
  );
}
