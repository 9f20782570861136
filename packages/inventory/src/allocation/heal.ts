import { encodeId } from '@sentral/contracts/ids';
import { isProblem } from '@sentral/contracts/problem';
import { itself } from '../change.js';
import type { Deps } from '../deps.js';
import { listStricken } from './heal-sql.js';
import { performOne } from './perform.js';

/** How many are looked for at once. */
const pageSize = 50;

/**
 * Moves what allocations and bookings hold of nodes that failed to others that are like them, or gives it back where there are none; each in a
 * transaction of its own, and its holder is told. One that others change meanwhile, or that cannot be healed now, is seen again in the next turn.
 * @returns how many were healed
 */
export async function healAll(deps: Deps): Promise<number> {
  let healed = 0;
  for (let after: string | null = null; ;) {
    const page: Awaited<ReturnType<typeof listStricken>> = await listStricken(deps.db.app, { after, limit: pageSize });
    for (const { id, version } of page) {
      try {
        await performOne(deps, itself, {
          op: 'replace',
          id,
          version,
          wanted: [],
          places: [],
          keeps: false,
          moves: undefined,
          heals: true,
        });
        healed += 1;
      } catch (error) {
        if (!isProblem(error)) throw error;
        deps.telemetry.log('info', 'an allocation is healed later', {
          allocationId: encodeId('alc', id),
          code: error.code,
        });
      }
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return healed;
    after = last.id;
  }
}
