import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { denyRulesMax } from '@sentral/contracts/tenancy/role-binding';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { toRef } from '../access/row.js';
import { lockAccess } from '../installation/sql.js';
import { lockActiveScope } from '../scope/active.js';
import { findScoped, scopedChange } from '../scoped.js';
import { judgeContent } from './content.js';
import { expectOpener } from './opener.js';
import { countRulesOn, denyRules, insertDenyRule } from './sql.js';

/**
 * Forbids something on the platform or a tenant and below; deny beats allow everywhere.
 * @throws Problem not-found | permission-denied | reference-not-found | scope-not-active | state-conflict | last-administrator
 */
export async function createDenyRule(
  deps: Deps,
  caller: Caller,
  command: Command<'denyRule', 'create'>,
): Promise<Result<'denyRule', 'create'>> {
  const id = deps.newId();
  const { permissions, exceptions, reason } = command;
  const rule = { permissions, exceptions, reason, subjects: command.subjects === 'all' ? null : command.subjects };
  return inChange(deps, caller, async (tx) => {
    await lockAccess(tx);
    const scope = await lockActiveScope(tx, caller, command.scopeId);
    await judgeContent(tx, caller, { before: undefined, after: rule, scope: toRef(scope) });
    if ((await countRulesOn(tx, scope.id)) >= denyRulesMax)
      throw problem(
        'state-conflict',
        { state: `${denyRulesMax} rules`, allowedStates: [] },
        `A scope has at most ${denyRulesMax} deny rules: amend one, or end one.`,
      );
    await insertDenyRule(tx, { ...rule, id, scope, createdBy: caller.principal.id });
    await expectOpener(tx, scope);
    const after = await findScoped(tx, denyRules, id);
    await recordChanges(tx, caller, [scopedChange(denyRules, 'created', { before: null, after })]);
    return denyRules.to(after);
  });
}
