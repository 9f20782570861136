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
import { expectLifetime } from './create.js';
import { refuseExcess } from './guard.js';
import { mintSecret } from './mint.js';
import { amendTokenEnd, insertToken, tokens } from './sql.js';

type Rotate = Command<'token', 'rotate'>;

/**
 * A new secret with the same rights; the old one works on for the overlap, and no longer.
 * @throws Problem not-found | version-mismatch | state-conflict | permission-denied
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
  const account = await findScoped(tx, accounts, old.accountId);
  await expectLifetime(tx, command.expiresAt);
  const { accountId, permissions, limitScopeId } = old;
  await refuseExcess(tx, caller, { accountId, permissions, limitScopeId });
  await insertToken(tx, {
    id,
    accountId,
    tenantId: account.tenantId,
    name: old.name,
    permissions,
    limitScopeId,
    createdBy: caller.principal.id,
    expiresAt: command.expiresAt === undefined ? null : new Date(command.expiresAt),
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
