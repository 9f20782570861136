import { parseNetwork, type IpNetwork } from '../ip.js';
import type { BlockParents } from './plan.js';

export interface TreeBlock {
  readonly id: string;
  readonly spaceId: string;
  readonly cidr: string;
}

interface Placed extends TreeBlock {
  readonly network: IpNetwork;
}

/**
 * Nests blocks by longest prefix within their space. CIDR blocks contain each other or lie apart, so the one thing that can go wrong is
 * the same block twice: the ids of all but the first given are returned as `repeated`, and stand in no tree.
 */
export function nestBlocks(blocks: readonly TreeBlock[]): {
  readonly parents: BlockParents;
  readonly repeated: ReadonlyMap<string, TreeBlock>;
} {
  const parents = new Map<string, { id: string; cidr: string } | null>();
  const repeated = new Map<string, TreeBlock>();
  const first = new Map<string, TreeBlock>();
  const placed: Placed[] = [];
  for (const block of blocks) {
    const network = parseNetwork(block.cidr);
    if (network === undefined) continue;
    const place = `${block.spaceId} ${network.family} ${network.first} ${network.length}`;
    const holder = first.get(place);
    if (holder !== undefined) {
      repeated.set(block.id, holder);
      continue;
    }
    first.set(place, block);
    placed.push({ ...block, network });
  }
  placed.sort(inOrder);
  let open: Placed[] = [];
  for (const block of placed) {
    const contains = (outer: Placed): boolean =>
      outer.spaceId === block.spaceId &&
      outer.network.family === block.network.family &&
      outer.network.last >= block.network.last;
    while (open.length > 0 && !contains(open.at(-1) as Placed)) open = open.slice(0, -1);
    const parent = open.at(-1);
    parents.set(block.id, parent === undefined ? null : { id: parent.id, cidr: parent.cidr });
    open.push(block);
  }
  return { parents, repeated };
}

function inOrder(a: Placed, b: Placed): number {
  if (a.spaceId !== b.spaceId) return a.spaceId < b.spaceId ? -1 : 1;
  if (a.network.family !== b.network.family) return a.network.family - b.network.family;
  if (a.network.first !== b.network.first) return a.network.first < b.network.first ? -1 : 1;
  return a.network.length - b.network.length;
}
