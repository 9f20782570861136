import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockAccess } from '../installation/sql.js';
import { lockActivePath } from '../scope/active.js';
import { scopeId, uuidOfScope } from '../scope/row.js';
import { accounts } from '../service-account/sql.js';
import { findScoped, lockScoped, scopedChange } from '../scoped.js';
import { expectPermissions, findLimit } from './guard.js';
import { expectRoom, inIssue, issueToken, type Minted } from './issue.js';
import { lockLiveTokens, tokens } from './sql.js';

type Create = Command<'token', 'create'>;

/**
 * A new API token. Its text is in this answer and nowhere else: what is stored for a repeated key has no secret.
 * @throws Problem not-found | state-conflict | reference-not-found | permission-denied | scope-not-active
 */
export async function createToken(deps: Deps, caller: Caller, command: Create): Promise<Result<'token', 'create'>> {
  return inIssue(deps, caller, (tx, minted) => created({ tx, caller, minted }, command));
}

async function created(
  { tx, caller, minted }: { tx: Tx; caller: Caller; minted: Minted },
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
  const { name, expiresAt } = command;
  await issueToken(tx, caller, {
    ...minted,
    needs: 'tenancy.token.create',
    account,
    name,
    permissions,
    limit,
    limitScopeId,
    expiresAt,
  });
  const after = await findScoped(tx, tokens, minted.id);
  await recordChanges(tx, caller, [scopedChange(tokens, 'created', { before: null, after })]);
  return { ...tokens.to(after), secret: null };
}
