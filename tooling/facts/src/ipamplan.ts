import { blocksOf, contains, readNet, sizeOf, without, writeNet, type Net, type Span } from './ip.js';
import { attribute, increment, type Imported, type Stored } from './resource.js';

interface Subnet {
  readonly key: string;
  readonly cidr: string;
  readonly net: Net;
  readonly stored: Stored;
}

const isBlock = (stored: Stored): boolean => stored.type === 'addressBlock';

function subnetsOf(imported: Imported): Subnet[] {
  return imported.resources
    .filter((stored) => isBlock(stored) && attribute(stored, 'subnet') !== undefined)
    .map((stored) => ({
      key: stored.externalId,
      cidr: String(stored['cidr']),
      net: readNet(String(stored['cidr'])),
      stored,
    }));
}

export const planSections = [
  'prefixes',
  'subnets',
  'byFamily',
  'byRealm',
  'bySite',
  'bySphere',
  'lengths',
  'vlanLikeNames',
  'sites',
  'dualStack',
  'lists',
  'awkward',
  'changes',
  'changeTotals',
] as const;

export interface PlanChanges {
  readonly step: number;
  readonly added: string[];
  readonly removed: string[];
  readonly renumbered: string[];
  readonly samePrefixNewOwner: string[];
}

/** What one change set did to the plan, seen from outside: the keys and prefixes before and after. */
export function planChanges(step: number, before: Imported, after: Imported): PlanChanges {
  const old = new Map(subnetsOf(before).map((subnet) => [subnet.key, subnet.cidr]));
  const now = new Map(subnetsOf(after).map((subnet) => [subnet.key, subnet.cidr]));
  const oldOwner = new Map([...old].map(([key, cidr]) => [cidr, key]));
  const entries = (from: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string[] =>
    [...from]
      .filter(([key]) => !other.has(key))
      .map(([key, cidr]) => `${key} ${cidr}`)
      .sort();
  return {
    step,
    added: entries(now, old),
    removed: entries(old, now),
    renumbered: [...now]
      .filter(([key, cidr]) => old.has(key) && old.get(key) !== cidr)
      .map(([key, cidr]) => `${key} ${old.get(key)} -> ${cidr}`)
      .sort(),
    samePrefixNewOwner: [...now]
      .filter(([key, cidr]) => (oldOwner.get(cidr) ?? key) !== key)
      .map(([key, cidr]) => `${cidr} ${oldOwner.get(cidr)} -> ${key}`)
      .sort(),
  };
}

/** The facts of an imported prefix plan, and of the change sets that led to it. */
export function planFacts(imported: Imported, changes: readonly PlanChanges[]): Record<string, unknown> {
  const subnets = subnetsOf(imported);
  const text = (subnet: Subnet, name: string): string => String(attribute(subnet.stored, name));
  const tally = (key: (subnet: Subnet) => string): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const subnet of subnets) increment(counts, key(subnet));
    return counts;
  };
  const perSubnet = tally((subnet) => subnet.key.slice(0, subnet.key.lastIndexOf('#')));
  const names = new Map<string, Set<string>>();
  for (const subnet of subnets) {
    const places = names.get(text(subnet, 'subnet')) ?? new Set<string>();
    names.set(text(subnet, 'subnet'), places.add(`${text(subnet, 'realm')}/${text(subnet, 'site')}`));
  }
  const total = (list: (change: PlanChanges) => readonly string[]): number =>
    changes.reduce((sum, change) => sum + list(change).length, 0);
  const lists = listNames(imported);
  const aggregates = [...lists]
    .filter(([, listed]) =>
      listed.some((list) => list === 'network::external' || list.startsWith('network::aggregate_networks/')),
    )
    .map(([cidr]) => readNet(cidr));
  const counts: Record<string, number> = { 'network::external': 0, 'network::customers': 0 };
  for (const listed of lists.values()) for (const list of listed) increment(counts, list);
  return {
    kind: 'ipamplan',
    prefixes: subnets.length,
    subnets: Object.keys(perSubnet).length,
    byFamily: tally(({ net }) => `ipv${net.family}`),
    byRealm: tally((subnet) => text(subnet, 'realm')),
    bySite: tally((subnet) => text(subnet, 'site')),
    bySphere: tally((subnet) => text(subnet, 'sphere')),
    lengths: tally(({ net }) => `v${net.family}/${net.length}`),
    vlanLikeNames: names.size,
    sites: [...new Set(subnets.map((subnet) => text(subnet, 'site')))].sort(),
    dualStack: Object.values(perSubnet).filter((count) => count === 2).length,
    aggregates: aggregates.map((net) => ({ key: writeNet(net), ...aggregateFacts(net, subnets) })),
    lists: counts,
    awkward: {
      duplicatePrefix: [],
      containedPairs: subnets
        .flatMap((outer) =>
          subnets
            .filter((inner) => outer.net.length < inner.net.length && contains(outer.net, inner.net))
            .map((inner) => `${outer.cidr} ${outer.key} contains ${inner.cidr} ${inner.key}`),
        )
        .sort(),
      outsideEveryAggregate: subnets
        .filter(({ net }) => !aggregates.some((aggregate) => contains(aggregate, net)))
        .map(({ key, cidr }) => `${key} ${cidr}`),
      sameNameElsewhere: [...names].filter(([, places]) => places.size > 1).map(([name]) => name),
      hostBitsSet: [],
      notCanonicalText: subnets
        .filter(({ stored }) => attribute(stored, 'asWritten') !== undefined)
        .map((subnet) => `${subnet.key} ${text(subnet, 'asWritten')}`),
      familyKeyMismatch: subnets.filter(({ key, net }) => !key.endsWith(`#ipv${net.family}`)).map(({ key }) => key),
    },
    changes,
    changeTotals: {
      added: total(({ added }) => added),
      removed: total(({ removed }) => removed),
      renumbered: total(({ renumbered }) => renumbered),
      samePrefixNewOwner: total(({ samePrefixNewOwner }) => samePrefixNewOwner),
    },
  };
}

function listNames(imported: Imported): Map<string, readonly string[]> {
  // What a list says of a block that is also a subnet is kept on the space.
  const spaces = imported.resources.filter((stored) => stored.type === 'addressSpace');
  const out = new Map<string, readonly string[]>(
    spaces.flatMap((space) =>
      Object.entries((attribute(space, 'subnetsListed') ?? {}) as Record<string, readonly string[]>),
    ),
  );
  for (const stored of imported.resources.filter(isBlock)) {
    const lists = attribute(stored, 'lists') as readonly string[] | undefined;
    if (lists !== undefined) out.set(String(stored['cidr']), lists);
  }
  return out;
}

function aggregateFacts(net: Net, subnets: readonly Subnet[]): Record<string, unknown> {
  const inside = subnets.filter((subnet) => contains(net, subnet.net));
  const free = without(
    [net.first, net.last],
    inside.map((subnet): Span => [subnet.net.first, subnet.net.last]),
  );
  const blocks = blocksOf(net.family, free);
  const size = net.last - net.first + 1n;
  return {
    prefix: writeNet(net),
    subnetsInside: inside.length,
    size: String(size),
    assigned: String(size - sizeOf(free)),
    free: String(sizeOf(free)),
    freeBlocks: blocks.length,
    largestFree: blocks.length === 0 ? null : Math.min(...blocks.map((block) => block.length)),
    firstFree: blocks[0] === undefined ? null : writeNet(blocks[0]),
  };
}
