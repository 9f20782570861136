// Reads only. Which nodes of a host, or of pools that it lies in, have the amounts that are asked for together.
import type { SeeingQuery } from '../reading.js';
import type { Ask, Need, Unit } from './ask.js';
import { alike, all, chainOf, isHeldWhole, rangeOf, type Search } from './host-sql.js';

/** Whether a counter gives an amount; with what others of the same node take of it, `total`. What ran out is free: its taker ends it. */
export function fits(
  q: SeeingQuery,
  search: Search,
  { counter: c, amount, total }: { readonly counter: string; readonly amount: string; readonly total: string },
): string {
  const { amounts } = search.pending;
  const [nodes, classes, deltas] = [
    amounts.map((each) => each.nodeId),
    amounts.map((each) => each.class),
    amounts.map((each) => each.amount),
  ];
  const taken =
    amounts.length === 0
      ? ''
      : ` - coalesce((select sum(t.amount) from unnest(${q.value(nodes)}::uuid[], ${q.value(classes)}::text[], ${q.value(deltas)}::bigint[]) t(node_id, class, amount)
           where t.node_id = ${c}.node_id and t.class = ${c}.class), 0)`;
  const free = `${c}.cap - ${c}.used - ${c}.booked${taken}`;
  const now = `${c}.booked = 0 and ${free} + coalesce((select sum(i.amount) from allocation_item i
       where i.node_id = ${c}.node_id and i.class = ${c}.class and i.what = 'capacity' and i.ended_at is null and upper(i.during) <= now()), 0) >= ${total}`;
  const timed = `${c}.cap${taken} - ${peakOf(q, search, c)} >= ${total}`;
  return all([
    `${amount} between ${c}.min_unit and ${c}.max_unit`,
    `${amount} % ${c}.step = 0`,
    `${total} <= ${c}.max_unit`,
    // Asked from left to right: what is used and booked together mostly says it all.
    `case when ${free} >= ${total} then true when ${search.window === undefined ? now : 'false'} then true else ${search.window === undefined ? `${c}.booked > 0 and ` : ''}${timed} end`,
  ]);
}

/** The most that is taken of a counter at any instant of the time that is searched for. */
function peakOf(q: SeeingQuery, search: Search, c: string): string {
  const range = rangeOf(q, search);
  return `coalesce((select max(l.level) from (
      select sum(s.delta) over (order by s.at, s.delta) as level
      from allocation_item i join allocation a on a.id = i.allocation_id
      cross join lateral (select case when a.state = 'held' then tstzrange(lower(i.during), null) else i.during end as span) x
      cross join lateral (values (greatest(lower(x.span), lower(${range})), i.amount), (coalesce(upper(x.span), 'infinity'), -i.amount)) s(at, delta)
      where i.node_id = ${c}.node_id and i.class = ${c}.class and i.what = 'capacity' and i.ended_at is null and upper(i.during) > now() and x.span && ${range}
    ) l), 0)`;
}

export const amountOf = (q: SeeingQuery, { amount }: Need): string => `${q.value(amount)}::bigint`;

/**
 * What node `p<n>` must be and have to serve unit n, beside the units before it; what the unit `own` needs the walk has looked at. The
 * fences have each asked of that node: PostgreSQL would rather begin with all counters of a class, for every host once more, while it
 * has not yet counted what an import brought.
 */
function serves(q: SeeingQuery, search: Search, n: number, own: number | undefined): string[] {
  const { units } = search.ask;
  const unit = units[n] as Unit;
  const { traits, labels } = alike(q, 'n', unit);
  const likeness = all([...traits, ...labels]);
  const inService = `n.state = 'available' and n.intent = 'in_service' and ${q.sees('node', 'n')} and not ${isHeldWhole(q, search, 'n.id')}`;
  const needs = (n === own ? [] : unit.needs).map((need) => {
    const amount = amountOf(q, need);
    const before = units.slice(0, n).flatMap((earlier, m) => {
      const same = earlier.needs.find((each) => each.class === need.class);
      return same === undefined ? [] : [`case when p${m}.id = p${n}.id then ${amountOf(q, same)} else 0 end`];
    });
    const total = `(${[amount, ...before].join(' + ')})`;
    return `exists (select from capacity c where c.node_id = p${n}.id and c.class = ${q.value(need.class)} and ${fits(q, search, { counter: 'c', amount, total })} offset 0)`;
  });
  // What shares may lie elsewhere than the host.
  const allowed =
    search.allowed === null
      ? []
      : [
          `(p${n}.own or exists (select from ${chainOf(`p${n}.id`)} far where far.ids && ${q.value(search.allowed)}::uuid[]))`,
        ];
  return [
    ...needs,
    ...allowed,
    // Of the host it is asked anyway.
    `exists (select from node n where n.id = p${n}.id and ${likeness} and (n.id = h.id or ${inService}) offset 0)`,
  ];
}

/** Groups that may not share a node, and groups of which one holds the others. */
function together({ units, isolate, sameSubtree }: Ask): string[] {
  const named = units.flatMap((unit, n) => (unit.name === undefined ? [] : [n]));
  const apart = isolate ? named.flatMap((n) => named.filter((m) => m < n).map((m) => `p${m}.id <> p${n}.id`)) : [];
  const below = sameSubtree.map((set) => {
    const held = set.map((top) => all(set.filter((n) => n !== top).map((n) => `p${top}.id = any(p${n}.path)`)));
    return `(${held.join(' or ')})`;
  });
  return [...apart, ...below];
}

/**
 * The ways to serve all units from host `h`: `takers` has one node for each need, in their order. Of the units, those before
 * `own` are served by members that share and `own` by `w` itself, a node of the host: so each way is found once. Without
 * `own`, one unit at least is served by the host.
 */
export function waysOf(q: SeeingQuery, search: Search, own: number | undefined): string {
  const { ask } = search;
  const inside = `with recursive own (id, path) as (
      select h.id, array[h.id]
      union all
      select n.id, own.path || n.id from own, lateral (select n.id, n.kind, n.state from node n where n.parent_id = own.id offset 0) n
      where n.kind = any(array(select k.key from kind k where k.category = 'component')) and n.state <> 'retired'
    ), reach (id, path, own) as materialized (
      select own.id, own.path, true from own
      union all
      select distinct m.node_id, array[m.node_id], false
      from (select x.pool_id from pool_member x where x.node_id = any(chain.ids) offset 0) mine
      cross join lateral (select x.node_id from pool_member x where x.pool_id = mine.pool_id and x.shares offset 0) m
      where m.node_id not in (select own.id from own)
    )`;
  // A single amount that the host has itself is where the walk stands.
  const alone = `with reach (id, path, own) as (select w.id, array[w.id], true)`;
  const whose =
    own === undefined
      ? [`(${ask.units.map((_, n) => `p${n}.own`).join(' or ')})`]
      : [...ask.units.slice(0, own).map((_, n) => `not p${n}.own`), `p${own}.own`, `p${own}.id = w.id`];
  const conditions = [...whose, ...ask.units.flatMap((_, n) => serves(q, search, n, own)), ...together(ask)];
  const takers = ask.units.flatMap((unit, n) => unit.needs.map(() => `p${n}.id`));
  return `${ask.units.length === 1 && own !== undefined ? alone : inside}
    select array[${takers.join(', ')}] as takers from ${ask.units.map((_, n) => `reach p${n}`).join(', ')} where ${conditions.join(' and ')}`;
}
