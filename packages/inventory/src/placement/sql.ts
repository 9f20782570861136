// Reads only, no locks: what is found is judged again by whoever takes it, under the locks of allocation/sql.ts.
// PostgreSQL knows nothing of how many counters have room, so the search says how it goes: along the index of a class (or kind) from
// anywhere, each node checked as it comes by, until there are enough. With ten times the nodes it costs the same.
import { randomBytes } from 'node:crypto';
import type { Database, Tx } from '@sentral/kernel/database';
import { byKey } from '@sentral/kernel/transaction';
import { walkOf, type SeeingQuery } from '../reading.js';
import type { Need, Unit } from './ask.js';
import { nodesWhere, saysWhere, shuffled } from './among-sql.js';
import {
  alike,
  chainOf,
  domainOf,
  filtersOf,
  hostOf,
  isCleaned,
  isTaken,
  liesSomewhere,
  occupations,
  placesIn,
  type Search,
} from './host-sql.js';
import { amountOf, fits, waysOf } from './units-sql.js';

/** Readers and transactions alike can ask these. */
export type Asks = Pick<Database | Tx, 'unsafe'>;

/** A place: its host, and for each need the node that serves it. */
export interface PlaceRow {
  readonly host: string;
  readonly takers: readonly string[];
  readonly domain: string | null;
}

/** So many places are ranked: the best of them, not of all that there are, which would have to be read. */
const sample = 256;

export const needsOf = (units: readonly Unit[]): readonly Need[] => units.flatMap(({ needs }) => needs);

/**
 * How a search goes along an index in its order, row by row, until there are enough. PostgreSQL takes the filters for rarer than they are
 * and would read and sort the whole class first: 14,458 rows of counters at 10,000 providers instead of some twenty (2026-11-27).
 */
export const walking = { ...byKey, enable_bitmapscan: 'off', enable_sort: 'off' };

/** The same for the rest of a transaction that has begun otherwise. */
export async function walk(tx: Tx): Promise<void> {
  const set = Object.entries(walking).map(([name, value]) => `pg_catalog.set_config('${name}', '${value}', true)`);
  await tx.unsafe(`select ${set.join(', ')}`);
}

/** So many more places than are wanted are found and left to chance: in the order of the walk the gap before a place says how often it is the first. */
const spare = 8;

const anyOf = <T>(rows: readonly T[], limit: number): readonly T[] => shuffled(rows).slice(0, limit);

/** So many places of what is replaced are looked at for the one that keeps most of it. */
const keptMax = 64;

/** Places for what is asked, at most `limit`; with a strategy the best first. What is replaced and still does is the only one. */
export async function listPlaces(db: Asks, search: Search, limit: number): Promise<readonly PlaceRow[]> {
  const among = search.instead?.nodeIds ?? [];
  if (among.length > 0) {
    const own = await read(db, places({ ...search, among }, keptMax, keptMax));
    const keeps = ({ takers }: PlaceRow) => takers.filter((id) => among.includes(id)).length;
    const [most] = own.toSorted((a, b) => keeps(b) - keeps(a));
    if (most !== undefined) return [most];
  }
  return listFree(db, search, limit);
}

/** How far a search walks that could be told what lies where it says. */
const walkMax = 512;

async function listFree(db: Asks, search: Search, limit: number): Promise<readonly PlaceRow[]> {
  if (search.ask.near === undefined) {
    if (!saysWhere(search)) return (await find(db, search, limit)).rows;
    const { rows, enough } = await find(db, { ...search, steps: walkMax }, limit);
    if (enough) return rows;
  }
  const among = await nodesWhere(db, search);
  return (await find(db, among === undefined ? search : { ...search, among }, limit)).rows;
}

/** What is found, and whether it is as much as was looked for. */
interface Catch {
  readonly rows: readonly PlaceRow[];
  readonly enough: boolean;
}

