/** Why a range cannot be, or undefined when it can. */
export function rangeFault(
  kind: string,
  range: { start: number; end: number },
): { rule: 'min' | 'max'; bound: number; requested: number } | undefined {
  if (range.end < range.start) return { rule: 'min', bound: range.start, requested: range.end };
  if (kind !== 'vlan') return undefined;
  if (range.start < 1) return { rule: 'min', bound: 1, requested: range.start };
  if (range.end > 4094) return { rule: 'max', bound: 4094, requested: range.end };
  return undefined;
}

/** What of sorted ranges is free, counted, and the first so many of it. */
export function freeNumbers(ranges: readonly { start: number; end: number }[], held: readonly number[], limit: number) {
  const next: number[] = [];
  let total = 0;
  let used = 0;
  for (const { start, end } of ranges) {
    const taken = held.filter((value) => value >= start && value <= end);
    total += end - start + 1;
    used += taken.length;
    const inside = new Set(taken);
    for (let value = start; value <= end && next.length < Math.max(1, limit); value += 1)
      if (!inside.has(value)) next.push(value);
  }
  const [firstFree] = next;
  return {
    total,
    used,
    free: total - used,
    ...(firstFree === undefined ? {} : { firstFree }),
    next: next.slice(0, limit),
  };
}
