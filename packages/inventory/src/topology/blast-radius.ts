import type { Caller } from '@sentral/contracts/contract';
import { encodeId, parseId } from '@sentral/contracts/ids';
import { blastWalkMax } from '@sentral/contracts/inventory/blast-radius';
import { problem } from '@sentral/contracts/problem';
import type { Database } from '@sentral/kernel/database';
import { findBlock } from '../address-block/sql.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { findNode } from '../node/sql.js';
import { toSummary } from '../node/row.js';
import { findRange } from '../number-range/sql.js';
import { readDb, readingAs, sightOf, type Sight } from '../reading.js';
import {
  findHolders,
  listHitBlocks,
  listHitBy,
  listUsers,
  type HitBlock,
  type HitNumbers,
  type Reached,
} from './blast-radius-sql.js';

interface Start {
  readonly nodes: readonly Reached[];
  readonly block?: HitBlock;
  readonly numbers?: HitNumbers;
}

type Hit = Reached & { readonly distance: number };

/**
 * What a node, a prefix or a number takes along: breadth first over containment and edges, then who holds any of it.
 * @throws Problem not-found
 */
export async function blastRadiusOf(
  deps: Deps,
  caller: Caller,
  command: Command<'blastRadius', 'get'>,
): Promise<Result<'blastRadius', 'get'>> {
  const db = readDb(deps, caller);
  const sight = sightOf(caller);
  const start = await startOf(db, sight, command);
  const { hits, cut } = await walk(db, sight, start.nodes);
  const nodeIds = hits.filter(({ by }) => by !== 'connects').map(({ id }) => id);
  const blocks = await listHitBlocks(db, sight, { within: start.block, nodeIds, limit: blastWalkMax + 1 });
  const { limit } = command;
  const holders = await readingAs(deps, caller, (on) =>
    findHolders(on, caller, { nodeIds, blockIds: blocks.map(({ id }) => id), numbers: start.numbers, limit }),
  );
  const counts = {
    nodes: hits.length,
    blocks: Math.min(blocks.length, blastWalkMax),
    allocations: holders.count,
  };
  const dedicated = hits.flatMap(({ by, tenantId }) => (tenantId === null || by === 'connects' ? [] : [tenantId]));
  return {
    id: command.id,
    nodes: hits.slice(0, limit).map(({ by, viaId, distance, ...node }) => ({
      ...toSummary(node),
      by,
      ...(viaId === null ? {} : { viaId: encodeId('nod', viaId) }),
      distance,
    })),
    blocks: blocks
      .slice(0, limit)
      .map(({ id, spaceId, cidr }) => ({ id: encodeId('blk', id), spaceId: encodeId('spc', spaceId), cidr })),
    allocations: holders.allocations.map((each) => ({
      id: encodeId('alc', each.id),
      tenantId: encodeId('tnt', each.tenantId),
      ...(each.projectId === null ? {} : { projectId: encodeId('prj', each.projectId) }),
      environmentId: encodeId('env', each.scopeId),
      state: each.state,
      ...(each.boundTaskId === null ? {} : { boundTaskId: encodeId('tsk', each.boundTaskId) }),
    })),
    scopes: {
      tenantIds: [...new Set([...holders.tenantIds, ...dedicated])].toSorted().map((id) => encodeId('tnt', id)),
      projectIds: holders.projectIds.map((id) => encodeId('prj', id)),
      environmentIds: holders.environmentIds.map((id) => encodeId('env', id)),
    },
    counts,
    truncated: cut || blocks.length > blastWalkMax || Object.values(counts).some((count) => count > limit),
  };
}

async function startOf(
  db: Database,
  sight: Sight,
  { id, number }: Pick<Command<'blastRadius', 'get'>, 'id' | 'number'>,
): Promise<Start> {
  const { prefix, uuid } = parseId(id);
  const limit = blastWalkMax;
  if (prefix === 'blk') {
    const row = await findBlock(db, sight, uuid);
    if (row === undefined || row.endedAt !== null) throw problem('not-found', { resourceType: 'addressBlock' });
    const block = { id: row.id, spaceId: row.spaceId, cidr: row.cidr };
    return { block, nodes: await listUsers(db, sight, { block, numbers: undefined, limit }) };
  }
  if (prefix === 'rng') {
    const row = await findRange(db, sight, uuid);
    if (row === undefined || (number !== undefined && (number < row.start || number > row.end)))
      throw problem('not-found', { resourceType: number === undefined ? 'numberRange' : 'number' });
    const numbers = { domainId: row.domainId, first: number ?? row.start, last: number ?? row.end };
    return { numbers, nodes: await listUsers(db, sight, { block: undefined, numbers, limit }) };
  }
  const row = await findNode(db, sight, uuid);
  if (row === undefined) throw problem('not-found', { resourceType: 'node' });
  return { nodes: [{ ...row, by: 'start', viaId: null }] };
}

/** Ring by ring; a node counts once, by the shortest way, and one that a cable alone has reached is still reached by a stronger one later. */
async function walk(
  db: Database,
  sight: Sight,
  start: readonly Reached[],
): Promise<{ hits: readonly Hit[]; cut: boolean }> {
  const hits = new Map<string, Hit>();
  let ring: readonly Hit[] = start.map((node) => ({ ...node, distance: 0 }));
  for (let distance = 1; ring.length > 0; distance += 1) {
    for (const hit of ring) if ((hits.get(hit.id)?.by ?? 'connects') === 'connects') hits.set(hit.id, hit);
    if (hits.size >= blastWalkMax) break;
    const from = ring.filter(({ by }) => by !== 'connects').map(({ id }) => id);
    if (from.length === 0) break;
    const next = new Map<string, Hit>();
    for (const hit of await listHitBy(db, sight, { ring: from, limit: blastWalkMax + 1 })) {
      const known = hits.get(hit.id) ?? next.get(hit.id);
      if (known === undefined || (known.by === 'connects' && hit.by !== 'connects'))
        next.set(hit.id, { ...hit, distance });
    }
    ring = [...next.values()];
  }
  const all = [...hits.values()].toSorted((a, b) => a.distance - b.distance || (a.id < b.id ? -1 : 1));
  return { hits: all.slice(0, blastWalkMax), cut: hits.size >= blastWalkMax };
}