async function find(db: Asks, search: Search, limit: number): Promise<Catch> {
  if (search.ask.strategy === undefined && search.ask.spread === undefined) {
    const rows = await read(db, places(search, limit + spare, limit + spare));
    return { rows: anyOf(rows, limit), enough: rows.length >= limit };
  }
  const window = Math.max(sample, limit);
  const rows = await read(db, places(search, limit, window));
  const enough = (rows[0]?.sampled ?? 0) >= window;
  // Few failure domains may fill the sample while others stand behind it.
  const { steps: _, ...whole } = search;
  return { rows: rows.length < limit && enough ? await read(db, places(whole, limit, 1_000_000)) : rows, enough };
}

type Ranked = PlaceRow & { readonly sampled?: number };

async function read(db: Asks, { text, params }: Statement): Promise<readonly Ranked[]> {
  return (await db.unsafe(text, params)) as unknown as readonly Ranked[];
}

interface Statement {
  readonly text: string;
  readonly params: readonly unknown[];
}

const withThese = (named: readonly string[]): string => (named.length === 0 ? '' : `with ${named.join(', ')} `);

/** The one statement of a search; also for who asks what it costs. */
export function places(search: Search, limit: number, window: number): Statement {
  const { ask } = search;
  const q = walkOf(search.sight);
  const named = occupations(q, search);
  const ways = ask.kind === undefined ? ask.units.map((_, own) => wayOf(q, search, own)) : [wholeOf(q, search)];
  const found = `(${ways.map((way) => `(${way})`).join(' union all ')} limit ${q.value(window)}::int)`;
  const rank = { pack: 'mean desc', spread: 'mean', balanced: 'gap, mean desc' }[ask.strategy ?? 'spread'];
  const most = q.value(limit);
  if (ask.strategy === undefined && ask.spread === undefined)
    return {
      text: `${withThese(named)}select host, takers, domain from ${found} found limit ${most}::int`,
      params: q.params,
    };
  const order = ask.strategy === undefined ? 'random()' : rank;
  const fair =
    ask.spread === undefined
      ? { nth: '0', held: '0', max: 'true' }
      : {
          nth: `row_number() over (partition by domain order by ${order})`,
          held: placesIn('found.domain'),
          max: `nth + held <= ${q.value(ask.spread.max)}::int`,
        };
  return {
    text: `${withThese(named)}select host, takers, domain, sampled from (
        select found.*, ${fair.nth} as nth, ${fair.held} as held, count(*) over ()::int as sampled from ${found} found
      ) ranked where ${fair.max} order by nth + held, ${order} limit ${most}::int`,
    params: q.params,
  };
}

/**
 * From anywhere to the end and from the beginning to there: two scans of one index, in its order. It is the order of the schema's
 * `shuffled`, so that every place is as likely to be come by as any other; by ids, which tell when they were made, whoever was
 * registered first after a pause would be offered first nearly always.
 */
function around(q: SeeingQuery, { steps }: Search, id: string, select: string): string {
  const at = `${q.value(randomBytes(8).readBigInt64BE())}::bigint`;
  const place = `uuid_hash_extended(${id}, 0)`;
  const half = (side: string) => `(${select} and ${place} ${side} ${at} order by ${place})`;
  return `(${half('>=')} union all ${half('<')}${steps === undefined ? '' : ` limit ${q.value(steps)}::int`})`;
}

/** Places whose unit `own` is served by the node that the walk comes by. */
function wayOf(q: SeeingQuery, search: Search, own: number): string {
  const unit = search.ask.units[own];
  const [need, ...more] = unit?.needs ?? [];
  if (unit === undefined || need === undefined) throw new Error('a unit without a need');
  const gives = (counter: string, each: Need): string => {
    const amount = amountOf(q, each);
    return `${counter}.class = ${q.value(each.class)} and ${fits(q, search, { counter, amount, total: amount })}`;
  };
  // All of the unit, before anything is asked that lies farther away than its counters.
  const { traits, labels } = alike(q, 'n', unit);
  const like = [...traits, ...labels];
  const serving = [
    gives('c', need),
    ...more.map((each) => `exists (select from capacity b where b.node_id = c.node_id and ${gives('b', each)})`),
    ...(like.length === 0 ? [] : [`exists (select from node n where n.id = c.node_id and ${like.join(' and ')})`]),
  ].join(' and ');
  const walk =
    search.among === undefined
      ? around(q, search, 'c.node_id', `select c.node_id as id from capacity c where ${serving}`)
      : `(select c.node_id as id from unnest(${q.value(search.among)}::uuid[]) a (id) join capacity c on c.node_id = a.id where ${serving})`;
  const filters = filtersOf(q, search, 'true').map(({ condition }) => condition);
  // Its unit before are served by what shares; mostly nothing does.
  if (own > 0) filters.push('exists (select from pool_member m where m.shares)');
  return `select h.id as host, way.takers, ${domain(q, search)} as domain, ${rankOf(q, search)}
    from ${walk} w cross join lateral (select x.* from node x where x.id = ${hostOf('w.id')}) h
    ${chain(search)} cross join lateral (${waysOf(q, search, own)}) way ${fullness(q, search)}
    where ${[q.sees('node', 'h'), ...filters].join(' and ')}`;
}

