import { encodeId } from '@sentral/contracts/ids';
import { uuidOf } from '../record/build.js';
import type { Box } from '../record/sql.js';
import { nobody } from '../subject/keys.js';
import { listAccounted, type On, type RecordRow } from './sql.js';

/**
 * What a record has committed to must lie beside it, unless it is on record who took it away, or the one whom it is about was erased: the leaf stands
 * without it, so nothing else would tell.
 */
export async function sealedThatVanished(
  on: On,
  rows: readonly RecordRow[],
): Promise<readonly { readonly seq: number; readonly what: string }[]> {
  const gone = rows.flatMap(({ seq, record, columns }) => {
    if (record?.sealed === undefined) return [];
    const kept = columns['sealed'] as readonly Box[] | null;
    return record.sealed
      .filter(({ of }) => kept?.some((box) => box.of === of) !== true)
      .map(({ of }) => {
        const subject = uuidOf(of === 'actor' ? record.actor.id : record.resource?.id) ?? nobody;
        return { seq, of, id: uuidOf(record.id) ?? nobody, subject, redacted: kept === null };
      });
  });
  if (gone.length === 0) return [];
  const accounted = await listAccounted(on, {
    records: gone.map(({ id }) => id),
    subjects: gone.map(({ subject }) => subject),
  });
  return gone
    .filter(({ id, subject, redacted }) => !(redacted ? accounted.redacted.has(id) : accounted.erased.has(subject)))
    .map(({ seq, of, id, redacted }) => ({
      seq,
      what: redacted
        ? `what is sealed beside ${encodeId('aud', id)} is gone, and no redaction is on record`
        : `what is said of the ${of} is gone, who was not erased`,
    }));
}
