// Addresses as numbers, pure. bigint, since IPv6 does not fit anything smaller.

export type Family = 4 | 6;

export interface Net {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
  readonly length: number;
}

/** A run of addresses, both ends in it. */
export type Span = readonly [first: bigint, last: bigint];

export const bitsOf = (family: Family): number => (family === 4 ? 32 : 128);

/** Reads a host address, or gives undefined where it is none. */
export function readHost(text: string): { family: Family; value: bigint } | undefined {
  if (!text.includes(':')) return readIpv4(text);
  const [head = '', tail, more] = text.split('::');
  if (more !== undefined) return undefined;
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  if (left === undefined || right === undefined) return undefined;
  const gap = 8 - left.length - right.length;
  if (tail === undefined ? gap !== 0 : gap < 1) return undefined;
  const groups = [...left, ...Array.from({ length: gap }, () => 0), ...right];
  return { family: 6, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n) };
}

function readIpv4(text: string): { family: 4; value: bigint } | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255))
    return undefined;
  return { family: 4, value: parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) };
}

function groupsOf(text: string): readonly number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const last = parts.at(-1) ?? '';
  const embedded = last.includes('.') ? readIpv4(last) : undefined;
  const plain = embedded === undefined ? parts : parts.slice(0, -1);
  if (!plain.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))) return undefined;
  const groups = plain.map((part) => Number.parseInt(part, 16));
  return embedded === undefined ? groups : [...groups, Number(embedded.value >> 16n), Number(embedded.value & 0xffffn)];
}

/** Reads a prefix; undefined where it is none or has bits to the right of its mask. */
export function readNet(cidr: string): Net | undefined {
  const [address = '', mask = ''] = cidr.split('/');
  const host = readHost(address);
  if (host === undefined || !/^[0-9]{1,3}$/.test(mask) || Number(mask) > bitsOf(host.family)) return undefined;
  const length = Number(mask);
  const size = 1n << BigInt(bitsOf(host.family) - length);
  if (host.value % size !== 0n) return undefined;
  return { family: host.family, first: host.value, last: host.value + size - 1n, length };
}

/** Writes a host address as PostgreSQL and RFC 5952 do. */
export function writeHost(family: Family, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => Number((value >> BigInt(112 - 16 * at)) & 0xffffn));
  const gap = longestZeroRun(groups);
  const words = groups.map((group) => group.toString(16));
  if (gap === undefined) return words.join(':');
  return `${words.slice(0, gap.at).join(':')}::${words.slice(gap.at + gap.length).join(':')}`;
}

function longestZeroRun(groups: readonly number[]): { at: number; length: number } | undefined {
  let best = { at: 0, length: 0 };
  for (let at = 0, length = 0; at <= groups.length; at += 1) {
    if (groups[at] === 0) length += 1;
    else {
      if (length > best.length) best = { at: at - length, length };
      length = 0;
    }
  }
  return best.length > 1 ? best : undefined;
}

export const writeNet = (family: Family, first: bigint, length: number): string =>
  `${writeHost(family, first)}/${length}`;

/** What is left of a span when others are taken out of it. */
export function subtract([first, last]: Span, taken: readonly Span[]): readonly Span[] {
  const left: Span[] = [];
  let at = first;
  for (const [from, to] of taken.toSorted((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))) {
    if (to < at || from > last) continue;
    if (from > at) left.push([at, from - 1n]);
    at = to + 1n;
  }
  if (at <= last) left.push([at, last]);
  return left;
}

export const sizeOf = (spans: readonly Span[]): bigint =>
  spans.reduce((sum, [first, last]) => sum + last - first + 1n, 0n);

/** Cuts a span into the fewest prefixes, in order. */
export function* prefixesOf(family: Family, [first, last]: Span): Generator<{ first: bigint; length: number }> {
  const bits = bitsOf(family);
  for (let at = first; at <= last;) {
    let shift = 0;
    while (shift < bits && (at >> BigInt(shift)) % 2n === 0n && at + (1n << BigInt(shift + 1)) - 1n <= last) shift += 1;
    yield { first: at, length: bits - shift };
    at += 1n << BigInt(shift);
  }
}

/** The value of a host that the database holds. */
export function hostOf(host: string): bigint {
  const read = readHost(host);
  if (read === undefined) throw new Error('the database holds a host that is none');
  return read.value;
}

export const contains = (outer: Net, inner: Net): boolean =>
  outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;

/** How many aligned blocks of a length have room in a prefix beside what is taken. */
export function placesOfLength(net: Net, length: number, taken: readonly Span[]): bigint {
  const size = 1n << BigInt(bitsOf(net.family) - length);
  return subtract([net.first, net.last], taken).reduce((sum, [first, last]) => {
    const places = (last + 1n) / size - (first + size - 1n) / size;
    return places > 0n ? sum + places : sum;
  }, 0n);
}
