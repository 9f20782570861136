import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockAccess } from '../installation/sql.js';
import { accounts } from '../service-account/sql.js';
import { findScoped, lockScoped, scopedChange } from '../scoped.js';
import { findLimit } from './guard.js';
import { expectRoom, inIssue, issueToken, type Minted } from './issue.js';
import { amendTokenEnd, lockLiveTokens, tokens } from './sql.js';

type Rotate = Command<'token', 'rotate'>;

/**
 * A new secret with the same rights; the old one works on for the overlap, and no longer.
 * @throws Problem not-found | version-mismatch | state-conflict | permission-denied | reference-not-found
 */
export async function rotateToken(deps: Deps, caller: Caller, command: Rotate): Promise<Result<'token', 'rotate'>> {
  return inIssue(deps, caller, (tx, minted) => rotated({ tx, caller, minted }, command));
}

async function rotated(
  { tx, caller, minted }: { tx: Tx; caller: Caller; minted: Minted },
  command: Rotate,
): Promise<Result<'token', 'rotate'>> {
  await lockAccess(tx);
  const old = await lockScoped(tx, caller, { noun: tokens, id: decodeId('tok', command.id), version: command.version });
  if (old.state !== 'live') throw problem('state-conflict', { state: old.state, allowedStates: ['live'] });
  if (old.revokedAt !== null)
    throw problem(
      'state-conflict',
      { state: 'rotated', allowedStates: ['live'] },
      'It was rotated before; rotate its successor.',
    );
  const { accountId, permissions, limitScopeId } = old;
  const account = await lockScoped(tx, caller, { noun: accounts, id: accountId, version: undefined });
  if (account.state !== 'active') throw problem('state-conflict', { state: account.state, allowedStates: ['active'] });
  const live = (await lockLiveTokens(tx, accountId)).filter(({ id }) => id !== old.id || command.overlapSeconds > 0);
  expectRoom(live.length);
  const limit = await findLimit(tx, account, limitScopeId);
  await issueToken(tx, caller, {
    ...minted,
    needs: 'tenancy.token.rotate',
    account,
    name: old.name,
    permissions,
    limit,
    limitScopeId,
    expiresAt: command.expiresAt,
  });
  await amendTokenEnd(tx, old.id, { revokeInSeconds: command.overlapSeconds });
  const after = await findScoped(tx, tokens, minted.id);
  const ending = await findScoped(tx, tokens, old.id);
  await recordChanges(tx, caller, [
    scopedChange(tokens, 'created', { before: null, after }),
    scopedChange(tokens, 'rotated', { before: old, after: ending }),
  ]);
  return { ...tokens.to(after), secret: null };
}