/** Whole nodes of a kind. */
function wholeOf(q: SeeingQuery, search: Search): string {
  const { ask } = search;
  const walk =
    search.among === undefined
      ? around(q, search, 'n.id', `select n.id from node n where n.kind = ${q.value(ask.kind)}`)
      : `(select n.id from unnest(${q.value(search.among)}::uuid[]) a (id) join node n on n.id = a.id where n.kind = ${q.value(ask.kind)})`;
  const filters = filtersOf(q, search, isFreeWhole(q, search)).map(({ condition }) => condition);
  const mean = ask.strategy === undefined ? '0' : neighbours;
  return `select h.id as host, array[h.id] as takers, ${domain(q, search)} as domain, ${mean}::float8 as mean, 0::float8 as gap
    from ${walk} w cross join lateral (select x.* from node x where x.id = w.id) h ${chain(search)}
    where ${[q.sees('node', 'h'), ...filters].join(' and ')}`;
}

// How much of what lies beside it is given out whole: the fuller its rack, the better it packs.
const neighbours = `(select count(*) from node s join allocation_item i on i.node_id = s.id and i.what = 'node' and i.ended_at is null where s.parent_id = h.parent_id)`;

/** Nobody has it, a part of it or one of its components. */
function isFreeWhole(q: SeeingQuery, search: Search): string {
  const { nodes } = search.pending;
  // What is given back beside is no taking.
  const amounts = search.pending.amounts.filter(({ amount }) => amount > 0);
  const cleaned = `coalesce(h.cleaning_seconds, (select k.cleaning_seconds from kind k where k.key = h.kind))`;
  return `(h.id <> all(${q.value([...nodes, ...amounts.map(({ nodeId }) => nodeId)])}::uuid[]) and not ${isTaken(q, search, 'w.node_id = h.id', cleaned)} and not ${isCleaned(q, search, 'h.id')}
    and not exists (select from parts_of(h.id) part (id) where ${isTaken(q, search, 'w.node_id = part.id', cleaned)}))`;
}

const chain = (search: Search): string => (liesSomewhere(search) ? `cross join lateral ${chainOf('h.id')} chain` : '');

const domain = (q: SeeingQuery, { ask }: Search): string =>
  ask.spread === undefined ? 'null::uuid' : domainOf(q, ask.spread.level, ask);

const rankOf = (_q: SeeingQuery, { ask }: Search): string =>
  ask.strategy === undefined ? '0::float8 as mean, 0::float8 as gap' : 'full_.mean, full_.gap';

/** How full the counters would be with it: on average, and how unevenly. */
function fullness(q: SeeingQuery, { ask }: Search): string {
  if (ask.strategy === undefined) return '';
  const needs = needsOf(ask.units);
  return `cross join lateral (
      select avg(f.part) as mean, max(f.part) - min(f.part) as gap from (
        select (c.used + sum(t.amount))::float8 / c.cap as part
        from unnest(way.takers, ${q.value(needs.map((need) => need.class))}::text[], ${q.value(needs.map((need) => need.amount))}::bigint[]) t(node_id, class, amount)
        join capacity c on c.node_id = t.node_id and c.class = t.class group by c.node_id, c.class
      ) f
    ) full_`;
}

