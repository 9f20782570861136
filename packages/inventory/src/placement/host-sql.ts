// Reads only. The filters that a host is held to, each a condition over the host `h` and, where it lies somewhere, over `chain`: the
// host and all that it lies in, nearest first. The search and its explanation ask the same ones.
import type { placementFilters } from '@sentral/contracts/inventory/placement';
import { isCleanedAfter } from '../allocation/node-sql.js';
import type { Window } from '../allocation/window.js';
import { labelConditions } from '../node/labels.js';
import type { SeeingQuery, Sight } from '../reading.js';
import type { Ask, Beside, Likeness } from './ask.js';

/** What is searched for, and what the caller's transaction knows beside it. */
export interface Search {
  readonly ask: Ask;
  /** Whose things may be offered. */
  readonly sight: Sight;
  /** Where policy lets things lie; null is anywhere. */
  readonly allowed: readonly string[] | null;
  /** When it is wanted; absent is from now on, for good. */
  readonly window?: Window;
  /** A host that it shall be like: of its kind, and a whole one with as much to offer. */
  readonly like?: { readonly hostId: string; readonly whole: boolean };
  /** Taken by the same transaction, and in no counter yet. */
  readonly pending: {
    readonly amounts: readonly { readonly nodeId: string; readonly class: string; readonly amount: number }[];
    readonly nodes: readonly string[];
    /** Hosts of the places of this ask that are chosen already. */
    readonly hosts: readonly string[];
  };
  /** Whose things are replaced by what is searched: they count as free, and of those nodes what still does is kept. */
  readonly instead?: { readonly allocationId: string; readonly nodeIds: readonly string[] };
  /** Only these nodes are looked at, in this order. */
  readonly among?: readonly string[];
  /** So many nodes are walked by at most; absent is all that there are. */
  readonly steps?: number;
}

export const nothingPending: Search['pending'] = { amounts: [], nodes: [], hosts: [] };

type Filter = (typeof placementFilters)[number];
export type Filters = readonly { readonly filter: Filter; readonly condition: string }[];

/** The node that a component is part of, or the node itself. */
export const hostOf = (id: string): string =>
  `(with recursive part (id, parent_id, category) as (
      select x.id, x.parent_id, k.category from node x join kind k on k.key = x.kind where x.id = ${id}
      union all
      select x.id, x.parent_id, k.category from part join node x on x.id = part.parent_id join kind k on k.key = x.kind where part.category = 'component'
    ) select part.id from part where part.category <> 'component' limit 1)`;

/** A node and all that it lies in, nearest first, each with its kind. */
export const chainOf = (id: string): string =>
  `(with recursive up (id, parent_id, kind, depth) as (
      select x.id, x.parent_id, x.kind, 0 from node x where x.id = ${id}
      union all
      select x.id, x.parent_id, x.kind, up.depth + 1 from up join node x on x.id = up.parent_id where up.depth < 256
    ) select array_agg(up.id order by up.depth) as ids, array_agg(up.kind order by up.depth) as kinds from up)`;

export const alike = (q: SeeingQuery, row: string, { required, forbidden, labels }: Likeness) => ({
  traits: [
    ...required.map((anyOf) => `${row}.traits && ${q.value(anyOf)}::text[]`),
    ...(forbidden.length === 0 ? [] : [`not ${row}.traits && ${q.value(forbidden)}::text[]`]),
  ],
  labels: labelConditions(q, row, labels),
});

export const all = (conditions: readonly string[]): string =>
  conditions.length === 0 ? 'true' : `(${conditions.join(' and ')})`;

/** The time for which something is searched, as a range. */
export const rangeOf = (q: SeeingQuery, { window }: Search): string =>
  window === undefined
    ? 'tstzrange(now(), null)'
    : `tstzrange(coalesce(${q.value(window.startsAt)}::timestamptz, now()), ${q.value(window.endsAt)}::timestamptz)`;

/** Live items of which a condition holds and that somebody has in that time, or in the `cleaned` seconds after; a hold may be confirmed, so it has no end. */
export const isTaken = (q: SeeingQuery, search: Search, of: string, cleaned = '0'): string => {
  const { instead } = search;
  const condition = instead === undefined ? of : `${of} and w.allocation_id <> ${q.value(instead.allocationId)}::uuid`;
  return search.window === undefined
    ? // Nobody knows beforehand how few overlap: the fence keeps the walk from reading all items instead of those of a node.
      `exists (select from (select w.during, w.cleaning_seconds, w.allocation_id from allocation_item w where ${condition} and w.ended_at is null offset 0) w
    where w.during && ${rangeOf(q, search)} or (occupied(w.during, w.cleaning_seconds) && ${rangeOf(q, search)} and ${isCleanedAfter('w')}))`
    : `exists (select from allocation_item w join allocation v on v.id = w.allocation_id where ${condition} and w.ended_at is null and (upper(w.during) > now() or ${isCleanedAfter('w')})
    and case when v.state = 'held' then tstzrange(lower(w.during), null) else occupied(w.during, w.cleaning_seconds) end && occupied(${rangeOf(q, search)}, ${cleaned}))`;
};

/** It was given back and is being cleaned in that time. The fence has it asked of one node, not read for all. */
export const isCleaned = (q: SeeingQuery, search: Search, id: string): string =>
  `exists (select from allocation_item w where w.node_id = ${id} and w.what = 'node' and w.ended_at is not null and w.cleaning_seconds > 0
    and occupied(w.during, w.cleaning_seconds) && ${rangeOf(q, search)} offset 0)`;

