import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Node } from '@sentral/contracts/inventory/node';
import { problem } from '@sentral/contracts/problem';
import { changedKeys } from '@sentral/kernel/change';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { conceal, page, readCursor, sightOf } from '../reading.js';
import { findNode } from './sql.js';
import { listVersions, type NodeVersionRow } from './history-sql.js';

/**
 * The versions of a node that the caller sees, the newest first, retired ones too. Whose an older version was by what it lay in
 * is not known any more: who does not see everything sees the newest and those that say an owner whom it sees.
 * @throws Problem not-found, invalid-cursor
 */
export async function historyOfNode(
  deps: Deps,
  caller: Caller,
  command: Command<'node', 'history'>,
): Promise<Result<'node', 'history'>> {
  const before = readCursor(command.cursor, ['number'])?.[0] as number | undefined;
  const id = decodeId('nod', command.id);
  const sight = sightOf(caller);
  const node = await findNode(deps.db.platform, sight, id);
  if (node === undefined) throw problem('not-found', { resourceType: 'node' });
  const rows = await listVersions(deps.db.platform, {
    id,
    before: before ?? null,
    newest: node.version,
    seen:
      sight === 'everything'
        ? null
        : { tenantIds: sight.tenants.map((tenant) => encodeId('tnt', tenant)), shared: sight.shared },
    limit: command.limit + 1,
  });
  const found = page(rows, command.limit, { item: toVersion, keys: (row) => [row.version] });
  const nodes = await conceal(
    deps.db.platform,
    sight,
    found.items.map((item) => item.node),
  );
  return { ...found, items: found.items.map((item, at) => ({ ...item, node: nodes[at] ?? item.node })) };
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
