import type { Caller } from '@sentral/contracts/contract';
import { platformScopeId } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { scopeUuid } from '@sentral/kernel/scopes/view';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listChildUse, listOwnUse } from '../quota/sql.js';
import { expectVisible } from './visible.js';

type Use = Result<'usage', 'now'>['own'][number];

/** Counters of children in one answer: a child tells of its own when it is asked. */
const childrenMax = 2_000;

/**
 * What a scope uses of each dimension now, with its limits, and where the use sits.
 * @throws Problem not-found
 */
export async function usageNow(
  deps: Deps,
  caller: Caller,
  command: Command<'usage', 'now'>,
): Promise<Result<'usage', 'now'>> {
  await expectVisible(deps, caller, command.scopeId);
  const id = scopeUuid(command.scopeId);
  const own = await listOwnUse(deps.db.platform, id);
  const below = await listChildUse(deps.db.platform, id, childrenMax + 1);
  return {
    own: own.map(toUse),
    children: below.slice(0, childrenMax).map(toUse),
    ...(below.length > childrenMax ? { childrenCut: true } : {}),
  };
}

const toUse = (row: Awaited<ReturnType<typeof listOwnUse>>[number]): Use => ({
  scopeId: wireScope(row.kind, row.scopeId),
  dimension: row.dimension,
  used: row.used,
  ...(row.cap === null ? {} : { limit: row.cap }),
  overBy: row.overBy,
});

/** The id of a scope on the wire. */
export function wireScope(kind: string, uuid: string): Use['scopeId'] {
  if (kind === 'platform') return platformScopeId;
  return encodeId(kind === 'tenant' ? 'tnt' : kind === 'project' ? 'prj' : 'env', uuid);
}
