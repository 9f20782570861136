import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockAccess } from '../installation/sql.js';
import { findScoped, lockScoped, scopedChange } from '../scoped.js';
import { amendTokenEnd, tokens } from './sql.js';

/**
 * Ends a token at once.
 * @throws Problem not-found | version-mismatch | state-conflict
 */
export async function revokeToken(
  deps: Deps,
  caller: Caller,
  command: Command<'token', 'revoke'>,
): Promise<Result<'token', 'revoke'>> {
  const id = decodeId('tok', command.id);
  return inChange(deps, caller, async (tx) => {
    await lockAccess(tx);
    const before = await lockScoped(tx, caller, { noun: tokens, id, version: command.version });
    if (before.state !== 'live') throw problem('state-conflict', { state: before.state, allowedStates: ['live'] });
    await amendTokenEnd(tx, id, { revokeInSeconds: 0 });
    const after = await findScoped(tx, tokens, id);
    await recordChanges(tx, caller, [scopedChange(tokens, 'revoked', { before, after })]);
    return tokens.to(after);
  });
}
