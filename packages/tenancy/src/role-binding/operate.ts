import { platformScopeUuid, type Caller } from '@sentral/contracts/contract';
import type { Database, Tx } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { inTransaction } from '@sentral/kernel/transaction';
import { recordChanges, type Change } from '../change.js';
import { amendOverride, lockAccess } from '../installation/sql.js';
import { listLastingAdministrators } from '../deny-rule/sql.js';
import { lockScope } from '../scope/sql.js';
import { accounts, insertAccount } from '../service-account/sql.js';
import { findScoped, scopedChange } from '../scoped.js';
import { mintSecret } from '../token/mint.js';
import { insertToken, tokens } from '../token/sql.js';
import { findUser } from '../access/sql.js';
import { amendPrincipal, findUserRow, insertUser, toUser } from '../user/sql.js';
import { bootstrapName } from './bootstrap.js';
import { bindings, insertBinding, listBindingsOf } from './sql.js';

/** Whoever holds the owner's credentials; no route leads there. */
const operator: Caller = {
  principal: { id: 'operator', type: 'system' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: [],
};

export interface Bootstrap {
  /** The person who will administer the platform; absent: a service account with one token of a day. */
  readonly subject?: { readonly issuer: string; readonly subject: string };
  /** Over the head of the administrators that there are; needs a reason. */
  readonly override?: { readonly reason: string };
}

export type Bootstrapped =
  | { readonly done: 'refused'; readonly administrators: number }
  | { readonly done: 'user' }
  /** The token's text, to be written into a file of its own and shown nowhere. */
  | { readonly done: 'token'; readonly token: string };

/**
 * Makes the first administrator, as the owner of the schema, by the rules of every other grant and with its feed rows. It
 * refuses when there is one already, unless it is told to go over its head.
 */
export function bootstrapAdmin(db: Database, { subject, override }: Bootstrap): Promise<Bootstrapped> {
  return asOwner(db, async (tx) => {
    await lockAccess(tx);
    const administrators = (await listLastingAdministrators(tx)).length;
    if (administrators > 0 && override === undefined) return { done: 'refused', administrators };
    if (override !== undefined) await amendOverride(tx);
    const reason = override?.reason ?? 'the first administrator';
    if (subject !== undefined) {
      const { id, changes } = await userOf(tx, subject);
      const grant = await granted(tx, { principalId: id, scopeId: platformScopeUuid, role: 'platform-admin', reason });
      await recordChanges(tx, operator, [...grant, ...changes]);
      return { done: 'user' };
    }
    const { id, changes } = await accountOf(tx);
    const grant = await granted(tx, { principalId: id, scopeId: platformScopeUuid, role: 'platform-admin', reason });
    const tokenId = newId();
    const { text, sha256 } = mintSecret(tokenId);
    await insertToken(tx, {
      id: tokenId,
      accountId: id,
      tenantId: null,
      name: bootstrapName,
      permissions: null,
      limitScopeId: null,
      createdBy: operator.principal.id,
      expiresAt: new Date(Date.now() + 24 * 3_600_000),
      sha256,
    });
    const made = await findScoped(tx, tokens, tokenId);
    await recordChanges(tx, operator, [
      ...grant,
      ...changes,
      scopedChange(tokens, 'created', { before: null, after: made }),
    ]);
    return { done: 'token', token: text };
  });
}

/** Makes a person owner of a tenant, once: for a development start, whose one person is administrator and tenant alike. */
export function grantOwner(
  db: Database,
  { issuer, subject, tenantUuid }: { issuer: string; subject: string; tenantUuid: string },
): Promise<void> {
  return asOwner(db, async (tx) => {
    await lockAccess(tx);
    const { id, changes } = await userOf(tx, { issuer, subject });
    const grant = await granted(tx, { principalId: id, scopeId: tenantUuid, role: 'owner', reason: 'development' });
    await recordChanges(tx, operator, [...grant, ...changes]);
  });
}

function asOwner<T>(db: Database, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inTransaction(db, async (tx) => {
    await tx.unsafe('set local role tenancy_owner');
    return work(tx);
  });
}

async function userOf(
  tx: Tx,
  { issuer, subject }: { issuer: string; subject: string },
): Promise<{ id: string; changes: readonly Change[] }> {
  const known = await findUser(tx, issuer, subject);
  const id = known?.id ?? newId();
  if (known === undefined) {
    await insertUser(tx, { id, issuer, subject, displayName: null });
    const after = toUser(await findUserRow(tx, id));
    return { id, changes: [{ what: 'user.registered', id, version: 1, after }] };
  }
  if (known.state === 'active') return { id, changes: [] };
  const before = toUser(await findUserRow(tx, id));
  await amendPrincipal(tx, id, { displayName: known.displayName, state: 'active' });
  const after = toUser(await findUserRow(tx, id));
  return { id, changes: [{ what: 'user.enabled', id, version: after.version, before, after }] };
}

async function accountOf(tx: Tx): Promise<{ id: string; changes: readonly Change[] }> {
  const [known] = await tx.sql<{ id: string; state: string }>`
    select id, state from tenancy.principal where kind = 'service' and name = ${bootstrapName} and tenant_id is null and state <> 'removed'`;
  const id = known?.id ?? newId();
  if (known === undefined) {
    await insertAccount(tx, { id, scopeId: platformScopeUuid, tenantId: null, name: bootstrapName, displayName: null });
    return {
      id,
      changes: [scopedChange(accounts, 'created', { before: null, after: await findScoped(tx, accounts, id) })],
    };
  }
  if (known.state === 'active') return { id, changes: [] };
  const before = await findScoped(tx, accounts, id);
  await amendPrincipal(tx, id, { displayName: null, state: 'active' });
  return { id, changes: [scopedChange(accounts, 'amended', { before, after: await findScoped(tx, accounts, id) })] };
}

/** The binding, unless it is there already. */
async function granted(
  tx: Tx,
  grant: { principalId: string; scopeId: string; role: string; reason: string },
): Promise<readonly Change[]> {
  const there = await listBindingsOf(tx, grant.principalId);
  if (there.some((each) => each.scopeId === grant.scopeId && each.role === grant.role)) return [];
  const scope = await lockScope(tx, grant.scopeId);
  if (scope === undefined) throw new Error('the scope of the grant is not there');
  const id = newId();
  await insertBinding(tx, {
    id,
    scope,
    role: grant.role,
    principalId: grant.principalId,
    group: null,
    createdBy: operator.principal.id,
    expiresAt: null,
    reason: grant.reason,
  });
  return [scopedChange(bindings, 'created', { before: null, after: await findScoped(tx, bindings, id) })];
}
