// Lock order: installation first, then the scope's path, then rules by id (scope/sql.ts).
import { encodeId } from '@sentral/contracts/ids';
import { json, type Tx } from '@sentral/kernel/database';
import type { DenyRule } from '@sentral/contracts/tenancy/role-binding';
import type { StoredScope } from '../scope/row.js';
import { shared, tenantOf, type Noun, type Stored } from '../scoped.js';
import type { Rule, StoredSubject, Who } from './rules.js';

export interface DenyRow extends Stored {
  readonly permissions: readonly string[];
  readonly subjects: readonly StoredSubject[] | null;
  readonly exceptions: readonly StoredSubject[];
  readonly reason: string;
  readonly createdBy: string;
}

export const denyRules: Noun<'dny', DenyRow, DenyRule> = {
  name: 'denyRule',
  prefix: 'dny',
  table: 'tenancy.deny_rule',
  columns: 'x.permissions, x.subjects, x.exceptions, x.reason, x.created_by as "createdBy"',
  to: (row) => ({
    ...shared(row, 'dny', 'denyRule'),
    scopeId: shared(row, 'dny', 'denyRule').scopeId as DenyRule['scopeId'],
    ...tenantOf(row),
    permissions: [...row.permissions],
    subjects: row.subjects === null ? 'all' : [...row.subjects],
    exceptions: [...row.exceptions],
    reason: row.reason,
    createdBy: row.createdBy,
  }),
};

export type RuleContent = Pick<DenyRow, 'permissions' | 'subjects' | 'exceptions' | 'reason'>;

export async function insertDenyRule(
  tx: Tx,
  rule: RuleContent & { id: string; scope: StoredScope; createdBy: string },
): Promise<void> {
  await tx.sql`
    insert into tenancy.deny_rule (id, scope_id, scope_kind, tenant_id, permissions, subjects, exceptions, reason, created_by)
    values (${rule.id}::uuid, ${rule.scope.id}::uuid, ${rule.scope.kind}, ${rule.scope.tenantId}::uuid, ${[...rule.permissions]}::text[],
      ${rule.subjects === null ? null : json(rule.subjects)}, ${json(rule.exceptions)}, ${rule.reason}, ${rule.createdBy})`;
}

export async function amendDenyRuleRow(tx: Tx, id: string, to: RuleContent): Promise<void> {
  await tx.sql`
    update tenancy.deny_rule set permissions = ${[...to.permissions]}::text[], subjects = ${to.subjects === null ? null : json(to.subjects)},
      exceptions = ${json(to.exceptions)}, reason = ${to.reason}, version = version + 1, updated_at = now()
    where id = ${id}::uuid`;
}

/** How many rules a scope has; they change under the lock of access alone. */
export async function countRulesOn(tx: Tx, scopeId: string): Promise<number> {
  const [row] = await tx.sql<{ rules: number }>`
    select count(*)::int as rules from tenancy.deny_rule where scope_id = ${scopeId}::uuid`;
  return row?.rules ?? 0;
}

/** Rules on these scopes that forbid one of these. */
export async function listRulesAgainst(
  tx: Tx,
  { scopeIds, permissions }: { scopeIds: readonly string[]; permissions: readonly string[] },
): Promise<readonly Rule[]> {
  return tx.sql<Rule>`
    select permissions, subjects, exceptions from tenancy.deny_rule
    where scope_id = any(${[...scopeIds]}::uuid[]) and permissions && ${[...permissions]}::text[]`;
}

/** Who holds one of these roles on the very scope for good, by bindings of those who are let in. */
export async function listLastingHolders(
  tx: Tx,
  { scopeId, roles }: { scopeId: string; roles: readonly string[] },
): Promise<readonly Who[]> {
  const rows = await tx.sql<{ id: string | null; kind: 'user' | 'service'; issuer: string; name: string }>`
    select p.id, p.kind, b.group_issuer as issuer, b.group_name as name
    from tenancy.role_binding b left join tenancy.principal p on p.id = b.principal_id
    where b.scope_id = ${scopeId}::uuid and b.role = any(${[...roles]}::text[]) and b.expires_at is null
      and (b.principal_id is null or p.state = 'active') limit 1000`;
  return rows.map(({ id, kind, issuer, name }) =>
    id === null
      ? { id: '', groups: [{ issuer, name }] }
      : { id: encodeId(kind === 'user' ? 'usr' : 'sac', id), groups: [] },
  );
}
