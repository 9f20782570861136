import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Result } from '../command.js';
import type { Deps } from '../deps.js';
import { wantRounds } from './sql.js';

/**
 * What the counts of facts against their records have found.
 * @throws Problem permission-denied
 */
export async function getIntegrity(deps: Deps, caller: Caller): Promise<Result<'integrity', 'get'>> {
  if (!('all' in caller.readScope)) throw problem('permission-denied', { permission: 'audit.integrity.read' });
  return shown(deps);
}

/**
 * Lets the counts of all contexts begin at once.
 * @throws Problem permission-denied
 */
export async function countIntegrity(deps: Deps, caller: Caller): Promise<Result<'integrity', 'count'>> {
  if (!('all' in caller.readScope)) throw problem('permission-denied', { permission: 'audit.integrity.count' });
  await wantRounds(deps.db.app);
  return shown(deps);
}

async function shown(deps: Deps): Promise<Result<'integrity', 'get'>> {
  const rows = await deps.db.platform.unsafe(
    'select context, missing, checked, finished_at as "finishedAt" from audit.completeness order by context',
  );
  const [stray] = await deps.db.platform.unsafe('select count(*) as stray from audit.record_default');
  return {
    contexts: rows.map((row) => ({
      context: String(row['context']),
      missing: Number(row['missing']),
      checked: Number(row['checked']),
      ...(row['finishedAt'] === null ? {} : { finishedAt: (row['finishedAt'] as Date).toISOString() }),
    })),
    stray: Number(stray?.['stray']),
  };
}
