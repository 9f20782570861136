// Lock order: installation, then the account, then its tokens by id (scope/sql.ts).
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { ScopeKind } from '@sentral/contracts/contract';
import type { Token } from '@sentral/contracts/tenancy/principal';
import type { Database, Tx } from '@sentral/kernel/database';
import { scopeId } from '../scope/row.js';
import { shared, type Noun, type Stored } from '../scoped.js';

export interface TokenRow extends Stored {
  readonly accountId: string;
  readonly name: string;
  readonly permissions: readonly string[] | null;
  readonly limitScopeId: string | null;
  readonly limitKind: ScopeKind | null;
  readonly createdBy: string;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
  readonly state: Token['state'];
}

// A token lies where its account does; what it is limited to is another scope.
const fromToken = `(select t.id, p.scope_id, t.version, t.created_at, t.updated_at, t.service_account_id, t.name, t.permissions,
    t.scope_id as limit_scope_id, t.created_by, t.expires_at, t.revoked_at
  from tenancy.token t join tenancy.principal p on p.id = t.service_account_id)`;

export const tokens: Noun<'tok', TokenRow, Token> = {
  name: 'token',
  prefix: 'tok',
  table: fromToken,
  columns: `x.service_account_id as "accountId", x.name, x.permissions, x.limit_scope_id as "limitScopeId",
    (select l.kind from tenancy.scope l where l.id = x.limit_scope_id) as "limitKind", x.created_by as "createdBy", x.expires_at as "expiresAt",
    x.revoked_at as "revokedAt",
    case when x.revoked_at <= now() then 'revoked' when x.expires_at <= now() then 'expired' else 'live' end as state`,
  to: (row) => {
    const { scopeId: _, ...fields } = shared(row, 'tok', 'token');
    return {
      ...fields,
      serviceAccountId: encodeId('sac', row.accountId),
      name: row.name,
      ...(row.permissions === null ? {} : { permissions: [...row.permissions] }),
      ...(row.limitScopeId === null || row.limitKind === null
        ? {}
        : { scopeId: scopeId(row.limitKind, row.limitScopeId) }),
      state: row.state,
      createdBy: row.createdBy,
      expiresAt: row.expiresAt.toISOString(),
      ...(row.revokedAt === null ? {} : { revokedAt: row.revokedAt.toISOString() }),
    };
  },
};

export interface NewToken {
  readonly id: string;
  readonly accountId: string;
  readonly tenantId: string | null;
  readonly name: string;
  readonly permissions: readonly string[] | null;
  readonly limitScopeId: string | null;
  readonly createdBy: string;
  /** Null: 90 days from now. */
  readonly expiresAt: Date | null;
  /** When what its creator holds ends by itself; null: never. */
  readonly notAfter: Date | null;
  readonly sha256: Uint8Array;
}

export async function insertToken(tx: Tx, token: NewToken): Promise<void> {
  await tx.sql`
    insert into tenancy.token (id, service_account_id, tenant_id, name, permissions, scope_id, created_by, expires_at)
    values (${token.id}::uuid, ${token.accountId}::uuid, ${token.tenantId}::uuid, ${token.name},
      ${token.permissions === null ? null : [...token.permissions]}::text[], ${token.limitScopeId}::uuid, ${token.createdBy},
      least(coalesce(${token.expiresAt}::timestamptz, now() + interval '90 days'), ${token.notAfter}::timestamptz))`;
  await tx.sql`insert into tenancy.token_secret (token_id, sha256) values (${token.id}::uuid, ${token.sha256})`;
}

/** For update, by id: what lives of an account's tokens is counted and ended under these locks. */
export async function lockLiveTokens(tx: Tx, accountId: string): Promise<readonly TokenRow[]> {
  const locked = await tx.sql<{ id: string }>`
    select id from tenancy.token where service_account_id = ${accountId}::uuid and expires_at > now() and (revoked_at is null or revoked_at > now())
    order by id for update`;
  if (locked.length === 0) return [];
  const rows = await tx.unsafe(
    `select x.id, x.scope_id as "scopeId", s.kind as "scopeKind", s.tenant_id as "tenantId", s.project_id as "projectId", x.version,
       x.created_at as "createdAt", x.updated_at as "updatedAt", ${tokens.columns}
     from ${fromToken} x join tenancy.scope s on s.id = x.scope_id where x.id = any($1::uuid[]) order by x.id`,
    [locked.map(({ id }) => id)],
  );
  return rows as unknown as readonly TokenRow[];
}

/** Ends a token now, or after an overlap. */
export async function amendTokenEnd(
  tx: Tx,
  id: string,
  { revokeInSeconds }: { revokeInSeconds: number },
): Promise<void> {
  await tx.sql`
    update tenancy.token set revoked_at = now() + make_interval(secs => ${revokeInSeconds}::int), version = version + 1, updated_at = now()
    where id = ${id}::uuid`;
}

/** Whole seconds until then by the database's clock. */
export async function findSecondsUntil(tx: Tx, at: string): Promise<number> {
  const [row] = await tx.sql<{
    seconds: number;
  }>`select floor(extract(epoch from ${at}::timestamptz - now()))::float8 as seconds`;
  return Number(row?.seconds);
}

/**
 * When tokens that the caller was shown were last used. The role that is held to one tenant does not see this bookkeeping, so
 * the ids must come from a read behind the caller's walls.
 */
export async function withLastUse(db: Database, shown: readonly Token[]): Promise<Token[]> {
  const rows = await db.sql<{ id: string; at: Date }>`
    select token_id as id, used_at as at from tenancy.token_use where token_id = any(${shown.map(({ id }) => decodeId('tok', id))}::uuid[])`;
  const uses = new Map(rows.map(({ id, at }) => [encodeId('tok', id), at.toISOString()]));
  return shown.map((token) => {
    const lastUsedAt = uses.get(token.id);
    return lastUsedAt === undefined ? token : { ...token, lastUsedAt };
  });
}
