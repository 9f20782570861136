import { exportLimits } from '@sentral/contracts/audit/export';
import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { query } from '@sentral/kernel/page';
import { lockName } from '@sentral/kernel/lease';
import { inChange, recordChange, schemaName } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { placeOf } from '../place.js';
import { filter } from '../record/list.js';
import { toExport } from './resource.js';
import { countLiveExports, insertExport, lockExport } from './sql.js';

/**
 * Names an export: it waits for its task to write it. Asked again for the same task it is the same one.
 * @throws Problem not-found | invalid-parameter | queue-full
 */
export async function createExport(
  deps: Deps,
  caller: Caller,
  { scopeId, taskId, ...asked }: Command<'export', 'create'>,
): Promise<Result<'export', 'create'>> {
  const { tenantId, projectId, environmentId } = placeOf(caller, scopeId);
  // A task lies in a tenant, and so does what it writes.
  if (tenantId === null) throw problem('invalid-parameter', { parameter: 'scope' }, 'An export is of a tenant.');
  filter(query(), asked.filter);
  const id = decodeId('tsk', taskId);
  return inChange(deps, caller, async (tx) => {
    await lockName(tx, schemaName, `export ${tenantId}`);
    const known = await lockExport(tx, id);
    if (known !== undefined) return toExport(known);
    if ((await countLiveExports(tx, tenantId)) >= exportLimits.perTenant)
      throw problem('queue-full', { limit: exportLimits.perTenant });
    const row = await insertExport(tx, {
      id,
      tenantId,
      projectId,
      environmentId,
      ...asked,
      createdBy: caller.principal.id,
    });
    const after = toExport(row);
    await recordChange(tx, caller, { what: 'export.asked', row, before: null, after });
    return after;
  });
}
