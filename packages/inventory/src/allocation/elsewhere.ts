import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { Ask } from '../placement/ask.js';
import type { Search } from '../placement/host-sql.js';
import { listPlaces, needsOf } from '../placement/sql.js';
import { givingSight } from '../reading.js';
import { listLost, type Lost } from './heal-sql.js';
import type { Part } from './part.js';
import { allowedPlaces } from './policy.js';
import type { Wanted } from './rules.js';
import { listItems, type ItemRow } from './sql.js';
import { windowOfRow } from './take-capacity.js';

type Flag = NonNullable<Allocation['flags']>[number];
type Pending = { -readonly [K in keyof Search['pending']]: Search['pending'][K][number][] };

/** Each unit is one more node to find for every host: a host of which more is lost is not looked for. */
const unitsMax = 12;

/**
 * What an allocation shall hold instead of what it lost with nodes that failed: of each host another one like it, of the same kind, with its
 * traits, in its pools and where policy allows, a whole one with as much to offer. What no other has is left out.
 */
export async function elsewhere(tx: Tx, part: Part, { tries, pending }: { tries: number; pending: Pending }) {
  const { operation, target, path } = part;
  if (operation.op !== 'replace' || target === undefined) throw new Error('only what is held is held elsewhere');
  const items = (await listItems(tx, [target.id])).filter(({ endedAt }) => endedAt === null);
  const lost = await listLost(tx, target.id);
  // Its node came back before anyone had looked for another.
  if (lost.length === 0) throw problem('state-conflict', { state: 'whole', allowedStates: [] });
  const isLost = ({ what, nodeId }: ItemRow) =>
    (what === 'node' || what === 'capacity') && lost.some((each) => each.nodeId === nodeId);
  const wanted = items.filter((item) => !isLost(item)).map(asIs);
  const flags = new Set<Flag>();
  const { startsAt, endsAt } = windowOfRow(target);
  const window = startsAt === null && endsAt === null ? {} : { window: { startsAt, endsAt } };
  const base = { sight: givingSight(target.tenantId), allowed: await allowedPlaces(tx, path), pending, ...window };
  for (const { host, needs } of byHost(lost, items)) {
    const ask = askOf(host, needs);
    const like = { hostId: host.hostId, whole: needs === undefined };
    const found = ask === undefined ? [] : await listPlaces(tx, { ...base, ask, like }, tries);
    const row = found[Math.floor(Math.random() * found.length)];
    flags.add(row === undefined ? 'missingResources' : 'resourcesChanged');
    if (ask === undefined || row === undefined) continue;
    for (const [n, providerId] of row.takers.entries()) {
      const place = { providerId, ordinal: wanted.length, asked: wanted.length, chosen: true };
      const need = needsOf(ask.units)[n];
      wanted.push(need === undefined ? { what: 'node', ...place } : { what: 'capacity', ...need, ...place });
      if (need === undefined) pending.nodes.push(providerId);
      else pending.amounts.push({ nodeId: providerId, ...need });
    }
  }
  return { ...part, operation: { ...operation, wanted }, flags: [...flags] };
}

interface Gone {
  readonly host: Lost;
  /** What is lost in amounts, by node; undefined is the host itself. */
  readonly needs: ReadonlyMap<string, ReadonlyMap<string, number>> | undefined;
}

/** One search for each whole, and one for all amounts of one host, so that they stay together. */
function byHost(lost: readonly Lost[], items: readonly ItemRow[]): readonly Gone[] {
  const gone: Gone[] = [];
  const amounts = new Map<string, { host: Lost; needs: Map<string, Map<string, number>> }>();
  for (const { what, nodeId, class: of, amount } of items) {
    const host = lost.find((each) => each.nodeId === nodeId);
    if (host === undefined || nodeId === null) continue;
    if (what === 'node') gone.push({ host, needs: undefined });
    if (what !== 'capacity' || of === null) continue;
    const same = amounts.get(host.hostId) ?? { host, needs: new Map<string, Map<string, number>>() };
    amounts.set(host.hostId, same);
    const needs = same.needs.get(nodeId) ?? new Map<string, number>();
    same.needs.set(nodeId, needs.set(of, (needs.get(of) ?? 0) + amount));
  }
  return [...gone, ...amounts.values()];
}

function askOf(host: Lost, needs: Gone['needs']): Ask | undefined {
  const units = [...(needs ?? [])].map(([nodeId, amounts]) => ({
    name: nodeId,
    needs: [...amounts].map(([of, amount]) => ({ class: of, amount })),
    ...anything,
  }));
  // A component that is held whole is not offered elsewhere by its kind alone.
  if (units.length > unitsMax || (needs === undefined && host.nodeId !== host.hostId)) return undefined;
  return {
    ...anything,
    required: host.traits.map((trait) => [trait]),
    kind: needs === undefined ? host.kind : undefined,
    count: 1,
    units,
    isolate: true,
    sameSubtree: [],
    pools: host.poolIds.map((id) => ({ is: 'in', poolIds: [id] })),
    location: undefined,
    spread: undefined,
    near: undefined,
    avoid: undefined,
    strategy: undefined,
  };
}

const anything = { required: [], forbidden: [], labels: [] } as const;

/** What is held, as it would be asked for. */
function asIs(item: ItemRow, ordinal: number): Wanted {
  const { what, nodeId, class: of, amount, domainId, number, blockId, address, cidr } = item;
  const place = { ordinal, asked: ordinal };
  const named = (providerId: string | null) => {
    if (providerId === null) throw new Error(`an item ${item.id} of nothing`);
    return { providerId, ...place };
  };
  switch (what) {
    case 'node':
      return { what, ...named(nodeId) };
    case 'capacity':
      return { what, ...named(nodeId), class: of ?? '', amount };
    case 'number':
      return { what, ...named(domainId), number: number ?? undefined, rangeId: null };
    case 'address':
      return { what, ...named(blockId), address: address ?? undefined };
    case 'block':
      return { what, ...named(blockId), length: undefined, cidr: cidr ?? undefined };
  }
}
