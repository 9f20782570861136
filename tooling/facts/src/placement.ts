import { increment, type Stored } from './resource.js';

// The topology of a cloud as `host_id,rack_id` lines: racks are failure domains, hosts are servers in them. No rack has a line of its own.

const site = 'site';
const rackKey = (rack: string): string => `rack:${rack}`;

/** The topology as a change set of NDJSON lines, whole: a host that is gone from the file is gone from its source. */
export function* topologyLines(csv: string): Generator<string> {
  const upsert = (externalId: string, resource: object): string =>
    `${JSON.stringify({ op: 'upsert', externalId, resource: { type: 'node', ...resource } })}\n`;
  const [head, ...rows] = csv.trim().split(/\r?\n/);
  if (head !== 'host_id,rack_id') throw new Error(`the head is ${head}, not host_id,rack_id`);
  yield `${JSON.stringify({ changeSet: 1, complete: true })}\n`;
  yield upsert(site, { kind: 'site', name: site });
  const racks = new Set<string>();
  for (const row of rows) {
    const [host, rack, ...more] = row.split(',');
    if (!host || !rack || more.length > 0) throw new Error(`not a host and its rack: ${row}`);
    if (!racks.has(rack)) yield upsert(rackKey(rack), { kind: 'rack', name: `rack-${rack}`, parent: site });
    racks.add(rack);
    yield upsert(`host:${host}`, { kind: 'server', name: host, parent: rackKey(rack) });
  }
}

/** The facts of a topology, of nodes as they are stored. */
export function topologyFacts(nodes: readonly Stored[]) {
  const hosts = nodes.filter(({ kind }) => kind === 'server');
  const sizes: Record<string, number> = {};
  for (const { parent } of hosts) if (parent !== undefined) increment(sizes, parent.slice(rackKey('').length));
  const histogram: Record<string, number> = {};
  for (const size of Object.values(sizes)) increment(histogram, size);
  const ids = Object.keys(sizes).map(Number);
  const [largest] = Object.entries(sizes).toSorted(([a, m], [b, n]) => n - m || Number(a) - Number(b));
  return {
    hosts: hosts.length,
    racks: nodes.filter(({ kind }) => kind === 'rack').length,
    containsEdges: Object.values(sizes).reduce((sum, size) => sum + size, 0),
    hostsPerRack: { min: Math.min(...Object.values(sizes)), max: Math.max(...Object.values(sizes)), histogram },
    duplicateHosts: hosts.length - new Set(hosts.map(({ name }) => name)).size,
    rackIdGaps: Math.max(...ids) - Math.min(...ids) + 1 - ids.length,
    largestRack: largest?.[0],
  };
}
