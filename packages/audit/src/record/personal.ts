import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { isKeyMissing, unboxed, type Personal } from '../seal.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs, type On } from '../reading.js';
import { nobody, opened } from '../subject/keys.js';
import { listSubjectKeys, type StoredKey } from '../subject/sql.js';
import { uuidOf } from './build.js';
import { findRecord, type RecordRow } from './sql.js';

type Shown = Result<'record', 'personal'>;
type Part = Shown['parts'][number];

/**
 * What is sealed beside a record, as far as it is still there. Whoever shows it has put on record first that it was read.
 * @throws Problem not-found
 */
export async function readPersonal(deps: Deps, caller: Caller, command: Command<'record', 'personal'>): Promise<Shown> {
  const id = decodeId('aud', command.id);
  const row = await readingAs(deps, caller, (on, visible) => findRecord(on, id, visible));
  if (row === undefined) throw problem('not-found', { resourceType: 'auditRecord' });
  // Of all roles the app alone reads keys.
  const [parts = []] = await partsShown(deps, deps.db.app, [row]);
  return { id: command.id, parts };
}

/** What is sealed beside each of these records, in their order; nothing of one that has sealed nothing. */
export async function partsShown(
  deps: Deps,
  on: On,
  rows: readonly Pick<RecordRow, 'record' | 'sealed'>[],
): Promise<readonly Part[][]> {
  const told = rows.map(({ record: { actor, resource, sealed = [] } }) =>
    sealed.map(({ of, digest }) => {
      const subject = uuidOf(of === 'actor' ? actor.id : resource?.id) ?? nobody;
      return { of, digest, subject };
    }),
  );
  const keys = await listSubjectKeys(on, [...new Set(told.flat().map(({ subject }) => subject))]);
  return rows.map((row, at) => (told[at] ?? []).map((part) => partOf(deps, row, { ...part, keys })));
}

function partOf(
  deps: Deps,
  { sealed }: Pick<RecordRow, 'sealed'>,
  { of, digest, subject, keys }: Pick<Part, 'of' | 'digest'> & { subject: string; keys: readonly StoredKey[] },
): Part {
  if (sealed === null) return { of, digest, state: 'redacted' };
  const stored = keys.filter(({ subjectId }) => subjectId === subject);
  if (stored.some(({ wrapped }) => wrapped === null)) return { of, digest, state: 'erased' };
  try {
    const box = sealed.find((each) => each.of === of)?.box ?? '';
    const key = opened(deps.keys.instance, stored).get(subject) ?? Buffer.alloc(32);
    const { salt, fields } = JSON.parse(unboxed(key, box, digest).toString('utf8')) as Personal;
    return { of, digest, state: 'shown', salt, fields: { ...fields } };
  } catch (error) {
    if (isKeyMissing(error)) {
      deps.telemetry.log('error', 'what is sealed cannot be read: the key that wraps its key is not given', { error });
      throw problem('dependency-unavailable');
    }
    return { of, digest, state: 'damaged' };
  }
}
