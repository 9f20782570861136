import { verifyExport, type VerifiedExport } from '@sentral/contracts/audit-export';
import { parseNoteKey, type NoteKey } from '@sentral/contracts/audit-note';
import { directorySink } from '../export/directory.js';

/** Checkpoints that were kept outside, oldest first, and the key that opens them. */
export interface Outside {
  readonly notes: readonly string[];
  readonly key?: NoteKey;
}

/**
 * Tells whether an export is whole, unchanged and what the key has signed, by the files in a directory alone.
 * @throws Error when the key is not `<name>+<id>+<base64>`, or there is no manifest
 */
export async function verifyExportIn(directory: string, keyText: string): Promise<VerifiedExport> {
  const key = await parseNoteKey(keyText);
  if (key === undefined) throw new Error('the key is not <name>+<id>+<base64>');
  return verifyExport(directorySink(directory).get, key);
}

/**
 * Reads what an operator has kept: signed notes one after another, or lines of a process's log, of which those that hold a checkpoint count.
 * @throws Error when the text holds none, or the key is not `<name>+<id>+<base64>`
 */
export async function readOutside(text: string, keyText: string): Promise<Outside> {
  const key = await parseNoteKey(keyText);
  if (key === undefined) throw new Error('the key is not <name>+<id>+<base64>');
  const logged = text.split('\n').flatMap((line) => {
    if (!line.includes('"auditCheckpoint"')) return [];
    const { auditCheckpoint } = JSON.parse(line) as { auditCheckpoint?: { note?: string } };
    return auditCheckpoint?.note ?? [];
  });
  const notes = logged.length > 0 ? logged : (text.match(/(?:[^\n]+\n)+\n(?:— [^\n]+\n)+/g) ?? []);
  if (notes.length === 0) throw new Error('the file holds no checkpoint');
  return { notes, key };
}
