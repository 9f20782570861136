import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { KindRow } from '../kind/sql.js';
import { unregistered } from '../trait/sql.js';
import { strangeTraits } from './rules.js';

/**
 * A node has what is registered and what its kind allows.
 * @throws Problem reference-not-found
 */
export async function expectTraits(
  tx: Tx,
  kind: KindRow,
  { traits, pointer }: { traits: readonly string[]; pointer: string },
): Promise<void> {
  const [strange] = [...strangeTraits(kind, traits), ...(await unregistered(tx, traits))];
  if (strange === undefined) return;
  throw problem('reference-not-found', { pointer: `${pointer}/${traits.indexOf(strange)}`, resourceType: 'trait' });
}
