// The files of exports, as they lie in the database. Nothing here locks: who writes them has locked the export.
import type { ExportFile } from '@sentral/contracts/audit-export';
import type { Tx } from '@sentral/kernel/database';
import type { On } from '../reading.js';

const columns = 'name, lines as count, length(content) as bytes, sha256';

export async function insertFile(tx: Tx, exportId: string, file: ExportFile, content: Uint8Array): Promise<void> {
  await tx.unsafe(
    'insert into audit.export_file (export_id, name, lines, sha256, content) values ($1, $2, $3, $4, $5)',
    [exportId, file.name, file.count, file.sha256, content],
  );
}

/** In the order of their names, which is that of the parts of a kind. */
export async function listFiles(on: On, exportId: string): Promise<readonly ExportFile[]> {
  const rows = await on.unsafe(`select ${columns} from audit.export_file where export_id = $1 order by name`, [
    exportId,
  ]);
  return rows as unknown as readonly ExportFile[];
}

/** A piece of a file; the whole is never in memory. */
export async function findPiece(
  on: On,
  exportId: string,
  { name, offset, length }: { readonly name: string; readonly offset: number; readonly length: number },
): Promise<{ readonly file: ExportFile; readonly content: Buffer } | undefined> {
  const [row] = await on.unsafe(
    `select ${columns}, substring(content from $3::int + 1 for $4::int) as piece from audit.export_file where export_id = $1 and name = $2`,
    [exportId, name, offset, length],
  );
  if (row === undefined) return undefined;
  const { piece, ...file } = row;
  return { file: file as unknown as ExportFile, content: piece as Buffer };
}
