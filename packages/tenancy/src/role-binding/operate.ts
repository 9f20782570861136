import { platformScopeUuid, type Caller } from '@sentral/contracts/contract';
import type { Database, Tx } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import type { Seal } from '@sentral/contracts/audit-seal';
import { inTransaction } from '@sentral/kernel/transaction';
import { recordChanges, type Change } from '../change.js';
import { amendOverride, lockAccess } from '../installation/sql.js';
import { listLastingHolders } from '../deny-rule/sql.js';
import { lockScope } from '../scope/sql.js';
import { endAccount } from '../service-account/end.js';
import { accounts, insertAccount } from '../service-account/sql.js';
import { deleteScoped, findScoped, scopedChange } from '../scoped.js';
import { mintSecret } from '../token/mint.js';
import { insertToken, tokens } from '../token/sql.js';
import { amendPrincipal, findUserRow, insertUser, userChange } from '../user/sql.js';
import { bootstrapName, retireBootstrap } from './bootstrap.js';
import { bindings, insertBinding, lockBindingsOf } from './sql.js';

/** Whoever holds the owner's credentials; no route leads there. */
const operator: Caller = {
  principal: { id: 'operator', type: 'system' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: [],
};

/** Somebody by what an issuer calls it, and what seals that on its way to audit. */
export interface NamedPerson {
  readonly issuer: string;
  readonly subject: string;
  readonly seal: Seal;
}

export interface Bootstrap {
  /** The person who will administer the platform; absent: a service account with one token of a day. */
  readonly subject?: NamedPerson;
  /** Over the head of the administrators that there are; needs a reason. */
  readonly override?: { readonly reason: string };
}

export type Bootstrapped =
  | { readonly done: 'refused'; readonly administrators: number }
  | { readonly done: 'user' }
  /** The token's text, to be written into a file of its own and shown nowhere. */
  | { readonly done: 'token'; readonly token: string };

/** As long as the one token that it is for: whoever opened the house does not stay by that. */
const bootstrapHours = 24;

/**
 * Makes the first administrator, as the owner of the schema, by the rules of every other grant and with its feed rows. It
 * refuses when a lasting one is there already, unless it is told to go over its head. The account with the token is no
 * lasting one: its binding ends with the token, so a file that was lost is made again without an override.
 */
export function bootstrapAdmin(db: Database, { subject, override }: Bootstrap): Promise<Bootstrapped> {
  return asOwner(db, async (tx) => {
    await lockAccess(tx);
    const administrators = await listLastingHolders(tx, { scopeId: platformScopeUuid, roles: ['platform-admin'] });
    if (administrators.length > 0 && override === undefined)
      return { done: 'refused', administrators: administrators.length };
    if (administrators.length > 0) await amendOverride(tx);
    const reason = override?.reason ?? 'the first administrator';
    return subject === undefined ? withToken(tx, reason) : withPerson(tx, { ...subject, reason });
  });
}

async function withPerson(tx: Tx, person: NamedPerson & { reason: string }): Promise<Bootstrapped> {
  const { id, changes } = await userOf(tx, person);
  const grant = await granted(tx, {
    principalId: id,
    scopeId: platformScopeUuid,
    role: 'platform-admin',
    reason: person.reason,
  });
  await recordChanges(tx, operator, [...grant, ...changes, ...(await retireBootstrap(tx, id))]);
  return { done: 'user' };
}

async function withToken(tx: Tx, reason: string): Promise<Bootstrapped> {
  const { id, changes } = await accountOf(tx);
  const [now] = await tx.sql<{ end: Date }>`select now() + make_interval(hours => ${bootstrapHours}) as end`;
  const expiresAt = now?.end ?? new Date(0);
  const grant = await granted(tx, {
    principalId: id,
    scopeId: platformScopeUuid,
    role: 'platform-admin',
    reason,
    expiresAt,
  });
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
    expiresAt,
    notAfter: null,
    sha256,
  });
  const made = await findScoped(tx, tokens, tokenId);
  await recordChanges(tx, operator, [
    ...grant,
    ...changes,
    scopedChange(tokens, 'created', { before: null, after: made }),
  ]);
  return { done: 'token', token: text };
}

/** Makes a person owner of a tenant, once: for a development start, whose one person is administrator and tenant alike. */
export function grantOwner(
  db: Database,
  { tenantUuid, ...person }: NamedPerson & { readonly tenantUuid: string },
): Promise<void> {
  return asOwner(db, async (tx) => {
    await lockAccess(tx);
    const { id, changes } = await userOf(tx, person);
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
  { issuer, subject, seal }: NamedPerson,
): Promise<{ id: string; changes: readonly Change[] }> {
  const [known] = await tx.sql<{ id: string; state: string; displayName: string | null }>`
    select id, state, display_name as "displayName" from tenancy.principal where kind = 'user' and issuer = ${issuer} and subject = ${subject}`;
  const id = known?.id ?? newId();
  if (known === undefined) {
    await insertUser(tx, { id, issuer, subject, displayName: null });
    const after = await findUserRow(tx, id);
    return { id, changes: [userChange(seal, 'registered', { before: null, after })] };
  }
  if (known.state === 'active') return { id, changes: [] };
  const before = await findUserRow(tx, id);
  await amendPrincipal(tx, id, { displayName: known.displayName, state: 'active' });
  const after = await findUserRow(tx, id);
  return { id, changes: [userChange(seal, 'enabled', { before, after })] };
}

/** A new account: whatever an older one of that name had, tokens that somebody kept among it, ends here. */
async function accountOf(tx: Tx): Promise<{ id: string; changes: readonly Change[] }> {
  const [known] = await tx.sql<{ id: string }>`
    select id from tenancy.principal
    where kind = 'service' and name = ${bootstrapName} and tenant_id is null and state <> 'removed' for no key update`;
  const ended: Change[] = [];
  if (known !== undefined) {
    const before = await findScoped(tx, accounts, known.id);
    const followed = await endAccount(tx, before, async () => {});
    ended.push(scopedChange(accounts, 'removed', { before, after: null }), ...followed);
  }
  const id = newId();
  await insertAccount(tx, { id, scopeId: platformScopeUuid, tenantId: null, name: bootstrapName, displayName: null });
  const after = await findScoped(tx, accounts, id);
  return { id, changes: [scopedChange(accounts, 'created', { before: null, after }), ...ended] };
}

/** The binding, unless it is there already; one that ends by itself gives way to one that lasts. */
async function granted(
  tx: Tx,
  grant: { principalId: string; scopeId: string; role: string; reason: string; expiresAt?: Date },
): Promise<readonly Change[]> {
  const there = (await lockBindingsOf(tx, grant.principalId)).find(
    (each) => each.scopeId === grant.scopeId && each.role === grant.role,
  );
  if (there !== undefined && there.expiresAt === null) return [];
  const ended = there === undefined ? [] : [await deleteScoped(tx, bindings, there)];
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
    expiresAt: grant.expiresAt ?? null,
    reason: grant.reason,
  });
  const after = await findScoped(tx, bindings, id);
  return [scopedChange(bindings, 'created', { before: null, after }), ...ended];
}
