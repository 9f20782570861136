import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId, parseId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Database, Tx } from '@sentral/kernel/database';
import { query, type Query } from '@sentral/kernel/page';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from './deps.js';
import { owned, type Noun } from './owner-sql.js';

export { page, readCursor, sorted, type Query, type SortKeys } from '@sentral/kernel/page';

/** What a read needs of a connection, of now or of an instant that has been. */
export type Asks = Pick<Database, 'unsafe'>;

/** Whose connection answers this caller: across tenants only for who may see all. */
export const readDb = (deps: Deps, caller: Caller): Database =>
  'all' in caller.readScope ? deps.db.platform : deps.db.read;

/**
 * Runs a read of what has row-level security with the walls that fit the caller. Who sees one whole tenant and nothing else
 * reads as `inventory_read`, where the policies hold too; a policy knows one tenant only, so every other caller reads across
 * tenants and the read scope in the statement alone decides.
 */
export async function readingAs<T>(
  deps: Deps,
  caller: Caller,
  work: (on: Pick<Database, 'unsafe'>) => Promise<T>,
): Promise<T> {
  const { readScope } = caller;
  if ('all' in readScope) return work(deps.db.platform);
  const { tenantIds, projectIds, environmentIds } = readScope;
  const [tenant, ...others] = tenantIds;
  if (
    tenant === undefined ||
    readScope.platform === true ||
    others.length + projectIds.length + environmentIds.length > 0
  )
    return work(deps.db.platform);
  const settings = { 'sentral.tenant': decodeId('tnt', tenant) };
  return inTransaction(deps.db.read, (tx) => work(tx), { settings });
}

/** What a statement may find: everything, or what is dedicated to these tenants and, where `shared`, what is to none. */
export type Sight = 'everything' | { readonly tenants: readonly string[]; readonly shared: boolean };

/**
 * What of the graph and the pools the caller sees. A thing is its tenant's, or that of the nearest thing around it that has one,
 * and is seen by who may read that whole tenant. What is dedicated to nobody is the platform's: seen with `platform`, and by no
 * tenant, though it may be named to be taken from. `all` sees everything.
 */
export function sightOf({ readScope }: Pick<Caller, 'readScope'>): Sight {
  if ('all' in readScope) return 'everything';
  return { tenants: readScope.tenantIds.map((id) => decodeId('tnt', id)), shared: readScope.platform === true };
}

/** What may be given to an environment of this tenant: what is dedicated to nobody else. */
export const takingSight = (caller: Caller, tenantId: string | undefined): Sight =>
  'all' in caller.readScope ? 'everything' : { tenants: tenantId === undefined ? [] : [tenantId], shared: true };

/** What may be given to an environment of this tenant when nobody names it: never what is dedicated to another, whoever asks. */
export const givingSight = (tenantId: string): Sight => ({ tenants: [tenantId], shared: true });

/** Of that, what the caller sees. */
export function seenGivingSight(caller: Caller, tenantId: string): Sight {
  const sight = sightOf(caller);
  if (sight === 'everything') return givingSight(tenantId);
  return { tenants: sight.tenants.filter((id) => id === tenantId), shared: sight.shared };
}

/** A statement's conditions and parameters, behind the wall: there is no other way to a list, a row or a walk of these nouns. */
export interface SeeingQuery extends Query {
  /** The condition under which a row is seen; never null. */
  sees(noun: Noun, row: string): string;
  /** The same for a node, asked of one whose parent is seen already. */
  seesBelow(row: string): string;
  /** It lies in nothing, or in nothing that is seen: to this caller it is a root, as it is shown. */
  isRoot(noun: 'node' | 'addressBlock', row: string): string;
  /** Holds when the thing that a filter names is seen: a filter by another finds what one by a missing id finds. */
  andSeen(noun: Noun, id: string): void;
}

/** The statement of a walk, which asks of each thing that it comes by. */
export function walkOf(sight: Sight): SeeingQuery {
  const q = query();
  let tenants: string | undefined;
  const isOf = (owner: string, ownerless: boolean): string => {
    if (sight === 'everything') return 'true';
    if (sight.tenants.length === 0) return ownerless ? `(${owner} is null)` : 'false';
    tenants ??= q.value(sight.tenants);
    return `coalesce(${owner} = any(${tenants}::uuid[]), ${ownerless})`;
  };
  const sees = (noun: Noun, row: string): string =>
    sight === 'everything' ? 'true' : owned[noun].seen(row, (owner) => isOf(owner, sight.shared));
  return {
    ...q,
    sees,
    seesBelow: (row) => isOf(`${row}.tenant_id`, true),
    // What is seen and has no tenant of its own has it from its parent, which is then seen too.
    isRoot: (noun, row) =>
      sight === 'everything' || sight.tenants.length === 0
        ? `${row}.parent_id is null`
        : `(${row}.parent_id is null or (${row}.tenant_id is not null
            and not exists (select from ${owned[noun].table} above where above.id = ${row}.parent_id and ${sees(noun, 'above')})))`,
    andSeen: (noun, id) => {
      if (sight === 'everything') return;
      q.and(
        `exists (select from ${owned[noun].table} named where named.id = ${q.value(id)}::uuid and ${sees(noun, 'named')})`,
      );
    },
  };
}

