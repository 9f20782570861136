import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Import } from '@sentral/contracts/inventory/import';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { judged } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { defaultLimits } from './change-set.js';
import { toImport } from './row.js';
import { lockImport, putChunk, type ImportRow } from './sql.js';

/**
 * Adds the next piece of the file; the same ordinal again is the same piece.
 * @throws Problem not-found, state-conflict, content-too-large
 */
export async function stageImport(deps: Deps, _caller: Caller, command: Command<'import', 'stage'>): Promise<Import> {
  const id = decodeId('imp', command.id);
  return judged(
    inTransaction(deps.db.app, async (tx) => {
      const bytes = Buffer.byteLength(command.content);
      const row = await lockStaging(tx, id);
      if (row.bytes + bytes > defaultLimits.fileBytes) {
        throw problem(
          'content-too-large',
          { maxBytes: defaultLimits.fileBytes },
          `The file is larger than ${defaultLimits.fileBytes} bytes; nothing of it is taken over.`,
        );
      }
      await putChunk(tx, { importId: id, ordinal: command.ordinal, content: command.content, bytes });
      return toImport(await lockStaging(tx, id));
    }),
  );
}

/** The import under lock, while its file may still be added to. */
export async function lockStaging(tx: Tx, id: string): Promise<ImportRow> {
  const row = await lockImport(tx, id);
  if (row === undefined) throw problem('not-found', { resourceType: 'import' });
  if (row.state !== 'staging') throw problem('state-conflict', { state: row.state, allowed: ['staging'] });
  return row;
}
