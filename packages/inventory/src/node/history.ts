import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Node } from '@sentral/contracts/inventory/node';
import { problem } from '@sentral/contracts/problem';
import { changedKeys } from '@sentral/kernel/change';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { page, readCursor, visibleTenants } from '../reading.js';
import { findNode } from './sql.js';
import { listVersions, type NodeVersionRow } from './history-sql.js';

/**
 * The versions of a node, the newest first, retired ones too. A tenant sees the versions in which the node was its own.
 * @throws Problem not-found, invalid-cursor
 */
export async function historyOfNode(
  deps: Deps,
  caller: Caller,
  command: Command<'node', 'history'>,
): Promise<Result<'node', 'history'>> {
  const before = readCursor(command.cursor, ['number'])?.[0] as number | undefined;
  const id = decodeId('nod', command.id);
  const tenants = visibleTenants(caller);
  if ((await findNode(deps.db.platform, id, tenants)) === undefined)
    throw problem('not-found', { resourceType: 'node' });
  const rows = await listVersions(deps.db.platform, {
    id,
    before: before ?? null,
    tenantIds: tenants?.map((tenant) => encodeId('tnt', tenant)) ?? null,
    limit: command.limit + 1,
  });
  return page(rows, command.limit, { item: toVersion, keys: (row) => [row.version] });
}

function toVersion(row: NodeVersionRow) {
  const node = row.state as unknown as Node;
  return {
    version: row.version,
    event: row.type,
    at: row.recordedAt.toISOString(),
    ...(row.principalId === null || row.principalType === null
      ? {}
      : { by: { id: row.principalId, type: row.principalType } }),
    changedFields: changedKeys(row.stateBefore ?? {}, row.state)
      .toSorted()
      .map((key) => `/${key}`),
    node,
  };
}