export type Stage = { readonly filter: string; readonly left: number; readonly lifted: number };

/**
 * How many hosts are left after each filter, and how many would be if that one alone were lifted; reads all that offer anything of it,
 * at once and not one by one: PostgreSQL plans it freely.
 */
export async function listStages(db: Asks, search: Search): Promise<readonly Stage[]> {
  const { ask } = search;
  const q = walkOf(search.sight);
  const capacity = ask.kind === undefined ? `exists (${waysOf(q, search, undefined)})` : isFreeWhole(q, search);
  const filters = filtersOf(q, search, capacity);
  const offering =
    ask.kind === undefined
      ? `select distinct c.node_id as id from capacity c where c.class = any(${q.value(needsOf(ask.units).map((need) => need.class))}::text[])`
      : `select n.id from node n where n.kind = ${q.value(ask.kind)} and n.state <> 'retired'`;
  const named = [
    ...occupations(q, search),
    `offering as materialized (${offering})`,
    `climb (id, parent_id, goes_on) as (
       select n.id, n.parent_id, ${ask.kind === undefined ? `k.category = 'component'` : 'false'} from offering o join node n on n.id = o.id join kind k on k.key = n.kind
       union
       select n.id, n.parent_id, k.category = 'component' from climb join node n on n.id = climb.parent_id join kind k on k.key = n.kind where climb.goes_on
     )`,
    'hosts as materialized (select id, parent_id from climb where not goes_on)',
    // Those that lie in one rack have all that is above in common.
    `above as materialized (select p.id, up.ids, up.kinds from (select distinct parent_id as id from hosts where parent_id is not null) p cross join lateral ${chainOf('p.id')} up)`,
  ];
  const passes = filters.map((_, n) => `f.p${n}`);
  const counted = (these: readonly string[]) =>
    `count(*)${these.length === 0 ? '' : ` filter (where ${these.join(' and ')})`}::int`;
  const columns = filters.flatMap((_, n) => [
    `${counted(passes.slice(0, n + 1))} as left${n}`,
    `${counted(passes.filter((_pass, m) => m !== n))} as lifted${n}`,
  ]);
  const [row = {}] = await db.unsafe(
    `with recursive ${named.join(', ')} select count(*)::int as offered, ${columns.join(', ')} from (
       select ${filters.map(({ condition }, n) => `${condition} as p${n}`).join(', ')}
       from hosts join node h on h.id = hosts.id left join above on above.id = h.parent_id
       cross join lateral (select array_prepend(h.id, above.ids) as ids, array_prepend(h.kind, above.kinds) as kinds) chain
       where ${q.sees('node', 'h')} offset 0
     ) f`,
    q.params,
  );
  const offered = row['offered'] as number;
  return [
    { filter: 'offered', left: offered, lifted: offered },
    ...filters.map(({ filter }, n) => ({
      filter,
      left: row[`left${n}`] as number,
      lifted: row[`lifted${n}`] as number,
    })),
  ];
}

export async function listUnknownClasses(db: Asks, keys: readonly string[]): Promise<readonly string[]> {
  if (keys.length === 0) return [];
  const rows = await db.unsafe(
    `select k as key from unnest($1::text[]) k where not exists (select from resource_class r where r.key = k)`,
    [[...keys]],
  );
  return rows.map((row) => row['key'] as string);
}

/** Of kinds, those that are not there, that are no failure domain, or that are not given out whole; a kind may be both of the latter. */
export async function listUnknownKinds(
  db: Asks,
  keys: readonly string[],
): Promise<readonly { key: string; exists: boolean; fault: 'domain' | 'given' }[]> {
  if (keys.length === 0) return [];
  const rows = await db.unsafe(
    `select w.key, k.key is not null as exists, f.fault from unnest($1::text[]) w(key) left join kind k on k.key = w.key
     cross join (values ('domain'), ('given')) f(fault)
     where k.key is null or (f.fault = 'domain' and not k.is_failure_domain) or (f.fault = 'given' and k.alloc_mode <> 'exclusive')`,
    [[...keys]],
  );
  return rows as unknown as readonly { key: string; exists: boolean; fault: 'domain' | 'given' }[];
}
