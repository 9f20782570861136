import { emptyRange, extended, recordLeaf, rootOf, type Subtree } from '@sentral/contracts/audit-proof';
import { expect, test } from 'vitest';
import { extendedBy, leafOf, rootOfRange } from './hashing.js';

test('leaves, subtrees and roots are those of the reference, for every size up to 300', async () => {
  const records = Array.from({ length: 300 }, (_, n) => ({ n, text: 'ß€😀', nested: { b: [1, null], a: 1e21 } }));
  const leaves = await Promise.all(records.map((record) => recordLeaf(record)));
  expect(records.map((record) => leafOf(record))).toEqual(leaves);
  expect(rootOfRange(emptyRange)).toEqual(await rootOf(emptyRange));
  let [ours, theirs] = [emptyRange, emptyRange];
  const [closed, wanted]: [Subtree[], Subtree[]] = [[], []];
  for (const leaf of leaves) {
    ours = extendedBy(ours, [leaf], (subtree) => closed.push(subtree));
    theirs = await extended(theirs, [leaf], (subtree) => wanted.push(subtree));
    expect(rootOfRange(ours)).toEqual(await rootOf(theirs));
  }
  expect(ours).toEqual(theirs);
  expect(closed).toEqual(wanted);
  expect(extendedBy(emptyRange, leaves)).toEqual(ours);
});
