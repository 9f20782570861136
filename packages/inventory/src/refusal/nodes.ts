import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { Tx } from '@sentral/kernel/database';
import { keyOf } from '../allocation/capacity-sql.js';
import {
  listHeldWhole,
  listNodeHolders,
  listUsedInside,
  type NodeHolder,
  type NodeToTake,
} from '../allocation/node-sql.js';
import { dimensionOfNode, judgeNode, judgeProvider, type Wanted, type WantedCapacity } from '../allocation/rules.js';
import { amountFault } from '../capacity/rules.js';
import { seenIds, sightOf, takingSight } from '../reading.js';
import type { Draft } from './draft.js';
import type { Move } from './request.js';
import { rounded, type Candidates, type Shortfall } from './rules.js';
import { listCounters, listKnownClasses, listNodesToTake, type Counter } from './sql.js';

/** What items that name nodes are judged by, and what of it earlier items have taken. */
export interface Nodes {
  readonly ofTenant: ReadonlyMap<string, ReadonlyMap<string, NodeToTake>>;
  readonly counters: ReadonlyMap<string, Counter>;
  readonly classes: ReadonlySet<string>;
  readonly holders: ReadonlyMap<string, NodeHolder>;
  readonly seen: ReadonlySet<string>;
  /** Nodes of which a component is in use, or that are parts of what someone has whole. */
  readonly entangled: ReadonlySet<string>;
  readonly taken: Map<string, number>;
}

const isOfNode = (item: Wanted) => item.what === 'node' || item.what === 'capacity';

export async function readNodes(tx: Tx, caller: Caller, moves: readonly Move[]): Promise<Nodes> {
  const wanted = moves.flatMap(({ fresh }) => fresh).filter(isOfNode);
  const ids = [...new Set(wanted.map((item) => item.providerId))];
  const ofTenant = new Map<string, ReadonlyMap<string, NodeToTake>>();
  for (const tenantId of new Set(moves.map(({ scope }) => scope.tenantId))) {
    const nodes = await listNodesToTake(tx, takingSight(caller, tenantId), ids);
    ofTenant.set(tenantId, new Map(nodes.map((node) => [node.id, node])));
  }
  const gone = moves.flatMap((move) => move.gone);
  const counters = (await listCounters(tx, ids)).map((row): Counter => {
    const given = gone
      .filter((item) => item.what === 'capacity' && item.nodeId === row.nodeId && item.class === row.class)
      .reduce((sum, item) => sum + item.amount, 0);
    return { ...row, overdue: row.overdue + given };
  });
  const whole = wanted.filter(({ what }) => what === 'node').map((item) => item.providerId);
  const givenIds = gone.map((item) => item.id);
  const holders = (await listNodeHolders(tx, ids)).filter((holder) => !givenIds.includes(holder.itemId));
  const classes = wanted.flatMap((item) => (item.what === 'capacity' ? [item.class] : []));
  return {
    ofTenant,
    counters: new Map(counters.map((row) => [keyOf(row), row])),
    classes: await listKnownClasses(tx, classes),
    holders: new Map(holders.map((holder) => [holder.nodeId, holder])),
    seen: await seenIds(tx, sightOf(caller), { noun: 'node', ids }),
    entangled: new Set([...(await listUsedInside(tx, whole)), ...(await listHeldWhole(tx, { inParts: [], ids }))]),
    taken: new Map(),
  };
}

const named = (draft: Draft, filters: Draft['filters'], fails: readonly Shortfall[]): Draft => ({
  ...draft,
  filters,
  candidates: [{ count: 1, fails } satisfies Candidates],
});

const service = (verdict: ReturnType<typeof judgeProvider>): Shortfall[] =>
  verdict.ok ? [] : [{ filter: 'service', state: verdict.state, allowedStates: [...verdict.allowedStates] }];

const heldUntil = (holder: NodeHolder | undefined): Shortfall[] =>
  holder === undefined
    ? []
    : [{ filter: 'held', ...(holder.expiresAt === null ? {} : { until: holder.expiresAt.toISOString() }) }];

/** An amount at a node. */
export function judgeCapacity(nodes: Nodes, draft: Draft, wanted: WantedCapacity): Draft {
  const node = nodes.ofTenant.get(draft.move.scope.tenantId)?.get(wanted.providerId);
  if (node === undefined || !nodes.classes.has(wanted.class)) return draft;
  const key = { nodeId: node.id, class: wanted.class };
  const counter = nodes.counters.get(keyOf(key));
  const holder = node.allocMode === 'exclusive' ? nodes.holders.get(node.id) : undefined;
  const part: Shortfall[] = holder === undefined && nodes.entangled.has(node.id) ? [{ filter: 'held' }] : [];
  const placed = [...service(judgeProvider(node)), ...heldUntil(holder), ...part];
  const relief = holder === undefined ? {} : ({ relief: { filter: 'held', of: { from: 'holder', holder } } } as const);
  if (counter === undefined)
    return { ...named(draft, ['class', 'service', 'held'], [{ filter: 'class' }, ...placed]), ...relief };
  const fault = amountFault(wanted.amount, counter);
  const unit: Shortfall[] = fault === undefined ? [] : [{ filter: 'unit', ...fault, requested: wanted.amount }];
  const before = nodes.taken.get(keyOf(key)) ?? 0;
  nodes.taken.set(keyOf(key), before + wanted.amount);
  // As a taker counts: what was shrunk under its use gives no more than the request itself gives back.
  const free = Math.max(counter.cap, counter.used - counter.overdue) - (counter.used - counter.overdue) - before;
  const short = wanted.amount - free;
  const seen = nodes.seen.has(node.id);
  const available = Math.max(0, free);
  const fails: Shortfall[] = [
    ...unit,
    ...placed,
    ...(short > 0
      ? [{ filter: 'capacity', requested: wanted.amount, available: seen ? available : rounded(available) } as const]
      : []),
  ];
  return {
    ...named(draft, ['class', 'unit', 'service', 'held', 'capacity'], fails),
    dimension: counter.dimension,
    ...(short > 0
      ? { relief: { filter: 'capacity', of: { from: 'capacity', key, amount: short, seen } } as const }
      : relief),
  };
}

/** A node as a whole. */
export function judgeWhole(nodes: Nodes, draft: Draft): Draft {
  const id = draft.wanted[0]?.providerId ?? '';
  const node = nodes.ofTenant.get(draft.move.scope.tenantId)?.get(id);
  if (node === undefined) return draft;
  const holder = nodes.holders.get(node.id);
  const inParts = [...nodes.counters.values()].some(
    (counter) =>
      counter.nodeId === node.id && counter.used - counter.overdue + (nodes.taken.get(keyOf(counter)) ?? 0) > 0,
  );
  const whole = `whole ${node.id}`;
  const again = nodes.taken.has(whole);
  nodes.taken.set(whole, 1);
  const held: Shortfall[] =
    holder === undefined && (inParts || again || nodes.entangled.has(node.id))
      ? [{ filter: 'held' }]
      : heldUntil(holder);
  return {
    ...named(draft, ['service', 'held'], [...service(judgeNode(node)), ...held]),
    providerId: encodeId('nod', node.id),
    dimension: dimensionOfNode(node.kind),
    ...(holder === undefined ? {} : { relief: { filter: 'held', of: { from: 'holder', holder } } as const }),
  };
}
