export type Span = readonly [first: bigint, last: bigint];

export interface Net {
  readonly family: 4 | 6;
  readonly length: number;
  readonly first: bigint;
  readonly last: bigint;
  readonly host: bigint;
}

export const width = (family: 4 | 6): number => (family === 4 ? 32 : 128);

function wordsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(':');
}

/** Reads an address; the inventory gives canonical text, so nothing else is expected here. */
export function readAddress(text: string): { family: 4 | 6; value: bigint } {
  if (!text.includes(':'))
    return { family: 4, value: text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n) };
  const plain = text.replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a, b, c, d) => `${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`,
  );
  const [left = '', right] = plain.split('::');
  const head = wordsOf(left);
  const tail = right === undefined ? [] : wordsOf(right);
  const words = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return { family: 6, value: words.reduce((sum, word) => sum * 65536n + BigInt(`0x${word}`), 0n) };
}

export function readNet(text: string): Net {
  const [address = '', lengthText] = text.split('/');
  const { family, value } = readAddress(address);
  const length = lengthText === undefined ? width(family) : Number(lengthText);
  const size = 2n ** BigInt(width(family) - length);
  const first = value - (value % size);
  return { family, length, first, last: first + size - 1n, host: value };
}

export function writeAddress(family: 4 | 6, value: bigint): string {
  if (family === 4) return [3n, 2n, 1n, 0n].map((n) => ((value >> (8n * n)) & 255n).toString()).join('.');
  const hex = Array.from({ length: 8 }, (_, n) => ((value >> BigInt(16 * (7 - n))) & 65535n).toString(16));
  const runs = [
    ...hex
      .map((word) => (word === '0' ? '0' : 'x'))
      .join('')
      .matchAll(/0{2,}/g),
  ].sort((a, b) => b[0].length - a[0].length || a.index - b.index);
  const run = runs[0];
  if (run === undefined) return hex.join(':');
  return `${hex.slice(0, run.index).join(':')}::${hex.slice(run.index + run[0].length).join(':')}`;
}

export const writeNet = (net: Pick<Net, 'family' | 'first' | 'length'>): string =>
  `${writeAddress(net.family, net.first)}/${net.length}`;

export const contains = (outer: Net, inner: Pick<Net, 'family' | 'first' | 'last'>): boolean =>
  outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;

/** Spans in order, touching and overlapping ones joined. */
export function join(spans: readonly Span[]): Span[] {
  const out: [bigint, bigint][] = [];
  for (const [first, last] of [...spans].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))) {
    const end = out.at(-1);
    if (end !== undefined && first <= end[1] + 1n) end[1] = last > end[1] ? last : end[1];
    else out.push([first, last]);
  }
  return out;
}

export function without([first, last]: Span, taken: readonly Span[]): Span[] {
  const out: Span[] = [];
  let from = first;
  for (const [start, end] of join(taken)) {
    if (end < from) continue;
    if (start > last) break;
    if (start > from) out.push([from, start - 1n]);
    from = end + 1n;
  }
  if (from <= last) out.push([from, last]);
  return out;
}

export const sizeOf = (spans: readonly Span[]): bigint =>
  spans.reduce((sum, [first, last]) => sum + last - first + 1n, 0n);

/** The fewest CIDR blocks that cover the spans, lowest first. */
export function blocksOf(family: 4 | 6, spans: readonly Span[]): Pick<Net, 'family' | 'first' | 'length'>[] {
  const out: Pick<Net, 'family' | 'first' | 'length'>[] = [];
  for (const [start, last] of spans) {
    let first = start;
    while (first <= last) {
      let free = 0;
      while (
        free < width(family) &&
        first % 2n ** BigInt(free + 1) === 0n &&
        first + 2n ** BigInt(free + 1) - 1n <= last
      )
        free += 1;
      out.push({ family, first, length: width(family) - free });
      first += 2n ** BigInt(free);
    }
  }
  return out;
}
