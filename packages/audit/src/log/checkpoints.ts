import { toBase64 } from '@sentral/contracts/audit-note';
import { inclusionSpans } from '@sentral/contracts/audit-proof';
import type { Caller } from '@sentral/contracts/contract';
import { page, readCursor } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import type { On } from '../reading.js';
import { logSeen } from './get.js';
import { findHeadsLog, listHeads, type HeadRow, type LogRow } from './sql.js';
import { hashesOf } from './tree.js';

/** Each costs a proof; a page of them stays within a few milliseconds. */
const pageMax = 50;

/**
 * Heads of a log, the newest first, each with the signed note that vouches for it and the proof that it stands in there.
 * @throws Problem not-found, invalid-cursor
 */
export async function listCheckpoints(
  deps: Deps,
  caller: Caller,
  command: Command<'log', 'checkpoints'>,
): Promise<Result<'log', 'checkpoints'>> {
  const log = await logSeen(deps, caller, command.id);
  const limit = Math.min(command.limit, pageMax);
  const [before] = readCursor(command.cursor, ['number']) ?? [];
  // The log of heads is everyone's: its hashes say nothing of other tenants.
  const on = deps.db.platform;
  const rows = await listHeads(on, { logId: log.id, before: before as number | undefined, limit: limit + 1 });
  const shown = page(rows, limit, { item: (row) => row, keys: (row) => [row.size] });
  const heads = await findHeadsLog(on);
  const items = [];
  for (const row of shown.items) items.push(await checkpointOf(on, heads, row));
  return { ...shown, items };
}

async function checkpointOf(
  on: On,
  heads: LogRow,
  row: HeadRow,
): Promise<Result<'log', 'checkpoints'>['items'][number]> {
  const { seq: index, size, note, signedSize: treeSize, signedAt } = row;
  const head = { size, root: toBase64(row.root), takenAt: row.takenAt.toISOString(), index };
  if (note === null || treeSize === null || signedAt === null) return head;
  const hashes = [...(await hashesOf(on, heads, inclusionSpans(index, treeSize)))];
  return { ...head, signed: { note, signedAt: signedAt.toISOString(), treeSize, hashes } };
}
