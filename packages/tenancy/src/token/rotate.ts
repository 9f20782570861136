import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { asked, judged, once, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockAccess } from '../installation/sql.js';
import { accounts } from '../service-account/sql.js';
import { findScoped, lockScoped, scopedChange } from '../scoped.js';
import { expectLifetime, expectRoom } from './create.js';
import { findLimit, refuseExcess } from './guard.js';
import { mintSecret } from './mint.js';
import { amendTokenEnd, insertToken, lockLiveTokens, tokens } from './sql.js';

type Rotate = Command<'token', 'rotate'>;

/**
 * A new secret with the same rights; the old one works on for the overlap, and no longer.
 * @throws Problem not-found | version-mismatch | state-conflict | permission-denied | reference-not-found
 */
export async function rotateToken(deps: Deps, caller: Caller, command: Rotate): Promise<Result<'token', 'rotate'>> {
  const id = deps.newId();
  const { text, sha256 } = mintSecret(id);
  const made = await judged(
    inTransaction(
      deps.db.app,
      (tx) => once(tx, caller, () => rotated({ tx, caller, id, sha256 }, command)),
      asked(caller),
    ),
  );
  return made.replayed === true || caller.dryRun === true ? made : { ...made, secret: text };
}

async function rotated(
  { tx, caller, id, sha256 }: { tx: Tx; caller: Caller; id: string; sha256: Uint8Array },
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
  const heldUntil = await refuseExcess(tx, caller, { needs: 'tenancy.token.rotate', account, permissions, limit });
  await expectLifetime(tx, command.expiresAt, heldUntil);
  await insertToken(tx, {
    id,
    accountId,
    tenantId: account.tenantId,
    name: old.name,
    permissions,
    limitScopeId,
    createdBy: caller.principal.id,
    expiresAt: command.expiresAt === undefined ? null : new Date(command.expiresAt),
    notAfter: heldUntil,
    sha256,
  });
  await amendTokenEnd(tx, old.id, { revokeInSeconds: command.overlapSeconds });
  const after = await findScoped(tx, tokens, id);
  const ending = await findScoped(tx, tokens, old.id);
  await recordChanges(tx, caller, [
    scopedChange(tokens, 'created', { before: null, after }),
    scopedChange(tokens, 'rotated', { before: old, after: ending }),
  ]);
  return { ...tokens.to(after), secret: null };
}
