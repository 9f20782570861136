import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { uuidOfScope } from '../scope/row.js';
import { listScoped } from '../scoped.js';
import { exemptions } from './sql.js';

/**
 * Exemptions, ordered by id; past ones too, until they are swept.
 * @throws Problem invalid-cursor
 */
export async function listExemptions(
  deps: Deps,
  caller: Caller,
  command: Command<'exemption', 'list'>,
): Promise<Result<'exemption', 'list'>> {
  return listScoped(deps, caller, {
    noun: exemptions,
    page: command,
    filter: (q) => {
      if (command.scopeId !== undefined) q.and(`x.scope_id = ${q.value(uuidOfScope(command.scopeId))}::uuid`);
    },
  });
}
