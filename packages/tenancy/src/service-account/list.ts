import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { uuidOfScope } from '../scope/row.js';
import { listScoped } from '../scoped.js';
import { accounts } from './sql.js';

/**
 * Service accounts, ordered by id.
 * @throws Problem invalid-cursor
 */
export async function listServiceAccounts(
  deps: Deps,
  caller: Caller,
  command: Command<'serviceAccount', 'list'>,
): Promise<Result<'serviceAccount', 'list'>> {
  return listScoped(deps, caller, {
    noun: accounts,
    page: command,
    filter: (q) => {
      q.and(`x.kind = 'service' and x.state <> 'removed'`);
      if (command.scopeId !== undefined) q.and(`x.scope_id = ${q.value(uuidOfScope(command.scopeId))}::uuid`);
      if (command.name !== undefined) q.and(`x.name = ${q.value(command.name)}`);
    },
  });
}
