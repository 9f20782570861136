import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { Tx } from '@sentral/kernel/database';
import { keyOf, listLevels, type CapacityMove, type Timeline } from '../allocation/capacity-sql.js';
import { freed } from '../allocation/end.js';
import {
  listHeldWhole,
  listNodeHolders,
  listUsedInside,
  windowOfHolder,
  type Entangled,
  type NodeHolder,
  type NodeToTake,
} from '../allocation/node-sql.js';
import type { HolderRow } from '../allocation/number-sql.js';
import { dimensionOfNode, judgeNode, judgeProvider, type Wanted, type WantedCapacity } from '../allocation/rules.js';
import { freeOf, inTheWay, takenOf } from '../allocation/take-capacity.js';
import { overlap, spanOfWindow, withCleaning, type Window } from '../allocation/window.js';
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
  readonly holders: readonly NodeHolder[];
  readonly seen: ReadonlySet<string>;
  readonly timeline: Timeline | undefined;
  /** When a component of a node is in use, or the whole is that it is a part of. */
  readonly entangled: readonly Entangled[];
  /** What the request gives back, and what earlier items take. */
  readonly moves: CapacityMove[];
  readonly whole: { readonly nodeId: string; readonly window: Window }[];
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
  const counters = (await listCounters(tx, ids)).map((row): Counter => ({ ...row, used: row.used - row.overdue }));
  const timed = moves.some(({ window }) => window.startsAt !== null || window.endsAt !== null);
  const levels = timed || counters.some(({ booked }) => booked > 0);
  const whole = wanted.filter(({ what }) => what === 'node').map((item) => item.providerId);
  const givenIds = gone.map((item) => item.id);
  const holders = (await listNodeHolders(tx, ids)).filter((holder) => !givenIds.includes(holder.itemId));
  const classes = wanted.flatMap((item) => (item.what === 'capacity' ? [item.class] : []));
  return {
    ofTenant,
    counters: new Map(counters.map((row) => [keyOf(row), row])),
    classes: await listKnownClasses(tx, classes),
    holders,
    seen: await seenIds(tx, sightOf(caller), { noun: 'node', ids }),
    timeline: levels ? await listLevels(tx, counters) : undefined,
    entangled: [...(await listUsedInside(tx, whole)), ...(await listHeldWhole(tx, { inParts: [], ids }))],
    moves: freed(gone),
    whole: [],
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
    : [
        {
          filter: 'held',
          ...(holder.cleaning ? { state: 'cleaning' } : {}),
          ...(holder.cleanAt === null ? {} : { until: holder.cleanAt.toISOString() }),
        },
      ];

const holderOf = ({ holders }: Nodes, nodeId: string, window: Window): NodeHolder | undefined =>
  holders.find((each) => each.nodeId === nodeId && overlap(window, windowOfHolder(each)));

const heldBy = (holder: NodeHolder | undefined): Pick<Draft, 'relief'> =>
  holder === undefined ? {} : { relief: { filter: 'held', of: { from: 'holder', holder: whoGivesBack(holder) } } };

/** What is cleaned is nobody's to give back: it is waited for. */
const whoGivesBack = ({ cleaning, cleanAt, ...holder }: NodeHolder): HolderRow =>
  cleaning ? { ...holder, allocationId: null, expiresAt: cleanAt } : { ...holder, expiresAt: cleanAt };

/** An amount at a node. */
export function judgeCapacity(nodes: Nodes, draft: Draft, wanted: WantedCapacity): Draft {
  const node = nodes.ofTenant.get(draft.move.scope.tenantId)?.get(wanted.providerId);
  if (node === undefined || !nodes.classes.has(wanted.class)) return draft;
  const key = { nodeId: node.id, class: wanted.class };
  const counter = nodes.counters.get(keyOf(key));
  const { window } = draft.move;
  const holder = node.allocMode === 'exclusive' ? holderOf(nodes, node.id, window) : undefined;
  const entangled = inTheWay(nodes.entangled, node.id, window) !== undefined;
  const part: Shortfall[] = holder === undefined && entangled ? [{ filter: 'held' }] : [];
  const placed = [...service(judgeProvider(node, window)), ...heldUntil(holder), ...part];
  const relief = heldBy(holder);
  if (counter === undefined)
    return { ...named(draft, ['class', 'service', 'held'], [{ filter: 'class' }, ...placed]), ...relief };
  const fault = amountFault(wanted.amount, counter);
  const unit: Shortfall[] = fault === undefined ? [] : [{ filter: 'unit', ...fault, requested: wanted.amount }];
  const span = spanOfWindow(window, nodes.timeline?.nowUs ?? 0);
  // As a taker counts.
  const free = freeOf(counter, nodes, span);
  nodes.moves.push({ ...key, delta: wanted.amount, booked: window.startsAt !== null, span });
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
      ? { relief: { filter: 'capacity', of: { from: 'capacity', key, amount: short, seen, window } } as const }
      : relief),
  };
}

/** A node as a whole. */
export function judgeWhole(nodes: Nodes, draft: Draft): Draft {
  const id = draft.wanted[0]?.providerId ?? '';
  const node = nodes.ofTenant.get(draft.move.scope.tenantId)?.get(id);
  if (node === undefined) return draft;
  const window = withCleaning(draft.move.window, node.cleaningSeconds);
  const holder = holderOf(nodes, node.id, window);
  const span = spanOfWindow(window, nodes.timeline?.nowUs ?? 0);
  const inParts = [...nodes.counters.values()].some(
    (counter) => counter.nodeId === node.id && takenOf(counter, nodes, span) > 0,
  );
  const again = nodes.whole.some((other) => other.nodeId === node.id && overlap(other.window, window));
  nodes.whole.push({ nodeId: node.id, window });
  const entangled = inTheWay(nodes.entangled, node.id, window) !== undefined;
  const held: Shortfall[] =
    holder === undefined && (inParts || again || entangled) ? [{ filter: 'held' }] : heldUntil(holder);
  return {
    ...named(draft, ['service', 'held'], [...service(judgeNode(node, draft.move.window)), ...held]),
    providerId: encodeId('nod', node.id),
    dimension: dimensionOfNode(node.kind),
    ...heldBy(holder),
  };
}
