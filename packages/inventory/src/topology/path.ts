import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { byKey, inTransaction } from '@sentral/kernel/transaction';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { toSummary, type NodeSummaryRow } from '../node/row.js';
import { findNode } from '../node/sql.js';
import { readDb, sightOf, type Sight } from '../reading.js';
import { startOfWalk } from './found.js';
import { afterHop, placeKey, type Place } from './rules.js';
import { listHops, type Hop } from './sql.js';

/** A way longer than this, or a search wider than this, is told as not found: it would hold a connection for too long. */
const hopsMax = 128;
const placesMax = 50_000;

interface Reached {
  readonly place: Place;
  readonly node: NodeSummaryRow;
  readonly hop: Hop | undefined;
  readonly from: Reached | undefined;
}

/**
 * The shortest way from one node to another over cables, panels and circuits: breadth first, one statement a ring.
 * @throws Problem not-found, reference-not-found
 */
export async function pathBetweenNodes(
  deps: Deps,
  caller: Caller,
  command: Command<'node', 'path'>,
): Promise<Result<'node', 'path'>> {
  return inTransaction(readDb(deps, caller), (tx) => search(tx, sightOf(caller), command), {
    isolation: 'repeatable read',
    settings: byKey,
  });
}

async function search(on: Tx, sight: Sight, command: Command<'node', 'path'>): Promise<Result<'node', 'path'>> {
  const [start, goal] = await Promise.all([
    startOfWalk(on, sight, command.fromId),
    findNode(on, sight, decodeId('nod', command.toId)),
  ]);
  if (goal === undefined) throw problem('reference-not-found', { pointer: '/toId', resourceType: 'node' });
  let ring: readonly Reached[] = [{ place: { id: start.id, trunk: [] }, node: start, hop: undefined, from: undefined }];
  const seen = new Set(ring.map(({ place }) => placeKey(place)));
  for (let hops = 0; ring.length > 0 && hops <= hopsMax && seen.size <= placesMax; hops += 1) {
    const arrived = ring.find(({ place }) => place.id === goal.id);
    if (arrived !== undefined) return { found: true, steps: stepsTo(arrived) };
    ring = nextRing(ring, await listHops(on, sight, [...new Set(ring.map(({ place }) => place.id))]), seen);
  }
  return { found: false, steps: [] };
}

function nextRing(ring: readonly Reached[], hops: readonly Hop[], seen: Set<string>): readonly Reached[] {
  const from = new Map<string, Hop[]>();
  for (const hop of hops) from.set(hop.fromId, [...(from.get(hop.fromId) ?? []), hop]);
  return ring.flatMap((reached) =>
    (from.get(reached.place.id) ?? []).flatMap((hop) => {
      const place = afterHop(reached.place, hop);
      if (place === undefined || seen.has(placeKey(place))) return [];
      seen.add(placeKey(place));
      return [{ place, node: hop, hop, from: reached }];
    }),
  );
}

function stepsTo(arrived: Reached): Result<'node', 'path'>['steps'] {
  const steps: Result<'node', 'path'>['steps'] = [];
  for (let at: Reached | undefined = arrived; at !== undefined; at = at.from) {
    steps.unshift({
      node: toSummary(at.node),
      by: at.hop?.by ?? 'start',
      ...(at.hop?.edgeId == null ? {} : { edgeId: encodeId('edg', at.hop.edgeId) }),
    });
  }
  return steps;
}
