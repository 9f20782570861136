import type { Cable } from './cabling.js';
import { attribute, modelOf, refOf, type Stored } from './resource.js';

export interface Path {
  readonly via: readonly string[];
  /** Where it ends, when it ends at something that speaks. */
  readonly end: string | undefined;
}

type Positions = ReadonlyMap<string, ReadonlyMap<number, string>>;

/** Follows cables from a port through patch panels and circuits to the other end; undefined for a port without a cable. */
export function tracer(
  cables: readonly Cable[],
  nodes: ReadonlyMap<string, Stored>,
  rearPositions: Positions,
): (origin: string) => Path | undefined {
  const links = new Map<string, { cable: Cable; far: readonly string[] }>();
  for (const cable of cables) {
    for (const [near, far] of [
      [cable.a, cable.b],
      [cable.b, cable.a],
    ] as const) {
      for (const end of near) if (!links.has(end)) links.set(end, { cable, far });
    }
  }
  const rearOf = new Map<string, { rear: string; position: number }>();
  for (const [rear, positions] of rearPositions)
    for (const [position, front] of positions) rearOf.set(front, { rear, position });
  const peers = new Map<string, string>();
  for (const [key, node] of nodes)
    if (modelOf(key) === 'circuits.circuittermination')
      peers.set(`${node.parent}/${String(attribute(node, 'side'))}`, key);
  const positionsOf = (rear: string): number =>
    Number(attribute(nodes.get(rear) ?? { externalId: rear, type: 'node' }, 'positions') ?? 1);

  /** One passage through what stands at the far end of a cable: the port to go on from, the end, or nothing. */
  const pass = (at: string, via: string[], stack: number[]): { next?: string; end?: string } => {
    const model = modelOf(at);
    const node = nodes.get(at);
    if (node === undefined) return {};
    if (model === 'dcim.frontport') {
      const behind = rearOf.get(at);
      if (behind === undefined) return {};
      via.push(at, behind.rear);
      if (positionsOf(behind.rear) > 1) stack.push(behind.position);
      return { next: behind.rear };
    }
    if (model === 'dcim.rearport') {
      via.push(at);
      const position = positionsOf(at) > 1 ? stack.pop() : 1;
      const front = position === undefined ? undefined : rearPositions.get(at)?.get(position);
      if (front === undefined) return {};
      via.push(front);
      return { next: front };
    }
    if (model !== 'circuits.circuittermination') return { end: at };
    via.push(at);
    const peer = peers.get(`${node.parent}/${attribute(node, 'side') === 'A' ? 'Z' : 'A'}`);
    const other = peer === undefined ? undefined : nodes.get(peer);
    if (peer === undefined || other === undefined) return {};
    via.push(peer);
    const ashore = refOf(other, 'end');
    return ashore !== undefined && modelOf(ashore) === 'circuits.providernetwork' ? { end: ashore } : { next: peer };
  };

  return (origin) => {
    if (!links.has(origin)) return undefined;
    const via: string[] = [];
    const stack: number[] = [];
    const seen = new Set<Cable>();
    let at = origin;
    for (;;) {
      const link = links.get(at);
      if (link === undefined || seen.has(link.cable) || link.far.length !== 1) return { via, end: undefined };
      seen.add(link.cable);
      const { next, end } = pass(link.far[0] as string, via, stack);
      if (next === undefined) return { via, end };
      at = next;
    }
  };
}
