// Isolation: READ COMMITTED. Lock order of every transaction of this context:
//   1. installation                       for update: changes of access and of policy pass one after another
//   2. scope rows, parent before child    for share where something is made below, for no key update where it changes
//   3. quota_use rows, tenant before project
//   4. the resource itself (hold, limit, binding, …)
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { query } from '@sentral/kernel/page';
import { onlyVisible, type Visible } from '../reading.js';
import { listPath } from './projection-sql.js';
import type { StoredProjection, StoredScope } from './row.js';

type Reader = Pick<Database | Tx, 'unsafe'>;

export const selectScope = `select s.id, s.kind, s.parent_id as "parentId", s.parent_kind as "parentKind", s.tenant_id as "tenantId",
  s.project_id as "projectId", s.name, s.display_name as "displayName", s.labels, s.annotations, s.state, s.reverts_to as "revertsTo", s.class,
  s.expires_at as "expiresAt", s.protected, s.version, s.created_at as "createdAt", s.updated_at as "updatedAt",
  s.deleted_at as "deletedAt", s.purge_at as "purgeAt" from tenancy.scope s`;

/** One scope by its uuid, when it is visible. */
export async function findScope(on: Reader, id: string, visible: Visible | null): Promise<StoredScope | undefined> {
  const q = query();
  q.and(`s.id = ${q.value(id)}::uuid`);
  onlyVisible(q, 's', visible);
  const rows = await on.unsafe(`${selectScope} ${q.where()}`, q.params);
  return (rows as unknown as readonly StoredScope[])[0];
}

/** For no key update: it is about to change, and what refers to it by key need not wait. */
export async function lockScope(tx: Tx, id: string): Promise<StoredScope | undefined> {
  const rows = await tx.unsafe(`${selectScope} where s.id = $1::uuid for no key update`, [id]);
  return (rows as unknown as readonly StoredScope[])[0];
}

/**
 * For share, root first: something is made below, so none of them may change its state meanwhile. Share and not key share: it
 * answers with the row as the last change left it (docs/adr/0010).
 */
export async function lockScopePath(tx: Tx, id: string): Promise<readonly StoredScope[]> {
  const ids = await tx.sql<{ id: string }>`
    with recursive line as (
      select s.id, s.parent_id, 0 as depth from tenancy.scope s where s.id = ${id}::uuid
      union all
      select s.id, s.parent_id, line.depth + 1 from line join tenancy.scope s on s.id = line.parent_id)
    select id from line order by depth desc`;
  const rows = await tx.unsafe(
    `${selectScope} join unnest($1::uuid[]) with ordinality as w(id, place) on w.id = s.id order by w.place for share of s`,
    [ids.map((each) => each.id)],
  );
  return rows as unknown as readonly StoredScope[];
}

/** The version of the scope moves, and with `policyVersion` the place of its policy on the policy clock. */
export async function amendScopeVersion(tx: Tx, id: string, policyVersion: number | null): Promise<void> {
  await tx.sql`
    update tenancy.scope set version = version + 1, updated_at = now(), policy_version = coalesce(${policyVersion}::bigint, policy_version)
    where id = ${id}::uuid`;
}

/** The scope as the projections of other contexts are to hold it from this transaction on. */
export async function findProjection(tx: Tx, id: string): Promise<StoredProjection> {
  const row = (await listPath(tx, id)).at(-1);
  if (row === undefined) throw new Error('a scope that is locked is not there');
  return row;
}

export interface NewScope {
  readonly id: string;
  readonly kind: 'tenant' | 'project' | 'environment';
  readonly parent: StoredScope;
  readonly name: string;
  readonly displayName?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly class?: string | undefined;
  readonly expiresAt?: string | undefined;
  readonly protected?: boolean | undefined;
}

