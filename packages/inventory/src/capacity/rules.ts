import type { CapacityInput } from '@sentral/contracts/inventory/capacity';

export interface Fault {
  readonly field: 'heldBack' | 'maxUnit';
  readonly message: string;
}

/** What an offer contradicts itself in; its bounds alone are the contract's. */
export function offerFault(offer: CapacityInput): Fault | undefined {
  if (offer.heldBack > offer.total) return { field: 'heldBack', message: 'must be at most total' };
  if (offer.maxUnit < offer.minUnit) return { field: 'maxUnit', message: 'must be at least minUnit' };
  return undefined;
}

/** What may be given out: rounded down, never up. */
export const capOf = (offer: Pick<CapacityInput, 'total' | 'heldBack' | 'overcommitPct'>): number =>
  Math.floor(((offer.total - offer.heldBack) * offer.overcommitPct) / 100);

export interface Units {
  readonly minUnit: number;
  readonly maxUnit: number;
  readonly step: number;
}

/** Whether an amount may be asked for at all, and if not, by which rule. */
export function amountFault(
  amount: number,
  { minUnit, maxUnit, step }: Units,
): { readonly rule: 'min' | 'max' | 'step'; readonly bound: number } | undefined {
  if (amount < minUnit) return { rule: 'min', bound: minUnit };
  if (amount > maxUnit) return { rule: 'max', bound: maxUnit };
  if (amount % step !== 0) return { rule: 'step', bound: step };
  return undefined;
}
