import type { Caller } from '@sentral/contracts/contract';
import { parseId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { uuidOfScope } from '../scope/row.js';
import { listScoped } from '../scoped.js';
import { bindings } from './sql.js';

/**
 * Bindings, ordered by id; expired ones too, until they are removed.
 * @throws Problem invalid-cursor
 */
export async function listRoleBindings(
  deps: Deps,
  caller: Caller,
  command: Command<'roleBinding', 'list'>,
): Promise<Result<'roleBinding', 'list'>> {
  return listScoped(deps, caller, {
    noun: bindings,
    page: command,
    filter: (q) => {
      if (command.scopeId !== undefined) q.and(`x.scope_id = ${q.value(uuidOfScope(command.scopeId))}::uuid`);
      if (command.subjectId !== undefined) q.and(`x.principal_id = ${q.value(parseId(command.subjectId).uuid)}::uuid`);
      if (command.role !== undefined) q.and(`x.role = ${q.value(command.role)}`);
    },
  });
}
