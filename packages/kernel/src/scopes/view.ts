// What a context knows of tenancy's scopes: one row a scope, the newer version wins. Prevents: work that begins in a scope
// whose end was already decided, a new scope that nobody knows yet, and a second copy of the locks that decide it.
// Lock order: scope_view rows first of all, root first; for key share by whoever starts work in them. Applying a newer row does
// not wait for those (no key changes), so a busy scope cannot keep its own end away: from its commit on, whoever begins sees the
// new state. Whoever then counts takes the row for update and waits for those who had begun before: so `deleting` and a
// beginning cannot pass each other. What follows from rows (caps) is locked after all of them. The turn of the holds is taken
// before the first row. READ COMMITTED. Reasons and measurements: docs/adr/0010 and 0014.
import type { ScopeRow } from '@sentral/contracts/contract';
import { platformScopeId, platformScopeUuid, scopeKinds } from '@sentral/contracts/contract';
import { parseId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { ownerOfDimension } from '@sentral/contracts/quota';
import { sql } from 'drizzle-orm';
import { bigint, check, index, integer, jsonb, text, timestamp, uuid, type PgSchema } from 'drizzle-orm/pg-core';
import { json, type Database, type Tx } from '../database.js';
import { lockName } from '../lease.js';
import { quoteName } from '../tables.js';

/** The table, to be re-exported from a context's schema. Bookkeeping: no version of its own, no guard, no feed row. */
export function scopeViewTable(schema: PgSchema) {
  const list = (name: string) =>
    jsonb(name)
      .notNull()
      .default(sql`'[]'::jsonb`);
  return schema.table(
    'scope_view',
    {
      id: uuid('id').primaryKey(),
      kind: text('kind').notNull(),
      parentId: uuid('parent_id'),
      tenantId: uuid('tenant_id'),
      state: text('state').notNull(),
      version: integer('version').notNull(),
      policyBindings: list('policy_bindings'),
      holds: list('holds'),
      /** Policy keys that are lifted until a time. */
      exemptions: list('exemptions'),
      /** Of the dimensions that this context counts. */
      limits: list('limits'),
      policyVersion: bigint('policy_version', { mode: 'number' }).notNull().default(0),
      updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
    },
    (t) => [
      check('scope_view_kind_known', sql`${t.kind} in ('platform', 'tenant', 'project', 'environment')`),
      // Which holds lie on one thing: asked by every delete.
      index('scope_view_by_held')
        .using('gin', t.holds.op('jsonb_path_ops'))
        .where(sql`holds <> '[]'::jsonb`),
      // Where the use of a scope sits: per child.
      index('scope_view_by_parent').on(t.parentId, t.id),
      check('scope_view_state_known', sql`${t.state} in ('active', 'suspended', 'deleting', 'deleted')`),
    ],
  );
}

/** The projection of one context. */
export interface ScopeView {
  /** The schema and the name of the context, which are the same word. */
  readonly schema: string;
  /** What follows here from rows that were newer, in their transaction and after all of them. */
  readonly follow: (tx: Tx, applied: readonly ScopeRow[]) => Promise<void>;
}

/** The turn of whoever sets a lien, or is about to delete what one may lie on. */
export const holdsName = 'holds';

/** The uuid of a scope whose id the boundary has checked. */
export const scopeUuid = (id: string): string => (id === platformScopeId ? platformScopeUuid : parseId(id).uuid);

/** The limits of a scope that a context counts. */
export const limitsOf = (schema: string, scope: ScopeRow) =>
  (scope.limits ?? []).filter(({ dimension }) => ownerOfDimension(dimension) === schema);

export interface ScopeViewRow {
  readonly id: string;
  readonly kind: ScopeRow['kind'];
  readonly parentId: string | null;
  readonly tenantId: string | null;
  readonly state: ScopeRow['state'];
  readonly policyVersion: number;
  readonly policyBindings: NonNullable<ScopeRow['policyBindings']>;
  readonly exemptions: NonNullable<ScopeRow['exemptions']>;
}

type Reader = Pick<Database | Tx, 'unsafe'>;
const tableOf = (schema: string): string => `${quoteName(schema)}.scope_view`;

/** The versions that hold here, for who wants to know that its change has arrived. */
export async function listVersions(
  on: Reader,
  schema: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await on.unsafe(`select id, version from ${tableOf(schema)} where id = any($1::uuid[])`, [ids]);
  return new Map((rows as unknown as readonly { id: string; version: number }[]).map((row) => [row.id, row.version]));
}

/** Those of the rows that are newer here than what is known: mostly none, and then this is one read by key. */
export async function listNewer(on: Reader, schema: string, scopes: readonly ScopeRow[]): Promise<readonly ScopeRow[]> {
  if (scopes.length === 0) return [];
  const ids = scopes.map((scope) => scopeUuid(scope.id));
  const versions = await listVersions(on, schema, ids);
  return scopes.filter((scope) => scope.version > (versions.get(scopeUuid(scope.id)) ?? 0));
}

/** Applies rows, parent before child; the newer version stays, whoever comes when. */
export async function applyScopes(tx: Tx, view: ScopeView, scopes: readonly ScopeRow[]): Promise<void> {
  const newer = (await listNewer(tx, view.schema, scopes)).toSorted(
    (a, b) => scopeKinds.indexOf(a.kind) - scopeKinds.indexOf(b.kind) || (a.id < b.id ? -1 : 1),
  );
  if (newer.some(({ holds = [] }) => holds.length > 0)) await lockName(tx, view.schema, holdsName);
  const applied: ScopeRow[] = [];
  for (const scope of newer) if (await upsertScope(tx, view.schema, scope)) applied.push(scope);
  if (applied.length > 0) await view.follow(tx, applied);
}

/** @returns whether it was newer */
async function upsertScope(tx: Tx, schema: string, scope: ScopeRow): Promise<boolean> {
  const rows = await tx.unsafe(
    `insert into ${tableOf(schema)} as s (id, kind, parent_id, tenant_id, state, version, policy_version, policy_bindings, exemptions, holds, limits)
     values ($1::uuid, $2, $3::uuid, $4::uuid, $5, $6::int, $7::bigint, $8, $9, $10, $11)
     on conflict (id) do update set state = excluded.state, version = excluded.version, policy_version = excluded.policy_version,
       policy_bindings = excluded.policy_bindings, exemptions = excluded.exemptions, holds = excluded.holds, limits = excluded.limits, updated_at = now()
       where s.version < excluded.version
     returning id`,
    [
      scopeUuid(scope.id),
      scope.kind,
      scope.parentId === null ? null : scopeUuid(scope.parentId),
      scope.tenantId === null ? null : scopeUuid(scope.tenantId),
      scope.state,
      scope.version,
      scope.policyVersion ?? 0,
      json(scope.policyBindings ?? []),
      json(scope.exemptions ?? []),
      json(scope.holds ?? []),
      json(limitsOf(schema, scope)),
    ],
  );
  return rows.length > 0;
}

/**
 * The scope and what it lies in, root first, each for key share. Two statements: FOR KEY SHARE answers with the row as the
 * snapshot had it when only other columns than the key have changed since (docs/adr/0010), so what holds is read after the
 * lock is had.
 */
export const lockScopePath = async (tx: Tx, schema: string, id: string): Promise<readonly ScopeViewRow[]> =>
  (await lockScopePaths(tx, schema, [id])).get(id) ?? [];

/** The same for several, by the id of each: whatever lies above others is locked before them. */
export async function lockScopePaths(
  tx: Tx,
  schema: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly ScopeViewRow[]>> {
  const view = tableOf(schema);
  const locked = tx.unsafe(
    `with recursive path as (
       select s.id, s.parent_id from ${view} s where s.id = any($1::uuid[])
       union
       select s.id, s.parent_id from path join ${view} s on s.id = path.parent_id
     )
     select s.id from ${view} s where s.id = any(array(select id from path))
     order by array_position('{platform,tenant,project,environment}', s.kind), s.id for key share of s`,
    [ids],
  );
  const read = tx.unsafe(
    `with recursive path as (
       select s.id as "from", s.id, s.parent_id, 0 as up from ${view} s where s.id = any($1::uuid[])
       union all
       select path."from", s.id, s.parent_id, path.up + 1 from path join ${view} s on s.id = path.parent_id
     )
     select path."from", s.id, s.kind, s.parent_id as "parentId", s.tenant_id as "tenantId", s.state, s.policy_version as "policyVersion",
       s.policy_bindings as "policyBindings", s.exemptions
     from path join ${view} s on s.id = path.id order by path.up desc`,
    [ids],
  );
  const [, rows] = await Promise.all([locked, read]);
  const found = new Map<string, ScopeViewRow[]>(ids.map((id) => [id, []]));
  for (const { from, ...row } of rows) found.get(from as string)?.push(row as unknown as ScopeViewRow);
  return found;
}

/** Waits for everyone who had begun something in the scope and keeps others from beginning, until commit: now it can be counted. */
export async function lockScopeToCount(tx: Tx, schema: string, id: string): Promise<void> {
  await tx.unsafe(`select id from ${tableOf(schema)} where id = $1::uuid for update`, [id]);
}

/**
 * A suspended scope, or one that is going, may read and give back; it begins nothing and keeps nothing longer.
 * @throws Problem scope-not-active
 */
export function expectActive(path: readonly ScopeViewRow[]): void {
  const inactive = path.find((scope) => scope.state !== 'active');
  if (inactive !== undefined) throw problem('scope-not-active', { scope: inactive.kind, state: inactive.state });
}
