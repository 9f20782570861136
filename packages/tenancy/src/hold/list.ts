import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { uuidOfScope } from '../scope/row.js';
import { listScoped } from '../scoped.js';
import { holds } from './sql.js';

/**
 * Live holds on a scope and on the things in it, ordered by id.
 * @throws Problem invalid-cursor
 */
export async function listHolds(
  deps: Deps,
  caller: Caller,
  command: Command<'hold', 'list'>,
): Promise<Result<'hold', 'list'>> {
  return listScoped(deps, caller, {
    noun: holds,
    page: command,
    filter: (q) => {
      q.and('(x.expires_at is null or x.expires_at > now())');
      if (command.scopeId !== undefined) q.and(`x.scope_id = ${q.value(uuidOfScope(command.scopeId))}::uuid`);
      if (command.resourceId !== undefined) q.and(`x.resource_id = ${q.value(command.resourceId)}`);
    },
  });
}
