import { tracer } from './paths.js';
import { attribute, increment, isRow, modelOf, ofModel, textOf, type Imported, type Stored } from './resource.js';

export interface Cable {
  readonly key: string;
  readonly a: readonly string[];
  readonly b: readonly string[];
}

const origins = [
  'dcim.consoleport',
  'dcim.consoleserverport',
  'dcim.powerport',
  'dcim.poweroutlet',
  'dcim.interface',
  'dcim.powerfeed',
];

/** A cable whose end is not in the file still has that end in the facts. */
function cableOf(edge: Stored): Cable {
  const unresolved = (attribute(edge, 'unresolvedEnds') ?? []) as readonly { side: string; to?: string }[];
  const side = (name: string, stored: unknown): string[] => [
    ...(stored as readonly string[]),
    ...unresolved.filter((end) => end.side === name).map((end) => end.to ?? 'null'),
  ];
  return { key: edge.externalId, a: side('A', edge['a']), b: side('B', edge['b']) };
}

export function cabling(imported: Imported): Record<string, unknown> {
  const edges = ofModel(imported, 'dcim.cable');
  const cables = edges.map(cableOf);
  const nodes = new Map(
    imported.resources.filter(({ externalId }) => isRow(externalId)).map((resource) => [resource.externalId, resource]),
  );
  const ownerOf = ownership(nodes);
  const sides: Record<string, number> = {};
  const byEndpointKinds: Record<string, number> = {};
  const pairs = new Map<string, number>();
  const uses = new Map<string, number>();
  let connects = 0;
  let sameOwner = 0;
  const deviceLinks: [string, string][] = [];
  for (const { a, b } of cables) {
    increment(sides, `${a.length}x${b.length}`);
    connects += a.length * b.length;
    for (const end of [...a, ...b]) uses.set(end, (uses.get(end) ?? 0) + 1);
    const kinds = [a, b].map((ends) => [...new Set(ends.map(modelOf))].sort().join('+') || 'none');
    increment(byEndpointKinds, kinds.sort().join(' <-> '));
    for (const x of a.map(ownerOf)) {
      for (const y of b.map(ownerOf)) {
        if (x === undefined || y === undefined) continue;
        if (x === y) {
          sameOwner += 1;
          continue;
        }
        const pair = [x, y].sort().join(' | ');
        pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
        if (modelOf(x) === 'dcim.device' && modelOf(y) === 'dcim.device') deviceLinks.push([x, y]);
      }
    }
  }
  const sizes = components(
    ofModel(imported, 'dcim.device').map(({ externalId }) => externalId),
    deviceLinks,
  );
  const deviceComponentSizes: Record<string, number> = {};
  for (const size of sizes) increment(deviceComponentSizes, size);
  const cablesByType: Record<string, number> = {};
  for (const edge of edges) increment(cablesByType, textOf(edge, 'cableType') ?? 'none');
  const mapped = rearPositions(imported);
  const rearPorts = ofModel(imported, 'dcim.rearport');
  const positionsOf = (port: Stored): number => Number(attribute(port, 'positions') ?? 1);
  return {
    cables: cables.length,
    terminations:
      cables.reduce((sum, { a, b }) => sum + a.length + b.length, 0) +
      imported.rejected.filter(({ reason }) => reason.startsWith('its cable')).length,
    sides,
    connectsEdges: connects,
    byEndpointKinds,
    oneSidedOrEmpty: cables.filter(({ a, b }) => a.length === 0 || b.length === 0).map(({ key }) => key),
    danglingTerminations: dangling(imported),
    terminationsUsedTwice: [...uses]
      .filter(([, count]) => count > 1)
      .map(([key]) => key)
      .sort(),
    ownerPairsDistinct: pairs.size,
    parallelCables: [...pairs.values()].reduce((sum, count) => sum + count - 1, 0),
    sameOwnerCables: sameOwner,
    deviceComponents: sizes.length,
    deviceComponentSizes,
    cablesByType,
    paths: pathFacts(imported, cables, nodes),
    frontPorts: ofModel(imported, 'dcim.frontport').length,
    rearPorts: rearPorts.length,
    rearPortsMultiPosition: rearPorts.filter((port) => positionsOf(port) > 1).length,
    rearPositionsUnmapped: rearPorts.reduce((sum, port) => {
      const taken = mapped.get(port.externalId);
      return (
        sum +
        Array.from({ length: positionsOf(port) }, (_, n) => n + 1).filter((position) => !taken?.has(position)).length
      );
    }, 0),
  };
}

