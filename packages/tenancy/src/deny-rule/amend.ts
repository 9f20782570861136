import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { placeOf } from '../access/row.js';
import { lockAccess } from '../installation/sql.js';
import { findScoped, lockScoped, scopedChange } from '../scoped.js';
import { judgeContent } from './content.js';
import { expectOpener } from './opener.js';
import { amendDenyRuleRow, denyRules } from './sql.js';

/**
 * Changes what is forbidden, to whom and why; nobody exempts itself.
 * @throws Problem not-found | version-mismatch | permission-denied | reference-not-found | last-administrator
 */
export async function amendDenyRule(
  deps: Deps,
  caller: Caller,
  command: Command<'denyRule', 'amend'>,
): Promise<Result<'denyRule', 'amend'>> {
  const id = decodeId('dny', command.id);
  return inChange(deps, caller, async (tx) => {
    await lockAccess(tx);
    const before = await lockScoped(tx, caller, { noun: denyRules, id, version: command.version });
    const { patch } = command;
    const to = {
      permissions: patch.permissions ?? before.permissions,
      subjects: patch.subjects === undefined ? before.subjects : patch.subjects === 'all' ? null : patch.subjects,
      exceptions: patch.exceptions ?? before.exceptions,
      reason: patch.reason ?? before.reason,
    };
    await judgeContent(tx, caller, { before, after: to, scope: placeOf(before) });
    await amendDenyRuleRow(tx, id, to);
    await expectOpener(tx, { id: before.scopeId, kind: before.scopeKind });
    const after = await findScoped(tx, denyRules, id);
    await recordChanges(tx, caller, [scopedChange(denyRules, 'amended', { before, after })]);
    return denyRules.to(after);
  });
}
