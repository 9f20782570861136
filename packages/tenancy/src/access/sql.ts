// Reads only, but for the row of a user who comes for the first time and the last use of a token, which are facts of their own.
import type { AccessSnapshot } from '@sentral/contracts/access';
import type { GroupRef, ScopeKind } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { permissionsOfRole } from '@sentral/contracts/roles';
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { meets, type StoredSubject } from '../deny-rule/rules.js';
import { scopeId } from '../scope/row.js';

type Reader = Pick<Database | Tx, 'unsafe'>;

/** Who a snapshot is of. */
export interface Who {
  readonly id: string;
  readonly kind: 'user' | 'service';
  readonly groups: readonly GroupRef[];
}

interface GrantRow {
  readonly id: string;
  readonly role: string;
  readonly expiresAt: string | null;
  readonly scopeId: string;
  readonly kind: ScopeKind;
  readonly parentId: string | null;
  readonly parentKind: ScopeKind | null;
  readonly tenantId: string | null;
}

interface DenyRow {
  readonly id: string;
  readonly scopeId: string;
  readonly kind: ScopeKind;
  readonly permissions: readonly string[];
  readonly subjects: readonly StoredSubject[] | null;
  readonly exceptions: readonly StoredSubject[];
}

/**
 * Live bindings of a principal and its groups, and the deny rules that could meet them, in one statement: one snapshot of
 * the database, so the epoch that comes along is that of exactly these grants.
 */
const grantsAndDenies = `
  with granted as (
    select b.id, b.role, b.expires_at, s.id as scope_id, s.kind, s.parent_id, s.parent_kind, s.tenant_id
    from (
      select * from tenancy.role_binding where principal_id = $1::uuid
      union all
      select r.* from jsonb_to_recordset($2) as g(issuer text, name text)
        join tenancy.role_binding r on r.group_issuer = g.issuer and r.group_name = g.name
    ) b
    join tenancy.scope s on s.id = b.scope_id
    where s.state <> 'deleted' and (b.expires_at is null or b.expires_at > now())
  )
  select i.access_epoch as epoch,
    coalesce((select jsonb_agg(jsonb_build_object('id', g.id, 'role', g.role, 'expiresAt', g.expires_at, 'scopeId', g.scope_id, 'kind', g.kind,
      'parentId', g.parent_id, 'parentKind', g.parent_kind, 'tenantId', g.tenant_id)) from granted g), '[]') as grants,
    coalesce((select jsonb_agg(jsonb_build_object('id', d.id, 'scopeId', d.scope_id, 'kind', d.scope_kind, 'permissions', d.permissions,
      'subjects', d.subjects, 'exceptions', d.exceptions)) from tenancy.deny_rule d
      where d.scope_kind = 'platform' or d.tenant_id in (select g.tenant_id from granted g)), '[]') as denies
  from tenancy.installation i`;

export interface Found {
  readonly snapshot: AccessSnapshot;
  /** When the first of the grants ends by itself. */
  readonly firstExpiry: Date | null;
}

/** What a principal may do, as the evaluator takes it. */
export async function findSnapshot(on: Reader, who: Who): Promise<Found> {
  const [row] = await on.unsafe(grantsAndDenies, [who.id, json(who.groups)]);
  const grants = (row?.['grants'] ?? []) as readonly GrantRow[];
  const denies = (row?.['denies'] ?? []) as readonly DenyRow[];
  const expiries = grants.flatMap(({ expiresAt }) => (expiresAt === null ? [] : [new Date(expiresAt)]));
  const subject = { id: encodeId(who.kind === 'user' ? 'usr' : 'sac', who.id), groups: who.groups };
  return {
    snapshot: {
      epoch: Number(row?.['epoch'] ?? 0),
      grants: grants.map((grant) => ({
        id: encodeId('rbd', grant.id),
        scope: {
          id: scopeId(grant.kind, grant.scopeId),
          kind: grant.kind,
          parentId:
            grant.parentId === null || grant.parentKind === null ? null : scopeId(grant.parentKind, grant.parentId),
          tenantId: grant.tenantId === null ? null : encodeId('tnt', grant.tenantId),
        },
        permissions: [...permissionsOfRole(grant.role)],
      })),
      denies: denies
        .filter((rule) => meets(rule, subject))
        .map((rule) => ({
          id: encodeId('dny', rule.id),
          scopeId: rule.kind === 'platform' ? ('platform' as const) : encodeId('tnt', rule.scopeId),
          permissions: [...rule.permissions],
        })),
    },
    firstExpiry: expiries.length === 0 ? null : new Date(Math.min(...expiries.map(Number))),
  };
}

export interface PrincipalRow {
  readonly id: string;
  readonly kind: 'user' | 'service';
  readonly state: 'active' | 'disabled' | 'removed';
  readonly displayName: string | null;
}

export async function findUser(on: Reader, issuer: string, subject: string): Promise<PrincipalRow | undefined> {
  const rows = await on.unsafe(
    `select id, kind, state, display_name as "displayName" from tenancy.principal where issuer = $1 and subject = $2 and kind = 'user'`,
    [issuer, subject],
  );
  return rows[0] as PrincipalRow | undefined;
}

export interface TokenRow {
  readonly id: string;
  readonly sha256: Uint8Array;
  readonly permissions: readonly string[] | null;
  readonly scopeId: string | null;
  readonly scopeKind: ScopeKind | null;
  readonly scopeParentId: string | null;
  readonly scopeParentKind: ScopeKind | null;
  readonly scopeTenantId: string | null;
  readonly expiresAt: Date;
  readonly expired: boolean;
  readonly revoked: boolean;
  /** True when the last use that is written down is older than five minutes. */
  readonly useIsOld: boolean;
  readonly accountId: string;
  readonly accountState: PrincipalRow['state'];
  readonly displayName: string | null;
}

/** A token with what proves it and whom it speaks for; only the writing role sees secrets. */
export async function findToken(on: Reader, id: string): Promise<TokenRow | undefined> {
  const rows = await on.unsafe(
    `select t.id, x.sha256, t.permissions, t.scope_id as "scopeId", s.kind as "scopeKind", s.parent_id as "scopeParentId",
       s.parent_kind as "scopeParentKind", s.tenant_id as "scopeTenantId", t.expires_at as "expiresAt", t.expires_at <= now() as expired,
       t.revoked_at is not null and t.revoked_at <= now() as revoked,
       coalesce(u.used_at < now() - interval '5 minutes', true) as "useIsOld",
       p.id as "accountId", p.state as "accountState", coalesce(p.display_name, p.name) as "displayName"
     from tenancy.token t join tenancy.token_secret x on x.token_id = t.id join tenancy.principal p on p.id = t.service_account_id
     left join tenancy.scope s on s.id = t.scope_id left join tenancy.token_use u on u.token_id = t.id
     where t.id = $1::uuid`,
    [id],
  );
  return rows[0] as TokenRow | undefined;
}

/** In steps of five minutes, and never backwards: many replicas see the same token. */
export async function upsertTokenUse(on: Reader, id: string, address: string | null): Promise<void> {
  await on.unsafe(
    `insert into tenancy.token_use as u (token_id, used_at, address) values ($1::uuid, now(), $2)
     on conflict (token_id) do update set used_at = now(), address = excluded.address where u.used_at < now() - interval '5 minutes'`,
    [id, address],
  );
}