function dangling(imported: Imported): { row: string; problem: string }[] {
  const out: { row: string; problem: string }[] = [];
  for (const { key, reason } of imported.rejected) {
    const end = /^its cable_end is (.*), neither A nor B$/.exec(reason)?.[1];
    const missing = /^it ends at (.*), which is not in the file$/.exec(reason)?.[1];
    if (reason === 'its cable is not in the file') out.push({ row: key, problem: 'cable missing' });
    else if (end !== undefined) out.push({ row: key, problem: `cable_end ${end}` });
    else if (missing !== undefined)
      out.push({ row: key, problem: `termination ${missing === 'nothing' ? 'null' : missing} missing` });
  }
  return out;
}

/** The device, circuit or power panel that a port belongs to: up the tree, past its module. */
function ownership(nodes: ReadonlyMap<string, Stored>): (key: string) => string | undefined {
  const owners = new Set(['dcim.device', 'circuits.circuit', 'dcim.powerpanel']);
  return (key) => {
    let at = nodes.get(key)?.parent;
    while (at !== undefined && !owners.has(modelOf(at))) at = nodes.get(at)?.parent;
    return at;
  };
}

function components(members: readonly string[], links: readonly [string, string][]): number[] {
  const neighbours = new Map<string, string[]>(members.map((key) => [key, []]));
  for (const [x, y] of links) {
    neighbours.get(x)?.push(y);
    neighbours.get(y)?.push(x);
  }
  const seen = new Set<string>();
  const sizes: number[] = [];
  for (const start of members) {
    if (seen.has(start)) continue;
    const queue = [start];
    seen.add(start);
    for (const at of queue) {
      for (const next of neighbours.get(at) ?? []) {
        if (!seen.has(next)) {
          seen.add(next);
          queue.push(next);
        }
      }
    }
    sizes.push(queue.length);
  }
  return sizes;
}

/** Which positions of which rear port lead to a front port. */
function rearPositions(imported: Imported): Map<string, Map<number, string>> {
  const out = new Map<string, Map<number, string>>();
  for (const edge of imported.resources) {
    if (edge.type !== 'edge' || edge['edgeType'] !== 'backedBy' || !edge.externalId.endsWith('#rear')) continue;
    const [front] = edge['a'] as readonly string[];
    const [rear] = edge['b'] as readonly string[];
    if (front === undefined || rear === undefined) continue;
    const of = out.get(rear) ?? new Map<number, string>();
    out.set(rear, of);
    of.set(Number(attribute(edge, 'position') ?? 1), front);
  }
  return out;
}

function pathFacts(
  imported: Imported,
  cables: readonly Cable[],
  nodes: ReadonlyMap<string, Stored>,
): Record<string, unknown> {
  const trace = tracer(cables, nodes, rearPositions(imported));
  const paths = {
    traced: 0,
    complete: 0,
    incomplete: 0,
    throughPanels: 0,
    throughCircuits: 0,
    byOrigin: {} as Record<string, number>,
  };
  const endpoints = new Set<string>();
  for (const model of origins) {
    for (const { externalId } of ofModel(imported, model)) {
      const path = trace(externalId);
      if (path === undefined) continue;
      paths.traced += 1;
      increment(paths.byOrigin, model);
      if (path.end === undefined) paths.incomplete += 1;
      else {
        paths.complete += 1;
        endpoints.add([externalId, path.end].sort().join(' | '));
      }
      if (path.via.some((key) => modelOf(key) === 'dcim.rearport')) paths.throughPanels += 1;
      if (path.via.some((key) => key.startsWith('circuits.'))) paths.throughCircuits += 1;
    }
  }
  return { ...paths, distinctEndpointPairs: endpoints.size };
}
