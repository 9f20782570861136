import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { DeadLetter } from '@sentral/contracts/task/trouble';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Deps } from '../deps.js';
import { actorOf } from '../task/ask.js';
import { toLetter } from './resource.js';
import { recordLetter } from './told.js';
import { findLetter, lockLetter, resolveLetter, type LetterRow } from './sql.js';

/**
 * A person has settled a letter, in one transaction with what that takes. Asked again it is the same; the other way is refused.
 * @throws Problem not-found | state-conflict
 */
export function settle(
  deps: Deps,
  caller: Caller,
  to: {
    readonly id: string;
    readonly note?: string | undefined;
    readonly state: 'redriven' | 'discarded';
    readonly does?: (tx: Tx, letter: LetterRow) => Promise<void>;
  },
): Promise<DeadLetter> {
  return inChange(deps, caller, async (tx) => {
    const id = decodeId('dlt', to.id);
    const letter = await lockLetter(tx, id);
    if (letter === undefined) throw problem('not-found', { resourceType: 'deadLetter' });
    if (letter.state === to.state) return toLetter(letter);
    if (letter.state !== 'open') throw problem('state-conflict', { state: letter.state, allowedStates: ['open'] });
    await to.does?.(tx, letter);
    await resolveLetter(tx, id, { state: to.state, actor: actorOf(caller), note: to.note ?? null });
    const after = (await findLetter(tx, id)) ?? letter;
    await recordLetter(tx, caller, { before: letter, after, state: to.state });
    return toLetter(after);
  });
}
