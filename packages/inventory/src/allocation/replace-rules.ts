import { byTaking, isNext, type Wanted } from './rules.js';
import type { ItemRow } from './sql.js';

export interface Exchange {
  /** Held before and after, as it is. */
  readonly kept: readonly ItemRow[];
  readonly gone: readonly ItemRow[];
  readonly fresh: readonly Wanted[];
}

/** What another set of things changes: what is asked for and already held stays, with its fence; a stated one first. */
export function exchange(
  held: readonly ItemRow[],
  { wanted, keeps }: { readonly wanted: readonly Wanted[]; readonly keeps: boolean },
): Exchange {
  if (keeps) return { kept: held, gone: [], fresh: [] };
  const left = new Set(held);
  const fresh: Wanted[] = [];
  for (const each of wanted.toSorted((a, b) => Number(isNext(a)) - Number(isNext(b)) || byTaking(a, b))) {
    const same = [...left].find((item) => isWhatIsAsked(item, each));
    if (same === undefined) fresh.push(each);
    else left.delete(same);
  }
  return { kept: held.filter((item) => !left.has(item)), gone: [...left], fresh };
}

function isWhatIsAsked(item: ItemRow, wanted: Wanted): boolean {
  if (item.what !== wanted.what) return false;
  switch (wanted.what) {
    case 'capacity':
      return item.nodeId === wanted.providerId && item.class === wanted.class && item.amount === wanted.amount;
    case 'node':
      return item.nodeId === wanted.providerId;
    case 'number':
      // Which range an item came from is not kept: of a range, only a stated number is known to be the same.
      if (wanted.number === undefined) return wanted.rangeId === null && item.domainId === wanted.providerId;
      return item.domainId === wanted.providerId && item.number === wanted.number;
    case 'address':
      return item.blockId === wanted.providerId && (wanted.address ?? item.address) === item.address;
    case 'block':
      return item.blockId === wanted.providerId && isSameBlock(item.cidr ?? '', wanted);
  }
}

const isSameBlock = (
  cidr: string,
  wanted: { readonly length: number | undefined; readonly cidr: string | undefined },
) => (wanted.cidr === undefined ? Number(cidr.split('/')[1]) === wanted.length : wanted.cidr === cidr);
