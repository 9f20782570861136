import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { inTransaction } from '@sentral/kernel/transaction';
import { asked, judged, once, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockAccess } from '../installation/sql.js';
import { deleteScoped, lockScoped } from '../scoped.js';
import { meets } from './rules.js';
import { denyRules } from './sql.js';

/**
 * Ends a deny rule; whom it meets cannot be the one who ends it.
 * @throws Problem not-found | version-mismatch | permission-denied
 */
export async function removeDenyRule(
  deps: Deps,
  caller: Caller,
  command: Command<'denyRule', 'remove'>,
): Promise<Result<'denyRule', 'remove'>> {
  const id = decodeId('dny', command.id);
  return judged(
    inTransaction(
      deps.db.app,
      (tx) =>
        once(tx, caller, async () => {
          await lockAccess(tx);
          const before = await lockScoped(tx, caller, { noun: denyRules, id, version: command.version });
          const { principal } = caller;
          // A rule for everyone without exceptions would else be there for ever.
          const aimed = before.subjects !== null || before.exceptions.length > 0;
          if (
            principal.type !== 'system' &&
            aimed &&
            meets(before, { id: principal.id, groups: principal.groups ?? [] })
          ) {
            throw problem(
              'permission-denied',
              { missingPermission: 'tenancy.denyRule.delete', scope: denyRules.to(before).scopeId },
              'Nobody exempts itself: another one who may edit this rule can.',
            );
          }
          await recordChanges(tx, caller, [await deleteScoped(tx, denyRules, before)]);
          return denyRules.to(before);
        }),
      asked(caller),
    ),
  );
}
