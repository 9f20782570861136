import type { Tx } from '@sentral/kernel/database';
import type { Change } from '../change.js';
import { bindings, lockBindingsOf, type BindingRow } from '../role-binding/sql.js';
import { deleteScoped, findScoped, scopedChange } from '../scoped.js';
import { amendTokenEnd, lockLiveTokens, tokens } from '../token/sql.js';
import { amendPrincipal } from '../user/sql.js';
import type { AccountRow } from './sql.js';

/**
 * Takes from a locked account all that it has: its live tokens, its bindings, its name. `judge` sees the bindings before
 * they go. Gives what followed; the change of the account itself is the caller's to record.
 */
export async function endAccount(
  tx: Tx,
  account: AccountRow,
  judge: (held: readonly BindingRow[]) => Promise<void>,
): Promise<readonly Change[]> {
  const followed: Change[] = [];
  for (const token of await lockLiveTokens(tx, account.id)) {
    await amendTokenEnd(tx, token.id, { revokeInSeconds: 0 });
    const after = await findScoped(tx, tokens, token.id);
    followed.push(scopedChange(tokens, 'revoked', { before: token, after }));
  }
  const held = await lockBindingsOf(tx, account.id);
  await judge(held);
  for (const binding of held) followed.push(await deleteScoped(tx, bindings, binding));
  await amendPrincipal(tx, account.id, { displayName: account.displayName, state: 'removed' });
  return followed;
}
