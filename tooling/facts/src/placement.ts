import { increment, type Stored } from './resource.js';

// The topology of a cloud as `host_id,rack_id` lines: racks are failure domains, hosts are servers in them. No rack has a line of its own.

const site = 'site';
const rackKey = (rack: string): string => `rack:${rack}`;

/** What one NUMA node of a server has free. */
interface Half {
  readonly cores: number;
  readonly gib: number;
}

/** The free capacity of servers as `CPU1,RAM1,CPU2,RAM2` lines: two halves each. */
export function halvesOf(csv: string): readonly (readonly Half[])[] {
  const [head, ...rows] = csv.trim().split(/\r?\n/);
  if (head !== 'CPU1,RAM1,CPU2,RAM2') throw new Error(`the head is ${head}, not CPU1,RAM1,CPU2,RAM2`);
  return rows.map((row) => {
    const [cores = 0, gib = 0, otherCores = 0, otherGib = 0] = row.split(',').map(Number);
    return [
      { cores, gib },
      { cores: otherCores, gib: otherGib },
    ];
  });
}

/**
 * The topology as a change set of NDJSON lines, whole: a host that is gone from the file is gone from its source. With halves, hosts get
 * those of the servers in turn, as components that have what is free of them to give.
 */
export function* topologyLines(csv: string, servers: readonly (readonly Half[])[] = []): Generator<string> {
  const upsert = (externalId: string, resource: object): string =>
    `${JSON.stringify({ op: 'upsert', externalId, resource: { type: 'node', ...resource } })}\n`;
  const [head, ...rows] = csv.trim().split(/\r?\n/);
  if (head !== 'host_id,rack_id') throw new Error(`the head is ${head}, not host_id,rack_id`);
  yield `${JSON.stringify({ changeSet: 1, complete: true })}\n`;
  yield upsert(site, { kind: 'site', name: site });
  const racks = new Set<string>();
  for (const [at, row] of rows.entries()) {
    const [host, rack, ...more] = row.split(',');
    if (!host || !rack || more.length > 0) throw new Error(`not a host and its rack: ${row}`);
    if (!racks.has(rack)) yield upsert(rackKey(rack), { kind: 'rack', name: `rack-${rack}`, parent: site });
    racks.add(rack);
    yield upsert(`host:${host}`, { kind: 'server', name: host, parent: rackKey(rack) });
    for (const [half, { cores, gib }] of (servers[at % servers.length] ?? []).entries())
      yield upsert(`host:${host}/numa${half}`, {
        kind: 'module',
        name: `numa${half}`,
        parent: `host:${host}`,
        // What has none of a class does not offer it.
        capacities: [
          { class: 'vcpu', total: cores },
          { class: 'memoryMib', total: gib * 1_024 },
        ].filter(({ total }) => total > 0),
      });
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
