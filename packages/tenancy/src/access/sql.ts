// READ COMMITTED. One statement, so that the principal's state, its token, grants, denies and the epoch are of one moment: read one
// after another, a revocation in between would come with the epoch of after it and stay unseen as long as that lasts. Each part goes by an
// index of the principal, its groups or the scopes that it is granted something on: the size of the installation does not
// matter (a test reads the plan with 10,000 tenants).
import { platformScopeUuid, type GroupRef } from '@sentral/contracts/contract';
import type { Database, Tx } from '@sentral/kernel/database';
import type { StoredAccess } from './row.js';

type Reader = Pick<Database | Tx, 'unsafe'>;

/** Who is asked about: by what an issuer calls it, by its token, or by its id. */
export type Who =
  | { readonly by: 'subject'; readonly issuer: string; readonly subject: string }
  | { readonly by: 'token'; readonly id: string }
  | { readonly by: 'id'; readonly id: string; readonly tokenId: string | null };

// $1 and $2 are the groups. A token that is named beside a principal counts only when it is a token of that principal.
const who = {
  subject: `tenancy.principal p left join tenancy.token t on false where p.kind = 'user' and p.issuer = $3 and p.subject = $4`,
  token: `tenancy.token t join tenancy.principal p on p.id = t.service_account_id where t.id = $3::uuid and $4::text is null`,
  id: `tenancy.principal p left join tenancy.token t on t.id = $4::uuid and t.service_account_id = p.id where p.id = $3::uuid`,
} as const;

const scopeRef = (s: string): string =>
  `jsonb_build_object('id', ${s}.id, 'kind', ${s}.kind, 'parentId', ${s}.parent_id, 'parentKind', ${s}.parent_kind, 'tenantId', ${s}.tenant_id)`;

/** The statement, for the test that reads its plan. */
export const accessStatement = (by: Who['by']): string => `
  with who as materialized (
    select p.id, p.kind, p.state, p.display_name, p.tenant_id, t.id as token_id, t.permissions, t.scope_id, t.expires_at, t.revoked_at
    from ${who[by]}
  ), team as materialized (
    select g.issuer, g.name from unnest($1::text[], $2::text[]) as g(issuer, name)
  ), granted as (
    select b.id, b.role, b.expires_at, b.scope_id from who join tenancy.role_binding b on b.principal_id = who.id
    union all
    select b.id, b.role, b.expires_at, b.scope_id from team join tenancy.role_binding b
      on b.principal_id is null and b.group_issuer = team.issuer and b.group_name = team.name
  ), live as materialized (
    select g.id, g.role, g.expires_at, s.tenant_id, ${scopeRef('s')} as scope from granted g join tenancy.scope s on s.id = g.scope_id
    where (g.expires_at is null or g.expires_at > now()) and s.state <> 'deleted'
  ), place as (
    select $5::uuid as id union select tenant_id from live where tenant_id is not null
  )
  select who.id, who.kind, who.state, who.display_name as "displayName", who.tenant_id as "tenantId", who.token_id as "tokenId",
    who.permissions as "tokenPermissions", least(who.expires_at, who.revoked_at) as "tokenEndsAt", who.expires_at <= now() as "tokenExpired",
    coalesce(who.revoked_at <= now(), false) as "tokenRevoked",
    (select ${scopeRef('s')} from tenancy.scope s where s.id = who.scope_id) as "tokenScope",
    ${by === 'token' ? '(select z.sha256 from tenancy.token_secret z where z.token_id = who.token_id)' : 'null'} as "secretSha256",
    coalesce((select u.used_at < now() - interval '5 minutes' from tenancy.token_use u where u.token_id = who.token_id), true) as "useIsOld",
    (select access_epoch from tenancy.installation) as epoch,
    coalesce((select jsonb_agg(jsonb_build_object('id', l.id, 'role', l.role, 'expiresAt', l.expires_at, 'scope', l.scope) order by l.id)
      from live l), '[]') as grants,
    coalesce((select jsonb_agg(jsonb_build_object('id', r.id, 'scopeId', r.scope_id, 'scopeKind', r.scope_kind, 'permissions', r.permissions,
        'subjects', r.subjects, 'exceptions', r.exceptions) order by r.id)
      from place join tenancy.deny_rule r on r.scope_id = place.id), '[]') as denies
  from who`;

/** A principal with its live grants, the deny rules that meet it, and the limits of the token that speaks for it. */
export async function findAccess(
  on: Reader,
  asked: Who,
  groups: readonly GroupRef[],
): Promise<StoredAccess | undefined> {
  const [one, two] =
    asked.by === 'subject' ? [asked.issuer, asked.subject] : [asked.id, asked.by === 'id' ? asked.tokenId : null];
  const rows = await on.unsafe(accessStatement(asked.by), [
    groups.map(({ issuer }) => issuer),
    groups.map(({ name }) => name),
    one,
    two,
    platformScopeUuid,
  ]);
  return (rows as unknown as readonly StoredAccess[])[0];
}

/** In steps of five minutes, and never backwards: many replicas see the same token. */
export async function upsertTokenUse(on: Reader, id: string, address: string | null): Promise<void> {
  await on.unsafe(
    `insert into tenancy.token_use as u (token_id, used_at, address) values ($1::uuid, now(), $2)
     on conflict (token_id) do update set used_at = now(), address = excluded.address where u.used_at < now() - interval '5 minutes'`,
    [id, address],
  );
}
