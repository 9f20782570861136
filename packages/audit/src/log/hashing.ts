import type { CompactRange, Hash, Subtree } from '@sentral/contracts/audit-proof';
import { canonicalJson } from '@sentral/contracts/canonical-json';
import { createHash } from 'node:crypto';

// The hashes of `audit-proof` by node:crypto, which has no promise for each of them: whoever hashes a log of millions is done in a fraction of
// the time. hashing.test.ts holds the two to each other.

const [leafPrefix, nodePrefix] = [Uint8Array.of(0), Uint8Array.of(1)];

const hashOf = (prefix: Uint8Array, ...parts: readonly (string | Uint8Array)[]): Hash => {
  const hash = createHash('sha256').update(prefix);
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

/** The leaf of a record of a log. */
export const leafOf = (record: object): Hash => hashOf(leafPrefix, canonicalJson(record));

/** The range with these leaves after it; `closed` hears of every subtree that they complete. */
export function extendedBy(
  range: CompactRange,
  leaves: readonly Hash[],
  closed?: (subtree: Subtree) => void,
): CompactRange {
  const stack = [...range.stack];
  let size = range.size;
  for (const leaf of leaves) {
    let hash = leaf;
    let index = size;
    for (let height = 1; index % 2 === 1; height += 1) {
      index = (index - 1) / 2;
      hash = hashOf(nodePrefix, stack.pop() as Hash, hash);
      closed?.({ height, index, hash });
    }
    stack.push(hash);
    size += 1;
  }
  return { size, stack };
}

/** The root of the tree. */
export function rootOfRange({ stack }: CompactRange): Hash {
  return (
    stack.reduceRight<Hash | undefined>(
      (root, left) => (root === undefined ? left : hashOf(nodePrefix, left, root)),
      undefined,
    ) ?? hashOf(new Uint8Array())
  );
}
