import type { Caller } from '@sentral/contracts/contract';
import { platformScopeId } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { scopeUuid } from '../projection/sql.js';
import { listQuotaUse } from '../quota/sql.js';
import { expectVisible } from './visible.js';

type Use = Result<'usage', 'now'>['own'][number];

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
  const rows = await listQuotaUse(deps.db.platform, scopeUuid(command.scopeId));
  const shown = (own: boolean) =>
    rows
      .filter((row) => row.own === own)
      .map((row): Use => ({
        scopeId: wireScope(row.kind, row.scopeId),
        dimension: row.dimension,
        used: row.used,
        ...(row.cap === null ? {} : { limit: row.cap }),
        overBy: row.overBy,
      }));
  return { own: shown(true), children: shown(false) };
}

/** The id of a scope on the wire. */
export function wireScope(kind: string, uuid: string): Use['scopeId'] {
  if (kind === 'platform') return platformScopeId;
  return encodeId(kind === 'tenant' ? 'tnt' : kind === 'project' ? 'prj' : 'env', uuid);
}
