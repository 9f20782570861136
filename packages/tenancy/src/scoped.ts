// What the things that hang on a scope have in common: how they are found, listed, locked and removed. Lock order: scope/sql.ts.
import type { Caller, ScopeKind } from '@sentral/contracts/contract';
import { encodeId, type Id, type Prefix } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { page, query, readCursor, type Query } from '@sentral/kernel/page';
import { expectVersion, type Change } from './change.js';
import type { Deps } from './deps.js';
import { onlyVisible, readingAs, visibleOf } from './reading.js';
import { feedScopeOf } from './scope/events.js';
import { scopeId, type StoredScope } from './scope/row.js';
import { lockScope } from './scope/sql.js';

/** The columns that every such row has; the scope's come from the join. */
export interface Stored {
  readonly id: string;
  readonly scopeId: string;
  readonly scopeKind: ScopeKind;
  readonly tenantId: string | null;
  readonly projectId: string | null;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** One noun: its table, what it shows, and how a row becomes a resource. */
export interface Noun<P extends Prefix, Row extends Stored, R> {
  /** As the contract, the feed and refusals call it. */
  readonly name: string;
  readonly prefix: P;
  /** The table, with its schema; for a part of something else a query with the columns of one. */
  readonly table: string;
  /** Further columns of `x`, the table. */
  readonly columns: string;
  readonly to: (row: Row) => R;
}

const selectOf = ({ table, columns }: Pick<Noun<Prefix, Stored, unknown>, 'table' | 'columns'>): string =>
  `select x.id, x.scope_id as "scopeId", s.kind as "scopeKind", s.tenant_id as "tenantId", s.project_id as "projectId", x.version,
     x.created_at as "createdAt", x.updated_at as "updatedAt", ${columns}
   from ${table} x join tenancy.scope s on s.id = x.scope_id`;

/** The fields that every resource of this kind shows. */
export function shared<P extends Prefix, const T extends string>(row: Stored, prefix: P, type: T) {
  return {
    id: encodeId(prefix, row.id),
    type,
    version: row.version,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    scopeId: scopeId(row.scopeKind, row.scopeId),
  };
}

/** A tenant's things name their tenant. */
export const tenantOf = (row: Pick<Stored, 'tenantId'>): { tenantId?: Id<'tnt'> } =>
  row.tenantId === null ? {} : { tenantId: encodeId('tnt', row.tenantId) };

/**
 * One of them, when the caller may see it.
 * @throws Problem not-found
 */
export async function getScoped<P extends Prefix, Row extends Stored, R>(
  deps: Deps,
  caller: Caller,
  { noun, id }: { noun: Noun<P, Row, R>; id: string },
): Promise<R> {
  const rows = await readingAs(deps, caller, (on, visible) => {
    const q = query();
    q.and(`x.id = ${q.value(id)}::uuid`);
    onlyVisible(q, 's', visible);
    return on.unsafe(`${selectOf(noun)} ${q.where()}`, q.params);
  });
  const [row] = rows as unknown as readonly Row[];
  if (row === undefined) throw problem('not-found', { resourceType: noun.name });
  return noun.to(row);
}

/**
 * A page of them by id, filtered in SQL by what the caller may see.
 * @throws Problem invalid-cursor
 */
export async function listScoped<P extends Prefix, Row extends Stored, R>(
  deps: Deps,
  caller: Caller,
  asked: {
    noun: Noun<P, Row, R>;
    page: { limit: number; cursor?: string | undefined };
    filter: (q: Query) => void;
  },
) {
  const after = readCursor(asked.page.cursor, ['uuid'])?.[0];
  const { limit } = asked.page;
  const rows = await readingAs(deps, caller, (on, visible) => {
    const q = query();
    asked.filter(q);
    onlyVisible(q, 's', visible);
    if (after !== undefined) q.and(`x.id > ${q.value(after)}::uuid`);
    return on.unsafe(`${selectOf(asked.noun)} ${q.where()} order by x.id limit ${q.value(limit + 1)}`, q.params);
  });
  return page(rows as unknown as readonly Row[], limit, { item: asked.noun.to, keys: (row) => [row.id] });
}

/**
 * For no key update: it is about to change or to go.
 * @throws Problem not-found | version-mismatch
 */
export async function lockScoped<P extends Prefix, Row extends Stored, R>(
  tx: Tx,
  caller: Caller,
  { noun, id, version }: { noun: Noun<P, Row, R>; id: string; version: number | undefined },
): Promise<Row> {
  const q = query();
  q.and(`x.id = ${q.value(id)}::uuid`);
  onlyVisible(q, 's', visibleOf(caller));
  const rows = await tx.unsafe(`${selectOf(noun)} ${q.where()} for no key update of x`, q.params);
  const [row] = rows as unknown as readonly Row[];
  if (row === undefined) throw problem('not-found', { resourceType: noun.name });
  await expectVersion(tx, { prefix: noun.prefix, id, version: row.version }, version);
  return row;
}

/**
 * The scope that a thing hangs on, locked before the thing itself (scope/sql.ts): its version is about to move.
 * @throws Problem not-found
 */
export async function lockHome<P extends Prefix, Row extends Stored, R>(
  tx: Tx,
  caller: Caller,
  { noun, id }: { noun: Noun<P, Row, R>; id: string },
): Promise<StoredScope> {
  const q = query();
  q.and(`x.id = ${q.value(id)}::uuid`);
  onlyVisible(q, 's', visibleOf(caller));
  const [row] = (await tx.unsafe(`${selectOf(noun)} ${q.where()}`, q.params)) as unknown as readonly Row[];
  const scope = row === undefined ? undefined : await lockScope(tx, row.scopeId);
  if (scope === undefined) throw problem('not-found', { resourceType: noun.name });
  return scope;
}

/** For update, by id: all of them that hang on a scope go with it. */
export async function lockAllOn<P extends Prefix, Row extends Stored, R>(
  tx: Tx,
  noun: Noun<P, Row, R>,
  scope: string,
): Promise<readonly Row[]> {
  const rows = await tx.unsafe(`${selectOf(noun)} where x.scope_id = $1::uuid order by x.id for update of x`, [scope]);
  return rows as unknown as readonly Row[];
}

/** As it is now, in this transaction. */
export async function findScoped<P extends Prefix, Row extends Stored, R>(
  tx: Tx,
  noun: Noun<P, Row, R>,
  id: string,
): Promise<Row> {
  const rows = await tx.unsafe(`${selectOf(noun)} where x.id = $1::uuid`, [id]);
  const [row] = rows as unknown as readonly Row[];
  if (row === undefined) throw new Error(`a ${noun.name} that was written is not there`);
  return row;
}

/** The feed row of a change; `after` null when it is gone, which is one version more. */
export function scopedChange<P extends Prefix, Row extends Stored, R>(
  noun: Noun<P, Row, R>,
  what: string,
  { before, after }: { before: Row | null; after: Row | null },
): Change {
  const row = after ?? before;
  if (row === null) throw new TypeError('a change of nothing');
  const environment = row.scopeKind === 'environment' ? row.scopeId : null;
  return {
    // A noun without such an event fails the test that reads the feed back.
    what: `${noun.name}.${what}` as Change['what'],
    id: row.id,
    version: after === null ? row.version + 1 : row.version,
    before: before === null ? null : (noun.to(before) as object),
    after: after === null ? null : (noun.to(after) as object),
    scope: feedScopeOf({
      id: environment ?? row.scopeId,
      kind: row.scopeKind,
      tenantId: row.tenantId,
      projectId: row.projectId,
    }),
  };
}

/** Removes a locked row for good; its feed row keeps what it was. */
export async function deleteScoped<P extends Prefix, Row extends Stored, R>(
  tx: Tx,
  noun: Noun<P, Row, R>,
  row: Row,
): Promise<Change> {
  await tx.unsafe(`delete from ${noun.table} where id = $1::uuid`, [row.id]);
  return scopedChange(noun, 'removed', { before: row, after: null });
}
