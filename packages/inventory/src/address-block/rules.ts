import { bitsOf, prefixesOf, sizeOf, subtract, writeHost, writeNet, type Net, type Span } from './net.js';

export interface Content {
  readonly isPool: boolean;
  readonly markUtilized: boolean;
  /** Hosts that are held, as spans of one. */
  readonly held: readonly Span[];
  /** Ranges that lie wholly inside: taken out of what can be given. */
  readonly ranges: readonly Span[];
  readonly children: readonly Span[];
}

/**
 * The addresses of a prefix that cannot be given at all: network and broadcast for IPv4, the subnet-router address for IPv6;
 * none for pools, /31 and /32, /127 and /128.
 */
export function edgesOf(net: Net, isPool: boolean): readonly Span[] {
  if (isPool || net.length >= bitsOf(net.family) - 1) return [];
  const first: Span = [net.first, net.first];
  return net.family === 4 ? [first, [net.last, net.last]] : [first];
}

/** Free addresses, with those inside child prefixes or without them. */
export function freeAddresses(net: Net, content: Content, outsideChildren: boolean): readonly Span[] {
  if (content.markUtilized) return [];
  const taken = [
    ...content.held,
    ...content.ranges,
    ...edgesOf(net, content.isPool),
    ...(outsideChildren ? content.children : []),
  ];
  return subtract([net.first, net.last], taken);
}

/** The first so many addresses of free spans, written out. */
export function firstAddresses(net: Net, spans: readonly Span[], limit: number): readonly string[] {
  const found: string[] = [];
  for (const [first, last] of spans) {
    for (let at = first; at <= last && found.length < limit; at += 1n) found.push(writeHost(net.family, at));
    if (found.length >= limit) break;
  }
  return found;
}

/** The prefix less its children, cut into the fewest blocks, in order of address. */
export function freeBlocks(net: Net, children: readonly Span[]): readonly { first: bigint; length: number }[] {
  return subtract([net.first, net.last], children).flatMap((span) => [...prefixesOf(net.family, span)]);
}

/** The first block of a length that fits into the free ones, or undefined. */
export function firstBlockOfLength(
  net: Net,
  blocks: readonly { first: bigint; length: number }[],
  length: number,
): string | undefined {
  const found = blocks.find((block) => block.length <= length);
  return found === undefined ? undefined : writeNet(net.family, found.first, length);
}

/** All that `available` tells about a prefix. */
export function availability(
  net: Net,
  content: Content,
  asked: { addressLimit: number; blockLimit: number; prefixLength: number | undefined },
) {
  const free = freeAddresses(net, content, false);
  const outside = freeAddresses(net, content, true);
  const blocks = freeBlocks(net, content.children);
  const [first] = firstAddresses(net, free, 1);
  const [firstBlock] = blocks;
  const ofLength = asked.prefixLength === undefined ? undefined : firstBlockOfLength(net, blocks, asked.prefixLength);
  return {
    usableAddresses: String(net.last - net.first + 1n - sizeOf(edgesOf(net, content.isPool))),
    usedAddresses: String(sizeOf(content.held)),
    availableAddresses: String(sizeOf(free)),
    ...(first === undefined ? {} : { firstAvailable: first }),
    availableOutsideChildren: String(sizeOf(outside)),
    nextAddresses: [...firstAddresses(net, outside, asked.addressLimit)],
    freeBlocks: blocks.length,
    ...(firstBlock === undefined
      ? {}
      : {
          largestFreePrefixLength: Math.min(...blocks.map(({ length }) => length)),
          firstFreeBlock: writeNet(net.family, firstBlock.first, firstBlock.length),
        }),
    nextBlocks: blocks.slice(0, asked.blockLimit).map(({ first: at, length }) => writeNet(net.family, at, length)),
    ...(ofLength === undefined ? {} : { firstOfLength: ofLength }),
  };
}
