import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { inTransaction } from '@sentral/kernel/transaction';
import { asked, judged, once, recordChanges, type Change } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockAccess } from '../installation/sql.js';
import { lockBindingsOf, bindings } from '../role-binding/sql.js';
import { deleteScoped, findScoped, lockScoped, scopedChange } from '../scoped.js';
import { amendTokenEnd, lockLiveTokens, tokens } from '../token/sql.js';
import { amendPrincipal } from '../user/sql.js';
import { accounts } from './sql.js';

/**
 * Ends a service account: its tokens are revoked and its bindings removed with it. Its row stays, since records name it.
 * @throws Problem not-found | version-mismatch | last-administrator
 */
export async function removeServiceAccount(
  deps: Deps,
  caller: Caller,
  command: Command<'serviceAccount', 'remove'>,
): Promise<Result<'serviceAccount', 'remove'>> {
  const id = decodeId('sac', command.id);
  return judged(
    inTransaction(
      deps.db.app,
      (tx) =>
        once(tx, caller, async () => {
          await lockAccess(tx);
          const before = await lockScoped(tx, caller, { noun: accounts, id, version: command.version });
          const followed: Change[] = [];
          for (const token of await lockLiveTokens(tx, id)) {
            await amendTokenEnd(tx, token.id, { revokeInSeconds: 0 });
            const after = await findScoped(tx, tokens, token.id);
            followed.push(scopedChange(tokens, 'revoked', { before: token, after }));
          }
          for (const binding of await lockBindingsOf(tx, id)) followed.push(await deleteScoped(tx, bindings, binding));
          await amendPrincipal(tx, id, { displayName: before.displayName, state: 'removed' });
          const gone = scopedChange(accounts, 'removed', { before, after: null });
          await recordChanges(tx, caller, [gone, ...followed]);
          return accounts.to(before);
        }),
      asked(caller),
    ),
  );
}
