import type { Caller } from '@sentral/contracts/contract';
import type { Tx } from '@sentral/kernel/database';
import { recordSettled } from '../settled.js';
import { toLetter } from './resource.js';
import type { LetterRow } from './sql.js';

/** What stood in it is its tenant's and may be long: the record has all but that. */
const told = (row: LetterRow) => {
  const { body: _, raw: __, ...letter } = toLetter(row);
  return letter;
};

export const recordLetter = (
  tx: Tx,
  caller: Caller,
  letter: { readonly before: LetterRow; readonly after: LetterRow; readonly state: 'redriven' | 'discarded' },
): Promise<void> =>
  recordSettled(tx, caller, {
    what: `deadLetter.${letter.state}`,
    id: letter.after.id,
    before: told(letter.before),
    after: told(letter.after),
    note: letter.after.note,
  });
