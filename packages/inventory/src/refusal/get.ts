import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Refusal } from '@sentral/contracts/inventory/refusal';
import { problem } from '@sentral/contracts/problem';
import { query } from '@sentral/kernel/page';
import type { Deps } from '../deps.js';
import { allocationSeen, readingAs } from '../reading.js';
import { isKept, selectRefusal, toRefusal, type RefusalRow } from './resource.js';

/**
 * One refusal of an environment that the caller sees.
 * @throws Problem not-found
 */
export async function getRefusal(deps: Deps, caller: Caller, command: { id: string }): Promise<Refusal> {
  const q = query();
  q.and(`f.id = ${q.value(decodeId('rfs', command.id))}::uuid`);
  q.and(isKept);
  q.and(allocationSeen(q, caller, 'f'));
  const [row] = await readingAs(deps, caller, (on) => on.unsafe(`${selectRefusal} ${q.where()}`, q.params));
  if (row === undefined) throw problem('not-found', { resourceType: 'refusal' });
  return toRefusal(caller, row as unknown as RefusalRow);
}
