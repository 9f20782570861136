import { contains, readNet, width } from './ip.js';
import { isAssigned, prefixFacts, readSpaces, statusOf, type Host, type Prefix, type Space } from './prefixes.js';
import { attribute, increment, ofModel, type Imported } from './resource.js';

export function ipam(imported: Imported): Record<string, unknown> {
  const space = readSpaces(imported);
  const { prefixes, hosts, ranges } = space;
  const facts = prefixes.map((prefix) => prefixFacts(prefix, space));
  const tally = (keys: readonly string[]): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const key of keys) increment(counts, key);
    return counts;
  };
  return {
    vrfs: ofModel(imported, 'ipam.vrf').map(({ externalId: key, name, ...vrf }) => ({
      key,
      name,
      rd: attribute({ externalId: key, ...vrf }, 'routeDistinguisher') ?? null,
      enforceUnique: attribute({ externalId: key, ...vrf }, 'enforceUnique'),
      prefixes: prefixes.filter((prefix) => prefix.space === key).length,
      addresses: hosts.filter((host) => host.space === key).length,
    })),
    aggregates: ofModel(imported, 'ipam.aggregate').map(({ externalId: key, ...block }) => {
      const net = readNet(String(block['cidr']));
      return {
        key,
        prefix: block['cidr'],
        family: net.family,
        prefixesInside: prefixes.filter((prefix) => contains(net, prefix.net)).length,
      };
    }),
    totals: {
      prefixes: prefixes.length,
      ipv4Prefixes: prefixes.filter(({ net }) => net.family === 4).length,
      ipv6Prefixes: prefixes.filter(({ net }) => net.family === 6).length,
      globalPrefixes: prefixes.filter((prefix) => prefix.space === 'global').length,
      rootPrefixes: facts.filter(({ parent }) => parent === null).length,
      maxPrefixDepth: Math.max(-1, ...facts.map(({ depth }) => depth)),
      pools: prefixes.filter(({ stored }) => stored['isPool'] === true).length,
      containers: prefixes.filter(({ stored }) => stored['status'] === 'container').length,
      markUtilized: prefixes.filter(({ stored }) => stored['markUtilized'] === true).length,
      addresses: hosts.length,
      ipv4Addresses: hosts.filter(({ family }) => family === 4).length,
      ipv6Addresses: hosts.filter(({ family }) => family === 6).length,
      distinctVrfHost: new Set(hosts.map(hostKey)).size,
      addressesAssigned: hosts.filter(isAssigned).length,
      ranges: ranges.length,
      rangeAddresses: String(ranges.reduce((sum, { span }) => sum + span[1] - span[0] + 1n, 0n)),
    },
    prefixLengths: tally(prefixes.map(({ net }) => `v${net.family}/${net.length}`)),
    addressMasks: tally(hosts.map(({ family, length }) => `v${family}/${length}`)),
    addressStatus: tally(hosts.map(statusOf)),
    awkward: awkward(space),
    prefixes: facts,
  };
}

const hostKey = (host: Host): string => `${host.space} ${host.family} ${host.value}`;
const holds = (prefix: Prefix, host: Host): boolean =>
  prefix.space === host.space &&
  prefix.net.family === host.family &&
  host.value >= prefix.net.first &&
  host.value <= prefix.net.last;

function awkward({ prefixes, hosts, ranges }: Space): Record<string, unknown> {
  let overlapping = 0;
  let equal = 0;
  prefixes.forEach((one, n) => {
    for (const other of prefixes.slice(n + 1)) {
      if (one.space === other.space || !(contains(one.net, other.net) || contains(other.net, one.net))) continue;
      overlapping += 1;
      if (one.net.length === other.net.length) equal += 1;
    }
  });
  return {
    prefixPairsOverlappingAcrossVrfs: overlapping,
    equalPrefixPairsAcrossVrfs: equal,
    addressesOutsideEveryPrefixOfTheirVrf: hosts
      .filter((host) => !prefixes.some((prefix) => holds(prefix, host)))
      .map((host) => host.stored.externalId),
    addressMaskDiffersFromPrefix: hosts.filter((host) => {
      const home = prefixes.filter((prefix) => holds(prefix, host)).sort((a, b) => b.net.length - a.net.length)[0];
      return home !== undefined && home.net.length !== host.length;
    }).length,
    addressIsNetworkOrBroadcast: hosts.filter((host) => {
      if (host.family !== 4 || host.length >= 31) return false;
      const size = 2n ** BigInt(width(4) - host.length);
      return host.value % size === 0n || host.value % size === size - 1n;
    }).length,
    prefixesWithHostBitsSet: prefixes
      .filter(({ stored }) => attribute(stored, 'asWritten') !== undefined)
      .map(({ key }) => key),
    rangesWithAddressesInside: ranges.filter((range) =>
      hosts.some(
        (host) =>
          host.space === range.space &&
          host.family === range.family &&
          host.value >= range.span[0] &&
          host.value <= range.span[1],
      ),
    ).length,
    rangesWithoutPrefix: ranges.filter(
      (range) =>
        !prefixes.some(
          ({ space, net }) =>
            space === range.space &&
            net.family === range.family &&
            net.first <= range.span[0] &&
            net.last >= range.span[1],
        ),
    ).length,
  };
}
