/** The shape of a rack by the attributes of its node; 42 units from unit 1 where they say nothing. */
export function rackShape(
  attributes: Record<string, unknown>,
): { heightHalfUnits: number; startingUnit: number } | undefined {
  const height = attributes['heightUnits'] ?? 42;
  const startingUnit = attributes['startingUnit'] ?? 1;
  if (!isUnit(height, 1, 200) || !isUnit(startingUnit, 0, 1000)) return undefined;
  return { heightHalfUnits: height * 2, startingUnit };
}

const isUnit = (value: unknown, min: number, max: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;

export interface Claimed {
  readonly layer: 'device' | 'reservation';
  readonly startHalfUnit: number;
  readonly heightHalfUnits: number;
}

/** How much of a rack is taken, reserved and free; a half unit is free when it is neither, on either face. */
export function rackTotals(heightHalfUnits: number, claims: readonly Claimed[]) {
  const layers = { device: new Set<number>(), reservation: new Set<number>() };
  for (const claim of claims) {
    for (let at = claim.startHalfUnit; at < claim.startHalfUnit + claim.heightHalfUnits; at += 1)
      layers[claim.layer].add(at);
  }
  let free = 0;
  let run = 0;
  let largest = 0;
  for (let at = 0; at < heightHalfUnits; at += 1) {
    const isFree = !layers.device.has(at) && !layers.reservation.has(at);
    run = isFree ? run + 1 : 0;
    free += isFree ? 1 : 0;
    largest = Math.max(largest, run);
  }
  return {
    occupiedHalfUnits: layers.device.size,
    reservedHalfUnits: layers.reservation.size,
    freeHalfUnits: free,
    largestFreeHalfUnits: largest,
  };
}

/**
 * Claims as they may be shown: of devices that the reader does not see there is left that the half units are taken, a stretch
 * on a face as one claim without a name, since where one ends and the next begins would tell how many they are.
 */
export function veiled<C extends Claimed & { readonly face: string; readonly hidden: boolean }>(
  claims: readonly C[],
): readonly C[] {
  const shown: C[] = [];
  for (const claim of claims) {
    const last = shown.findLastIndex(({ hidden, face }) => hidden && face === claim.face);
    const before = shown[last];
    if (!claim.hidden || before === undefined || endOf(before) < claim.startHalfUnit) {
      shown.push(claim.hidden ? { ...claim, nodeId: null, kind: null, name: null } : claim);
      continue;
    }
    const heightHalfUnits = Math.max(endOf(before), endOf(claim)) - before.startHalfUnit;
    shown[last] = { ...before, heightHalfUnits };
  }
  return shown;
}

const endOf = (claim: Claimed): number => claim.startHalfUnit + claim.heightHalfUnits;
