// Reads of an instant that has been: the statements of today over relations of that time. Prevents: a second set of statements, and
// of walls, that says something else of yesterday than today's says of today.
import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Database } from '@sentral/kernel/database';
import { byKey, inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from './deps.js';
import type { Noun } from './owner-sql.js';
import { conceal, page, readDb, seenIds, sightOf, type Referring } from './reading.js';

/** An instant that has been and is known, and its exclusive end: all of its millisecond counts, since times are told to that. */
export interface Past {
  readonly at: string;
  readonly before: string;
}

/**
 * Looks up whether the instant can be asked for, by the clock of the database.
 * @throws Problem invalid-parameter for one to come, position-expired for one before changes left a trace
 */
export async function pastOf(db: Pick<Database, 'unsafe'>, asked: string, parameter = 'asOf'): Promise<Past> {
  const instant = new Date(asked);
  const [row] = await db.unsafe(
    `select $1::timestamptz > now() as "isToCome", at > $2::timestamptz as "isLost", at from past_begins`,
    [instant, new Date(instant.getTime() + 1)],
  );
  if (row?.['isToCome'] === true)
    throw problem('invalid-parameter', { parameter }, 'It lies in the future: only what has been can be asked for.');
  if (row?.['isLost'] === true)
    throw problem('position-expired', { parameter, oldest: (row['at'] as Date).toISOString() });
  return { at: instant.toISOString(), before: new Date(instant.getTime() + 1).toISOString() };
}

/** The tables whose rows have a version, with the columns that statements read. */
const versioned = {
  node: 'kind, name, name_exclusive, parent_id, tenant_id, attributes, traits, labels, intent, state, cleaning_seconds, scrubs',
  edge: 'edge_type, attributes, live, ended_at',
  address_space: 'name, name_exclusive, cool_down_seconds, attributes, tenant_id, ended_at',
  address_block:
    'space_id, parent_id, parent_cidr, cidr, is_pool, mark_utilized, status, attributes, node_id, tenant_id, ended_at, reusable_at',
  address: 'space_id, host, prefix_length, occupies, attributes, node_id, tenant_id, ended_at',
  number_domain: 'name, name_exclusive, kind, pooled, cool_down_seconds, attributes, node_id, ended_at',
  number: 'domain_id, domain_kind, value, name, occupies, attributes, node_id, tenant_id, ended_at',
} as const;

const parts = {
  edge_end: 'edge_id, edge_type, side, ordinal, node_id',
  external_id: 'source, external_id, resource_type, resource_id',
} as const;

/**
 * What a node was told with when its version was made, as the feed's trigger kept it: where it stands, what it offers, how often it
 * was taken from and seen. These are no versions of their own.
 */
const told = {
  rack_claim: `select h.node_id, h.state -> 'position' ->> 'face' as face, mounted,
       int4range((h.state -> 'position' ->> 'startHalfUnit')::int,
         (h.state -> 'position' ->> 'startHalfUnit')::int + (h.state -> 'position' ->> 'heightHalfUnits')::int) as half_units
     from node v join inventory.node_history h on h.node_id = v.id and h.version = v.version
     join (values (true), (false)) as faces (mounted) on mounted or (h.state -> 'position' ->> 'fullDepth')::boolean
     where h.state ? 'position'`,
  capacity: `select h.node_id, o.class, o.total, o."heldBack" as held_back, o."overcommitPct" as overcommit_pct, o."minUnit" as min_unit,
       o."maxUnit" as max_unit, o.step, o.cap, 0 as use_version
     from node v join inventory.node_history h on h.node_id = v.id and h.version = v.version,
       jsonb_to_recordset(h.state -> 'capacities') as o (class text, total bigint, "heldBack" bigint, "overcommitPct" int, "minUnit" bigint,
         "maxUnit" bigint, step bigint, cap bigint)`,
  provider_use: `select h.node_id as provider_id, (h.state ->> 'fence')::bigint as fence, (h.state ->> 'useVersion')::bigint as use_version
     from node v join inventory.node_history h on h.node_id = v.id and h.version = v.version`,
  observation: `select h.node_id, (h.state ->> 'observedAt')::timestamptz as observed_at
     from node v join inventory.node_history h on h.node_id = v.id and h.version = v.version`,
} as const;

const as = (name: string, select: string): string => `${name} as not materialized (${select})`;

/** The names of the tables, meaning what they held before the instant in this parameter. */
function relations(before: string): string {
  // The conditions stand outside: a part of a union that has one of its own cannot be looked up by the key of a join.
  const held = (table: string, from: string, columns: string): string =>
    `select ${columns} from (
       select ${columns}, ${from} as from_at, 'infinity'::timestamptz as until_at from inventory.${table}
       union all select ${columns}, ${from}, until_at from inventory.${table}_past
     ) held where from_at < ${before} and until_at >= ${before}`;
  const ends = held('edge_end', 'since', parts.edge_end);
  return [
    ...Object.entries(versioned).map(([table, facts]) =>
      as(table, held(table, 'updated_at', `id, ${facts}, version, created_at, updated_at`)),
    ),
    as('external_id', held('external_id', 'since', parts.external_id)),
    // An end lives as long as its edge.
    as('edge_end', `select held.*, ended.live from (${ends}) held join edge ended on ended.id = held.edge_id`),
    ...Object.entries(told).map(([table, select]) => as(table, select)),
  ].join(',\n');
}

/**
 * The statement as it would have answered then: within it the names of the tables mean what they held, and rows are looked up
 * as the conditions on them allow. `before` is the place of the instant among its parameters.
 */
export function asOf(text: string, before: string): string {
  const recursive = 'with recursive ';
  return text.startsWith(recursive)
    ? `${recursive}${relations(before)},\n${text.slice(recursive.length)}`
    : `with ${relations(before)}\n${text}`;
}

/** One snapshot for all statements: what was seen to be there is what is told. */
const asOne = { isolation: 'repeatable read', settings: byKey } as const;

/** Where a read finds its rows, and what of them may be shown. */
export interface Reading {
  readonly db: Pick<Database, 'unsafe'>;
  /** Statements that go from thing to thing by key, all of one snapshot. */
  walk<T>(work: (on: Pick<Database, 'unsafe'>) => Promise<T>): Promise<T>;
  /** Which of these, found there, may be shown. */
  shows(noun: Noun, ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Things without references to what may not be shown. */
  conceal<T extends Referring>(items: readonly T[]): Promise<T[]>;
}

/**
 * A read of now, or of an instant that has been. Of the past is shown what the caller would have seen then and sees still: what a
 * thing was while it was another's is not told to whom it goes to, nor to whom it went from. Versions of all tenants lie
 * in tables without row-level security, which `inventory_read` may not read; the walls are in the statements.
 * @throws Problem invalid-parameter, position-expired
 */
export async function readingAt(deps: Deps, caller: Caller, instant: string | undefined): Promise<Reading> {
  const sight = sightOf(caller);
  if (instant === undefined) {
    const db = readDb(deps, caller);
    return {
      db,
      walk: (work) => inTransaction(db, work, asOne),
      shows: async (_noun, ids) => new Set(ids),
      conceal: (items) => conceal(db, sight, items),
    };
  }
  const now = deps.db.platform;
  const past = await pastOf(now, instant);
  const walk: Reading['walk'] = (work) =>
    inTransaction(
      now,
      (tx) =>
        work({
          unsafe: (text, params = []) =>
            tx.unsafe(asOf(text, `$${params.length + 1}::timestamptz`), [...params, past.before]),
        }),
      asOne,
    );
  const db: Reading['db'] = { unsafe: (text, params) => walk((on) => on.unsafe(text, params)) };
  return {
    db,
    walk,
    shows: (noun, ids) => seenIds(now, sight, { noun, ids }),
    conceal: async (items) => conceal(now, sight, await conceal(db, sight, items)),
  };
}

/** A page of what was found, of which what may not be shown is left out: it may be short. */
export async function pageOfShown<
  R extends { readonly id: string },
  T extends Referring & { readonly version: number },
>(
  { shows, conceal: concealing }: Reading,
  { noun, rows, limit }: { noun: Noun; rows: readonly R[]; limit: number },
  shape: { item: (row: R) => T; keys: (row: R) => readonly (string | number)[] },
) {
  const shown = await shows(
    noun,
    rows.map(({ id }) => id),
  );
  const found = page(rows, limit, { item: (row) => row, keys: shape.keys });
  const items = found.items.filter(({ id }) => shown.has(id)).map(shape.item);
  return { ...found, items: await concealing(items) };
}
