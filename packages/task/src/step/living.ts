import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

/**
 * Which of these steps are still there.
 * @throws Problem permission-denied
 */
export async function livingSteps(
  deps: Deps,
  { readScope }: Caller,
  { ids }: Command<'step', 'living'>,
): Promise<Result<'step', 'living'>> {
  // Services of the house ask, for all tenants at once.
  if (!('all' in readScope)) throw problem('permission-denied', { permission: 'task.step.read' });
  const rows = await deps.db.app.unsafe('select id from step where id = any($1::uuid[])', [
    ids.map((id) => decodeId('stp', id)),
  ]);
  return { ids: rows.map((row) => encodeId('stp', row['id'] as string)) };
}
