import type { Caller } from '@sentral/contracts/contract';
import { isProblem, problem } from '@sentral/contracts/problem';
import type { Deps } from '../deps.js';
import { listPath } from './projection-sql.js';
import { toProjection, uuidOfScope, type StoredProjection } from './row.js';

interface Dependent {
  readonly type: string;
  readonly count: number;
  readonly ids: readonly string[];
}

export interface Dependents {
  readonly found: readonly Dependent[];
  /** Contexts that did not answer. */
  readonly away: readonly string[];
}

/** Tenancy asks for itself: nothing may be hidden from it. */
export const tenancyItself = (rows: readonly StoredProjection[]): Caller => ({
  principal: { id: 'tenancy', type: 'system' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: rows.map(toProjection),
});

/**
 * Asks every context what lives in a scope; each applies the rows that come along first, so what it counts cannot grow any
 * more when they say `deleting`. Never inside a transaction.
 */
export async function askDependents(
  deps: Deps,
  { id, committed }: { id: string; committed: boolean },
): Promise<Dependents> {
  const rows = await listPath(deps.db.app, uuidOfScope(id));
  const version = rows.at(-1)?.version ?? 1;
  // A dry run brings nothing along: what it began was taken back.
  const caller = tenancyItself(committed ? rows : []);
  const answers = await Promise.all(
    Object.entries(deps.scopeUsers).map(async ([name, context]) => {
      try {
        const { dependents } = await context.usage.count(caller, { scopeId: id, version });
        return { found: dependents, away: [] };
      } catch (error) {
        deps.telemetry.log('warn', 'a context did not say what lives in a scope', {
          context: name,
          error: isProblem(error) ? error.code : error,
        });
        return { found: [], away: [name] };
      }
    }),
  );
  return { found: answers.flatMap(({ found }) => found), away: answers.flatMap(({ away }) => away) };
}

/** @throws Problem has-dependents | dependency-unavailable */
export function refuseDependents({ found, away }: Dependents): void {
  if (found.length > 0)
    throw problem('has-dependents', { dependents: found.map((each) => ({ ...each, ids: each.ids.slice(0, 20) })) });
  const [dependency] = away;
  if (dependency !== undefined) {
    throw problem(
      'dependency-unavailable',
      { dependency },
      'It stays in deletion and is finished, one way or the other, when that context answers.',
    );
  }
}