/** The tree's constraints judge it: what it says of its parent must be so. */
export async function insertScope(tx: Tx, scope: NewScope): Promise<void> {
  const { parent } = scope;
  const tenantId = scope.kind === 'tenant' ? scope.id : parent.tenantId;
  const projectId = scope.kind === 'project' ? scope.id : scope.kind === 'environment' ? parent.id : null;
  await tx.sql`
    insert into tenancy.scope (id, kind, parent_id, parent_kind, tenant_id, project_id, name, display_name, labels, annotations, class, expires_at, protected)
    values (${scope.id}::uuid, ${scope.kind}, ${parent.id}::uuid, ${parent.kind}, ${tenantId}::uuid, ${projectId}::uuid, ${scope.name},
      ${scope.displayName ?? null}, ${json(scope.labels)}, ${json(scope.annotations)}, ${scope.class ?? null}, ${scope.expiresAt ?? null}::timestamptz,
      ${scope.protected ?? false})`;
}

export async function insertScopeKey(
  tx: Tx,
  key: { source: string; externalId: string; scopeId: string },
): Promise<void> {
  await tx.sql`
    insert into tenancy.scope_key (source, external_id, scope_id) values (${key.source}, ${key.externalId}, ${key.scopeId}::uuid)`;
}

/** The scope that a source knows by this key. */
export async function findByKey(tx: Tx, source: string, externalId: string): Promise<StoredScope | undefined> {
  const rows = await tx.unsafe(
    `${selectScope} join tenancy.scope_key k on k.scope_id = s.id where k.source = $1 and k.external_id = $2`,
    [source, externalId],
  );
  return (rows as unknown as readonly StoredScope[])[0];
}

/** The name itself, or the first `name-2`, `name-3`, … that no sibling has. */
export async function findFreeName(tx: Tx, parentId: string, name: string): Promise<string> {
  const [row] = await tx.sql<{ name: string }>`
    select c.name from (
      select ${name}::text as name, 1 as n
      union all select ${name}::text || '-' || n, n from generate_series(2, 100000) n
    ) c
    where not exists (select from tenancy.scope s where s.parent_id = ${parentId}::uuid and s.name = c.name) order by c.n limit 1`;
  if (row === undefined) throw new Error('there is no free name');
  return row.name;
}

export async function amendScopeRow(
  tx: Tx,
  id: string,
  to: {
    displayName: string | null;
    labels: Readonly<Record<string, string>>;
    annotations: Readonly<Record<string, string>>;
    expiresAt: string | null;
    protected: boolean;
  },
): Promise<void> {
  await tx.sql`
    update tenancy.scope set display_name = ${to.displayName}, labels = ${json(to.labels)}, annotations = ${json(to.annotations)},
      expires_at = ${to.expiresAt}::timestamptz, protected = ${to.protected}, version = version + 1, updated_at = now()
    where id = ${id}::uuid`;
}

/** The state and what hangs on it: a deleted scope can be restored for 30 days. */
export async function amendScopeState(
  tx: Tx,
  id: string,
  to: { state: StoredScope['state']; revertsTo?: StoredScope['state'] },
): Promise<void> {
  await tx.sql`
    update tenancy.scope set state = ${to.state}, reverts_to = ${to.revertsTo ?? null},
      deleted_at = case when ${to.state} = 'deleted' then now() end, purge_at = case when ${to.state} = 'deleted' then now() + interval '30 days' end,
      version = version + 1, updated_at = now()
    where id = ${id}::uuid`;
}

/** How many live children a scope has, and twenty of them. */
export async function listLiveChildren(
  tx: Tx,
  id: string,
): Promise<readonly { id: string; kind: StoredScope['kind']; count: number }[]> {
  return tx.sql<{ id: string; kind: StoredScope['kind']; count: number }>`
    select id, kind, count(*) over () as count from tenancy.scope where parent_id = ${id}::uuid and state <> 'deleted' order by id limit 20`;
}

/** True for a time in the future, at most a year ahead, by the database's clock. */
export async function isSoon(tx: Tx, at: string): Promise<boolean> {
  const [row] = await tx.sql<{ soon: boolean }>`
    select ${at}::timestamptz > now() and ${at}::timestamptz <= now() + interval '366 days' as soon`;
  return row?.soon === true;
}

/** The transaction's time: what a pure rule is given. */
export async function findNow(tx: Tx): Promise<Date> {
  const [row] = await tx.sql<{ now: Date }>`select now() as now`;
  if (row === undefined) throw new Error('there is no time');
  return row.now;
}
