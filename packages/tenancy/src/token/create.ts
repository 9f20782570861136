import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { liveTokensMax, tokenDaysMax } from '@sentral/contracts/tenancy/principal';
import type { Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { asked, judged, once, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockAccess } from '../installation/sql.js';
import { lockActivePath } from '../scope/active.js';
import { scopeId, uuidOfScope } from '../scope/row.js';
import { accounts } from '../service-account/sql.js';
import { findScoped, lockScoped, scopedChange } from '../scoped.js';
import { expectPermissions, findLimit, refuseExcess } from './guard.js';
import { mintSecret } from './mint.js';
import { findSecondsUntil, insertToken, lockLiveTokens, tokens } from './sql.js';

type Create = Command<'token', 'create'>;

/**
 * A new API token. Its text is in this answer and nowhere else: what is stored for a repeated key has no secret.
 * @throws Problem not-found | state-conflict | reference-not-found | permission-denied | scope-not-active
 */
export async function createToken(deps: Deps, caller: Caller, command: Create): Promise<Result<'token', 'create'>> {
  const id = deps.newId();
  const { text, sha256 } = mintSecret(id);
  const made = await judged(
    inTransaction(
      deps.db.app,
      (tx) => once(tx, caller, () => created({ tx, caller, id, sha256 }, command)),
      asked(caller),
    ),
  );
  return made.replayed === true || caller.dryRun === true ? made : { ...made, secret: text };
}

async function created(
  { tx, caller, id, sha256 }: { tx: Tx; caller: Caller; id: string; sha256: Uint8Array },
  command: Create,
): Promise<Result<'token', 'create'>> {
  expectPermissions(command.permissions);
  const permissions = command.permissions ?? null;
  const limitScopeId = command.scopeId === undefined ? null : uuidOfScope(command.scopeId);
  await lockAccess(tx);
  const accountId = decodeId('sac', command.serviceAccountId);
  const account = await lockScoped(tx, caller, { noun: accounts, id: accountId, version: undefined });
  if (account.state !== 'active') throw problem('state-conflict', { state: account.state, allowedStates: ['active'] });
  await lockActivePath(tx, caller, scopeId(account.scopeKind, account.scopeId));
  expectRoom((await lockLiveTokens(tx, accountId)).length);
  const limit = await findLimit(tx, account, limitScopeId);
  if (limit !== null && limit.id !== command.scopeId)
    throw problem('reference-not-found', { pointer: '/scopeId', resourceType: 'scope' });
  const heldUntil = await refuseExcess(tx, caller, { needs: 'tenancy.token.create', account, permissions, limit });
  await expectLifetime(tx, command.expiresAt, heldUntil);
  await insertToken(tx, {
    id,
    accountId,
    tenantId: account.tenantId,
    name: command.name,
    permissions,
    limitScopeId,
    createdBy: caller.principal.id,
    expiresAt: command.expiresAt === undefined ? null : new Date(command.expiresAt),
    notAfter: heldUntil,
    sha256,
  });
  const after = await findScoped(tx, tokens, id);
  await recordChanges(tx, caller, [scopedChange(tokens, 'created', { before: null, after })]);
  return { ...tokens.to(after), secret: null };
}

/**
 * @throws Problem validation-failed for an end in the past, or more than a year ahead
 * @throws Problem state-conflict for one after the creator's own
 */
export async function expectLifetime(tx: Tx, expiresAt: string | undefined, heldUntil: Date | null): Promise<void> {
  if (expiresAt === undefined) return;
  const seconds = await findSecondsUntil(tx, expiresAt);
  if (seconds <= 0 || seconds > tokenDaysMax * 86_400) {
    const message = `must lie in the future, at most ${tokenDaysMax} days`;
    throw problem('validation-failed', { errors: [{ pointer: '/expiresAt', code: 'out_of_bounds', message }] });
  }
  if (heldUntil === null || new Date(expiresAt) <= heldUntil) return;
  throw problem(
    'state-conflict',
    { state: 'held for a time', allowedStates: [], heldUntil: heldUntil.toISOString() },
    'A token does not outlive what its creator holds.',
  );
}

/** @throws Problem state-conflict when an account would have more live tokens than it may */
export function expectRoom(live: number): void {
  if (live < liveTokensMax) return;
  throw problem(
    'state-conflict',
    { state: `${live} live tokens`, allowedStates: [] },
    `An account has at most ${liveTokensMax} live tokens: rotate one, or revoke one.`,
  );
}
