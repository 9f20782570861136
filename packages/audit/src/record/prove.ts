import { toBase64 } from '@sentral/contracts/audit-note';
import { inclusionSpans, recordLeaf } from '@sentral/contracts/audit-proof';
import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { findLog } from '../log/sql.js';
import { hashesOf } from '../log/tree.js';
import { readingAs } from '../reading.js';
import { findRecord } from './sql.js';

/**
 * What shows that a record stands in the tree of its log.
 * @throws Problem not-found, invalid-parameter
 */
export async function proveRecord(
  deps: Deps,
  caller: Caller,
  command: Command<'record', 'proof'>,
): Promise<Result<'record', 'proof'>> {
  const id = decodeId('aud', command.id);
  const row = await readingAs(deps, caller, (on, visible) => findRecord(on, id, visible));
  if (row === undefined) throw problem('not-found', { resourceType: 'auditRecord' });
  // The hashes of a log say nothing of what they are of: whoever sees the record may have them.
  const on = deps.db.platform;
  const log = await findLog(on, row.logId);
  const treeSize = command.treeSize ?? log?.size ?? 0;
  if (log === undefined || treeSize <= row.seq || treeSize > log.size)
    throw problem('invalid-parameter', { parameter: 'treeSize', allowed: `${row.seq + 1} to ${log?.size ?? 0}` });
  const [root = '', ...hashes] = await hashesOf(on, log, [
    { start: 0, end: treeSize },
    ...inclusionSpans(row.seq, treeSize),
  ]);
  return {
    id: command.id,
    logId: encodeId('log', log.id),
    index: row.seq,
    treeSize,
    leaf: toBase64(await recordLeaf(row.record)),
    root,
    hashes,
  };
}