/** Somebody has the node whole in that time, or it is cleaned. */
export const isHeldWhole = (q: SeeingQuery, search: Search, id: string): string =>
  `(${isTaken(q, search, `w.node_id = ${id} and w.what = 'node'`)} or ${isCleaned(q, search, id)})`;

/** The failure domain of a host: the nearest of the kind that it lies in, or it itself; null where it lies in none. */
export const domainOf = (q: SeeingQuery, level: string | undefined, { kind }: Ask): string =>
  level === undefined
    ? kind === undefined
      ? 'h.id'
      : hostOf('h.id')
    : `chain.ids[array_position(chain.kinds, ${q.value(level)}::text)]`;

/** Where allocations have something, by failure domain: each in one host is one place. */
function occupied(
  q: SeeingQuery,
  name: string,
  { allocationIds, level, hosts }: Beside & { readonly hosts: readonly string[] },
): string {
  const domain =
    level === undefined
      ? 'place.host'
      : `(select chain.ids[array_position(chain.kinds, ${q.value(level)}::text)] from ${chainOf('place.host')} chain)`;
  return `${name} as materialized (
    select ${domain} as id, count(*)::int as places from (
      select distinct i.allocation_id, ${hostOf('i.node_id')} as host from allocation_item i
      where i.allocation_id = any(${q.value(allocationIds)}::uuid[]) and i.node_id is not null and i.ended_at is null and upper(i.during) > now()
      union all
      select null, chosen.host from unnest(${q.value(hosts)}::uuid[]) chosen(host)
    ) place group by 1
  )`;
}

/** What the filters refer to: named beforehand, each read once. */
export function occupations(q: SeeingQuery, { ask, pending }: Search): string[] {
  const of = (name: string, beside: Beside | undefined, hosts: readonly string[]) =>
    beside === undefined ? [] : [occupied(q, name, { ...beside, hosts })];
  const { spread } = ask;
  return [
    ...of('beside_near', ask.near, []),
    ...of('beside_avoid', ask.avoid, []),
    ...of('beside_spread', spread && { allocationIds: spread.with, level: spread.level }, pending.hosts),
  ];
}

export const placesIn = (domain: string): string =>
  `coalesce((select o.places from beside_spread o where o.id = ${domain}), 0)`;

function isLike(q: SeeingQuery, { like }: Search): string[] {
  if (like === undefined) return [];
  const host = `${q.value(like.hostId)}::uuid`;
  const offers = `not exists (select from capacity f where f.node_id = ${host}
    and not exists (select from capacity c where c.node_id = h.id and c.class = f.class and c.cap >= f.cap))`;
  return [
    `h.id <> ${host}`,
    `h.kind = (select f.kind from node f where f.id = ${host})`,
    ...(like.whole ? [offers] : []),
  ];
}

/** The filters that are asked for, in the order in which they are told; `capacity` is the condition of having it. */
export function filtersOf(q: SeeingQuery, search: Search, capacity: string): Filters {
  const { ask, allowed } = search;
  const { traits, labels } = alike(q, 'h', ask);
  const filters: { filter: Filter; conditions: string[] }[] = [
    {
      filter: 'inService',
      conditions: [`h.state = 'available'`, `h.intent = 'in_service'`, ...isLike(q, search)],
    },
    { filter: 'traits', conditions: traits },
    { filter: 'labels', conditions: labels },
    {
      filter: 'location',
      conditions: ask.location === undefined ? [] : [`${q.value(ask.location)}::uuid = any(chain.ids)`],
    },
    { filter: 'policy', conditions: allowed === null ? [] : [`chain.ids && ${q.value(allowed)}::uuid[]`] },
    {
      filter: 'pools',
      conditions: ask.pools.map(
        ({ is, poolIds }) =>
          `${is === 'in' ? '' : 'not '}exists (select from pool_member m where m.pool_id = any(${q.value(poolIds)}::uuid[]) and m.node_id = any(chain.ids))`,
      ),
    },
    {
      filter: 'capacity',
      conditions: [...(ask.kind === undefined ? [`not ${isHeldWhole(q, search, 'h.id')}`] : []), capacity],
    },
    {
      filter: 'near',
      conditions:
        ask.near === undefined
          ? []
          : [`exists (select from beside_near o where o.id = ${domainOf(q, ask.near.level, ask)})`],
    },
    {
      filter: 'avoid',
      conditions:
        ask.avoid === undefined
          ? []
          : [`not exists (select from beside_avoid o where o.id = ${domainOf(q, ask.avoid.level, ask)})`],
    },
    { filter: 'spread', conditions: spreadConditions(q, ask) },
  ];
  return filters
    .filter(({ conditions }) => conditions.length > 0)
    .map(({ filter, conditions }) => ({ filter, condition: all(conditions) }));
}

function spreadConditions(q: SeeingQuery, ask: Ask): string[] {
  if (ask.spread === undefined) return [];
  const domain = domainOf(q, ask.spread.level, ask);
  return [`${domain} is not null`, `${placesIn(domain)} < ${q.value(ask.spread.max)}::int`];
}

/** Whether anything asks where the host lies: the way up is walked only then. */
export const liesSomewhere = ({ ask, allowed }: Search): boolean =>
  ask.location !== undefined ||
  allowed !== null ||
  ask.pools.length > 0 ||
  ask.spread !== undefined ||
  ask.near?.level !== undefined ||
  ask.avoid?.level !== undefined ||
  ask.units.length > 1;
