import {
  blocksOf,
  contains,
  join,
  readAddress,
  readNet,
  sizeOf,
  without,
  width,
  writeAddress,
  writeNet,
  type Net,
  type Span,
} from './ip.js';
import { attribute, ofModel, refOf, type Imported, type Stored } from './resource.js';

export interface Prefix {
  readonly key: string;
  readonly space: string;
  readonly net: Net;
  readonly stored: Stored;
}

export interface Host {
  readonly space: string;
  readonly family: 4 | 6;
  readonly value: bigint;
  readonly length: number;
  readonly stored: Stored;
}

export interface Range {
  readonly space: string;
  readonly family: 4 | 6;
  readonly span: Span;
}

export interface Space {
  readonly prefixes: readonly Prefix[];
  readonly hosts: readonly Host[];
  readonly ranges: readonly Range[];
}

export const spaceName = (stored: Stored): string =>
  stored['space'] === 'ipam.vrf:global' ? 'global' : String(stored['space']);

export function readSpaces(imported: Imported): Space {
  return {
    prefixes: ofModel(imported, 'ipam.prefix').map((stored) => ({
      key: stored.externalId,
      space: spaceName(stored),
      net: readNet(String(stored['cidr'])),
      stored,
    })),
    hosts: ofModel(imported, 'ipam.ipaddress').map((stored) => ({
      space: spaceName(stored),
      ...readAddress(String(stored['address'])),
      length: Number(stored['prefixLength']),
      stored,
    })),
    ranges: ofModel(imported, 'ipam.iprange').map((stored) => {
      const start = readAddress(String(stored['start']));
      return {
        space: spaceName(stored),
        family: start.family,
        span: [start.value, readAddress(String(stored['end'])).value],
      };
    }),
  };
}

const single = (host: bigint): Span => [host, host];
const spanOf = ({ net }: { readonly net: Net }): Span => [net.first, net.last];

/** What is used and free in one prefix, by the rules of section 1.4 of the format's description. */
export function prefixFacts(
  prefix: Prefix,
  { prefixes, hosts, ranges }: Space,
): Record<string, unknown> & { key: string; parent: string | null; depth: number } {
  const { net, space, stored } = prefix;
  const same = prefixes.filter((other) => other !== prefix && other.space === space && other.net.family === net.family);
  const above = same
    .filter((other) => other.net.length < net.length && contains(other.net, net))
    .sort((a, b) => b.net.length - a.net.length || numberOf(a) - numberOf(b));
  const below = same.filter((other) => other.net.length > net.length && contains(net, other.net));
  const direct = below.filter(
    (child) =>
      !below.some((other) => other !== child && other.net.length < child.net.length && contains(other.net, child.net)),
  );
  const container = space === 'global' && stored['status'] === 'container';
  const inside = hosts.filter(
    (host) => host.family === net.family && host.value >= net.first && host.value <= net.last,
  );
  const used = new Set(inside.filter((host) => container || host.space === space).map((host) => host.value));
  const own = new Set(inside.filter((host) => host.space === space).map((host) => host.value));
  const reserved = ranges
    .filter(
      (range) =>
        range.family === net.family && range.space === space && range.span[0] >= net.first && range.span[1] <= net.last,
    )
    .map((range) => range.span);
  const everyHost = stored['isPool'] === true || net.length >= width(net.family) - 1;
  const edges = everyHost ? [] : net.family === 4 ? [single(net.first), single(net.last)] : [single(net.first)];
  const taken = [...[...used].map(single), ...reserved, ...edges];
  const utilized = stored['markUtilized'] === true;
  const free = utilized ? [] : without(spanOf(prefix), taken);
  const freeOutside = utilized ? [] : without(spanOf(prefix), [...taken, ...below.map(spanOf)]);
  const blocks = blocksOf(net.family, without(spanOf(prefix), below.map(spanOf)));
  const size = net.last - net.first + 1n;
  return {
    key: prefix.key,
    prefix: writeNet(net),
    vrf: space,
    family: net.family,
    status: stored['status'],
    isPool: stored['isPool'] === true,
    scope: refOf(stored, 'scope') ?? null,
    tenant: stored.tenant ?? null,
    vlan: refOf(stored, 'vlan') ?? null,
    parent: above[0]?.key ?? null,
    depth: above.length,
    children: direct.length,
    descendants: below.length,
    size: String(size),
    usableSize: String(size - BigInt(edges.length)),
    usedAddresses: used.size,
    usedAddressesSameVrf: own.size,
    rangeAddresses: String(sizeOf(join(reserved))),
    availableAddresses: String(sizeOf(free)),
    firstAvailable: free[0] === undefined ? null : writeAddress(net.family, free[0][0]),
    availableOutsideChildren: String(sizeOf(freeOutside)),
    freeBlocks: blocks.length,
    largestFreeBlock: blocks.length === 0 ? null : Math.min(...blocks.map((block) => block.length)),
    firstFreeBlock: blocks[0] === undefined ? null : writeNet(blocks[0]),
  };
}

const numberOf = (prefix: Prefix): number => Number(prefix.key.slice(prefix.key.lastIndexOf(':') + 1));

export const isAssigned = (host: Host): boolean => refOf(host.stored, 'assigned') !== undefined;
export const statusOf = (host: Host): string => String(attribute(host.stored, 'status'));