/** The statement of a list, over the table under its usual name. */
export function listOf(noun: Noun, sight: Sight): SeeingQuery {
  const q = walkOf(sight);
  if (sight === 'everything') return q;
  const { as, among } = owned[noun];
  // Two ways to the same rows: down from the tenants, whose things are few; up from each row, where most are seen.
  const down = !sight.shared && sight.tenants.length > 0;
  q.and(down ? `${as}.id = any(array(${among(`${q.value(sight.tenants)}::uuid[]`)}))` : q.sees(noun, as));
  return q;
}

/** The statement of rows by id, over the table under its usual name. */
export function rowsOf(noun: Noun, sight: Sight, ids: readonly string[]): SeeingQuery {
  const q = walkOf(sight);
  const { as } = owned[noun];
  q.and(ids.length === 1 ? `${as}.id = ${q.value(ids[0])}::uuid` : `${as}.id = any(${q.value(ids)}::uuid[])`);
  q.and(q.sees(noun, as));
  return q;
}

/** Which of these ids are seen. */
export async function seenIds(
  db: Pick<Database, 'unsafe'>,
  sight: Sight,
  asked: { noun: Noun; ids: readonly string[] },
): Promise<ReadonlySet<string>> {
  const { noun, ids } = asked;
  if (sight === 'everything' || ids.length === 0) return new Set(ids);
  const { table, as } = owned[noun];
  const q = rowsOf(noun, sight, ids);
  const rows = await db.unsafe(`select ${as}.id::text as id from ${table} ${as} ${q.where()}`, q.params);
  return new Set(rows.map((row) => row['id'] as string));
}

/**
 * What a body refers to is there for the caller, as far as it is there at all: of that, the foreign key is the judge.
 * @throws Problem reference-not-found
 */
export async function expectSeen(
  tx: Tx,
  sight: Sight,
  named: { noun: Noun; id: string | null | undefined; pointer: string },
): Promise<void> {
  const { noun, id, pointer } = named;
  if (id == null || (await seenIds(tx, sight, { noun, ids: [id] })).has(id)) return;
  throw problem('reference-not-found', { pointer, resourceType: noun });
}

const nounOf: Readonly<Record<string, Noun>> = { nod: 'node', blk: 'addressBlock' };
const references = ['parentId', 'nodeId'] as const;
export type Referring = { readonly [K in (typeof references)[number]]?: string | undefined };

/** Things as the caller may see them: without references to what it does not see. */
export async function conceal<T extends Referring>(
  db: Pick<Database, 'unsafe'>,
  sight: Sight,
  items: readonly T[],
): Promise<T[]> {
  if (sight === 'everything') return [...items];
  const named = items.flatMap((item) => references.flatMap((field) => item[field] ?? []));
  const seen = new Set<string>();
  for (const prefix of ['nod', 'blk'] as const) {
    const ids = new Set(named.filter((id) => id.startsWith(prefix)).map((id) => parseId(id).uuid));
    const found = await seenIds(db, sight, { noun: nounOf[prefix] as Noun, ids: [...ids] });
    for (const id of found) seen.add(encodeId(prefix, id));
  }
  return items.map((item) => {
    const hidden = references.filter((field) => item[field] !== undefined && !seen.has(item[field]));
    if (hidden.length === 0) return item;
    return Object.fromEntries(Object.entries(item).filter(([field]) => !hidden.includes(field as never))) as T;
  });
}

/** One thing as the caller may see it. */
export async function concealed<T extends Referring>(db: Pick<Database, 'unsafe'>, sight: Sight, item: T): Promise<T> {
  const [shown = item] = await conceal(db, sight, [item]);
  return shown;
}

/** The condition under which an allocation is seen. Only what is named takes part: an OR over empty lists would cost the index of the others. */
export function allocationSeen(q: Pick<Query, 'value'>, { readScope }: Caller, row: string): string {
  if ('all' in readScope) return 'true';
  const terms = [
    [`${row}.tenant_id`, readScope.tenantIds.map((id) => decodeId('tnt', id))],
    [`${row}.project_id`, readScope.projectIds.map((id) => decodeId('prj', id))],
    [`${row}.scope_id`, readScope.environmentIds.map((id) => decodeId('env', id))],
  ] as const;
  const named = terms
    .filter(([, ids]) => ids.length > 0)
    .map(([column, ids]) => `${column} = any(${q.value(ids)}::uuid[])`);
  return named.length === 0 ? 'false' : `(${named.join(' or ')})`;
}

/** Whether the caller sees an allocation: it lies in one environment of one project of one tenant. */
export function seesAllocation(
  { readScope }: Caller,
  row: { readonly tenantId: string; readonly projectId: string | null; readonly scopeId: string },
): boolean {
  if ('all' in readScope) return true;
  return (
    readScope.tenantIds.includes(encodeId('tnt', row.tenantId)) ||
    (row.projectId !== null && readScope.projectIds.includes(encodeId('prj', row.projectId))) ||
    readScope.environmentIds.includes(encodeId('env', row.scopeId))
  );
}
