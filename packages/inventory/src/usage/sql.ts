// One lock: the scope's row, for update (kernel/scopes/view), against the key share that a new allocation takes until it has committed. What has run
// out in it is ended behind that, allocations by id and their counters last (allocation/sql.ts). READ COMMITTED.
import { parseId, type Prefix } from '@sentral/contracts/ids';
import type { Database, Tx } from '@sentral/kernel/database';

export type Level = 'platform' | 'tenant' | 'project' | 'environment';

const levels: Readonly<Record<string, Level>> = { tnt_: 'tenant', prj_: 'project', env_: 'environment' };

/** The level of a scope by its id on the wire. */
export const levelOf = (scopeId: string): Level => levels[scopeId.slice(0, 4)] ?? 'platform';

/** A scope that things can live in. */
export interface Place {
  readonly level: Exclude<Level, 'platform'>;
  readonly id: string;
}

export function placeOf(scopeId: string): Place {
  const level = levelOf(scopeId);
  if (level === 'platform') throw new TypeError('nothing lives in the platform itself');
  return { level, id: parseId(scopeId).uuid };
}

/** The column that names the scope of a level; each has an index of its own that begins with it. */
export const columnOf = { tenant: 'tenant_id', project: 'project_id', environment: 'scope_id' } as const;

export interface Living {
  readonly type: string;
  readonly prefix: Prefix;
  readonly count: number;
  readonly ids: readonly string[];
}

/** What names a tenant as its own, beside allocations: numbers have no id on the wire, and are named by their domains. */
const dedicated = [
  { type: 'node', prefix: 'nod', table: 'node', id: 'x.id', live: `x.state <> 'retired'` },
  { type: 'addressSpace', prefix: 'spc', table: 'address_space', id: 'x.id', live: 'x.ended_at is null' },
  { type: 'addressBlock', prefix: 'blk', table: 'address_block', id: 'x.id', live: 'x.ended_at is null' },
  { type: 'address', prefix: 'adr', table: 'address', id: 'x.id', live: 'x.ended_at is null' },
  { type: 'number', prefix: 'ndm', table: 'number', id: 'x.domain_id', live: 'x.ended_at is null' },
] as const;

const living = (of: { type: string; prefix: string; table: string; id: string; live: string }, column: string) =>
  `select '${of.type}' as type, '${of.prefix}' as prefix, count(*)::int as count, (array_agg(distinct ${of.id}::text))[1:20] as ids
   from ${of.table} x where x.${column} = $1::uuid and ${of.live}`;

/** The statement of a level, for the test that reads its plan. */
export const livingStatement = (level: Place['level']): string =>
  [
    living(
      { type: 'allocation', prefix: 'alc', table: 'allocation', id: 'x.id', live: 'x.ended_at is null' },
      columnOf[level],
    ),
    ...(level === 'tenant' ? dedicated.map((each) => living(each, 'tenant_id')) : []),
  ].join(' union all ');

/** What of each kind lives in a scope: how many, and up to twenty of them. What has run out was ended before. */
export async function listLiving(tx: Tx, { level, id }: Place): Promise<readonly Living[]> {
  const rows = (await tx.unsafe(livingStatement(level), [id])) as unknown as readonly Living[];
  return rows.filter(({ count }) => count > 0);
}

export interface UseRow {
  readonly scopeId: string;
  readonly kind: Level;
  readonly dimension: string;
  readonly unitSeconds: string;
  readonly heldAtEnd: number;
}

/** The use of a scope and its children by dimension; the parts of the platform are its tenants. The statement is for the test that reads its plan. */
export const betweenStatement = (level: Level): string => {
  const child = { platform: 'tenant', tenant: 'project', project: 'environment', environment: undefined }[level];
  const part = child === undefined ? undefined : columnOf[child as Place['level']];
  const sets = part === undefined ? '(part, dimension)' : '(dimension), (part, dimension)';
  return `
    with span as (select $2::timestamptz as since, least($3::timestamptz, now()) as until),
    held as (
      select ${part === undefined ? 'null::uuid' : `a.${part}`} as part, i.dimension, i.amount,
        greatest(lower(i.during), span.since) as since,
        least(coalesce(i.ended_at, 'infinity'), upper(i.during), span.until) as until,
        lower(i.during) <= span.until and least(coalesce(i.ended_at, 'infinity'), upper(i.during)) > span.until as at_end
      from span, allocation a join allocation_item i on i.allocation_id = a.id
      where ${level === 'platform' ? '$1::uuid is not null' : `a.${columnOf[level]} = $1::uuid`}
        and (a.ended_at is null or a.ended_at > $2::timestamptz)
        and (i.ended_at is null or i.ended_at > $2::timestamptz) and lower(i.during) < span.until and i.dimension is not null
    )
    select coalesce(h.part, $1::uuid) as "scopeId", case when grouping(h.part) = 1 then '${level}' else '${child ?? level}' end as kind, h.dimension,
      trim_scale(round(sum(h.amount * extract(epoch from greatest(h.until - h.since, interval '0')))::numeric, 6))::text as "unitSeconds",
      coalesce(sum(h.amount) filter (where h.at_end), 0)::bigint as "heldAtEnd"
    from held h group by grouping sets (${sets})
    order by grouping(h.part) desc, h.part, h.dimension`;
};

/**
 * The integral over the ledger, which is allocation_item: each row held its amount from its beginning to the earliest of its
 * end, its expiry and now. Grouped twice: by the scope itself and by its children. An index of each level leaves out what had
 * ended before `from`; an allocation ends no earlier than its items.
 */
export async function listUseBetween(
  on: Database,
  asked: { scopeId: string; level: Level; from: string; to: string },
): Promise<{ rows: readonly UseRow[]; until: Date }> {
  const [span] = await on.unsafe('select least($1::timestamptz, now()) as until', [asked.to]);
  const until = span?.['until'] as Date;
  const rows = await on.unsafe(betweenStatement(asked.level), [asked.scopeId, asked.from, until]);
  return { rows: rows as unknown as readonly UseRow[], until };
}
