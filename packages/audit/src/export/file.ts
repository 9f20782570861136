import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { findPiece } from './file-sql.js';
import { exportSeen } from './get.js';

const pieceBytes = 256 * 1024;

/**
 * A piece of a file of an export that is ready. Whoever shows it has put on record first that it was read.
 * @throws Problem not-found | state-conflict
 */
export async function readExportFile(
  deps: Deps,
  caller: Caller,
  { id, name, offset }: Command<'export', 'file'>,
): Promise<Result<'export', 'file'>> {
  const row = await exportSeen(deps, caller, id);
  if (row.state !== 'ready') throw problem('state-conflict', { state: row.state, allowedStates: ['ready'] });
  const piece = await findPiece(deps.db.platform, row.id, { name, offset, length: pieceBytes });
  if (piece === undefined) throw problem('not-found', { resourceType: 'auditExportFile' });
  const next = offset + piece.content.length;
  return {
    file: piece.file,
    content: piece.content.toString('base64'),
    ...(piece.content.length > 0 && next < piece.file.bytes ? { next } : {}),
  };
}
