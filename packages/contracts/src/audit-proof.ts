import { canonicalJson } from './canonical-json.js';

// Hash trees as in RFC 6962 section 2.1, verified as in RFC 9162 section 2.1. On WebCrypto alone, so that whoever holds an
// export and a checkpoint can check them with this package and nothing else.

/** SHA-256, 32 bytes. */
export type Hash = Uint8Array<ArrayBuffer>;

const utf8 = new TextEncoder();

/** SHA-256 of bytes. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Hash> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

/** The hash of a leaf: SHA-256(0x00 || data). */
export function leafHash(data: Uint8Array): Promise<Hash> {
  const bytes = new Uint8Array(data.length + 1);
  bytes.set(data, 1);
  return sha256(bytes);
}

/** The leaf of a record of a log: the leaf hash of its canonical JSON. */
export const recordLeaf = (record: object): Promise<Hash> => leafHash(utf8.encode(canonicalJson(record)));

/** The hash of an inner node: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Promise<Hash> {
  const bytes = new Uint8Array(65);
  bytes[0] = 1;
  bytes.set(left, 1);
  bytes.set(right, 33);
  return sha256(bytes);
}

/** Tells whether two hashes are the same. */
export const equalHashes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

/** All that growing a tree needs of the leaves so far: the roots of its complete subtrees, the largest first. */
export interface CompactRange {
  readonly size: number;
  readonly stack: readonly Hash[];
}

export const emptyRange: CompactRange = { size: 0, stack: [] };

/** A complete subtree of 2^height leaves, the `index`-th of its height. */
export interface Subtree {
  readonly height: number;
  readonly index: number;
  readonly hash: Hash;
}

/** The range with these leaves after it; `closed` hears of every subtree that they complete, leaves not counted. */
export async function extended(
  range: CompactRange,
  leaves: readonly Hash[],
  closed?: (subtree: Subtree) => void,
): Promise<CompactRange> {
  const stack = [...range.stack];
  let size = range.size;
  for (const leaf of leaves) {
    let hash = leaf;
    let index = size;
    for (let height = 1; index % 2 === 1; height += 1) {
      index = (index - 1) / 2;
      hash = await nodeHash(stack.pop() as Hash, hash);
      closed?.({ height, index, hash });
    }
    stack.push(hash);
    size += 1;
  }
  return { size, stack };
}

/** The root of the tree; that of no leaves is the hash of nothing. */
export async function rootOf({ stack }: CompactRange): Promise<Hash> {
  let root = stack.at(-1);
  if (root === undefined) return sha256(new Uint8Array());
  for (const left of stack.slice(0, -1).toReversed()) root = await nodeHash(left, root);
  return root;
}

/** The root over these leaves. */
export const rootOfLeaves = async (leaves: readonly Hash[]): Promise<Hash> =>
  rootOf(await extended(emptyRange, leaves));

/** The leaves from `start` up to but without `end`; their root is one hash of a proof. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The largest power of two below n. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/**
 * What the inclusion proof of a leaf is made of, from the leaf up: PATH of RFC 6962 section 2.1.1.
 * @throws RangeError when the leaf is not in the tree
 */
export function inclusionSpans(index: number, size: number): readonly Span[] {
  if (!whole(index) || !whole(size) || index >= size) throw new RangeError('the leaf is not in the tree');
  const spans: Span[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + split(end - start);
    if (index < middle) {
      spans.push({ start: middle, end });
      end = middle;
    } else {
      spans.push({ start, end: middle });
      start = middle;
    }
  }
  return spans.toReversed();
}

/**
 * What the proof is made of that the tree of `first` leaves is the beginning of that of `second`: PROOF of RFC 6962 section 2.1.2.
 * @throws RangeError unless 0 <= first <= second
 */
export function consistencySpans(first: number, second: number): readonly Span[] {
  if (!whole(first) || !whole(second) || first > second) throw new RangeError('the first tree is not in the second');
  if (first === 0 || first === second) return [];
  const spans: Span[] = [];
  let [start, end] = [0, second];
  while (end !== first) {
    const middle = start + split(end - start);
    if (first <= middle) {
      spans.push({ start: middle, end });
      end = middle;
    } else {
      spans.push({ start, end: middle });
      start = middle;
    }
  }
  // The old root itself is known to the verifier where it is one complete subtree.
  if (start > 0) spans.push({ start, end });
  return spans.toReversed();
}

/**
 * What the proof of a run of leaves is made of, from the left: every subtree beside the run. With the leaves themselves it gives the root.
 * @throws RangeError when the run is not in the tree, or holds nothing
 */
export function runSpans(run: Span, size: number): readonly Span[] {
  if (!whole(run.start) || !whole(size) || run.end > size || !(run.start < run.end))
    throw new RangeError('the run is not in the tree');
  const spans: Span[] = [];
  const walk = (start: number, end: number): void => {
    if (end <= run.start || start >= run.end) return void spans.push({ start, end });
    if (run.start <= start && end <= run.end) return;
    const middle = start + split(end - start);
    walk(start, middle);
    walk(middle, end);
  };
  walk(0, size);
  return spans;
}

/** The root of the tree of this size in which the leaves stand from `start` on, by the hashes beside them; undefined when these do not fit. */
export async function rootOfRun({
  start,
  leaves,
  size,
  hashes,
}: {
  readonly start: number;
  readonly leaves: readonly Hash[];
  readonly size: number;
  readonly hashes: readonly Hash[];
}): Promise<Hash | undefined> {
  const end = start + leaves.length;
  if (!whole(start) || !whole(size) || end > size || leaves.length === 0) return undefined;
  let next = 0;
  const walk = async (from: number, to: number): Promise<Hash | undefined> => {
    if (to <= start || from >= end) return hashes[next++];
    if (start <= from && to <= end) return rootOfLeaves(leaves.slice(from - start, to - start));
    const middle = from + split(to - from);
    const left = await walk(from, middle);
    const right = await walk(middle, to);
    return left === undefined || right === undefined ? undefined : nodeHash(left, right);
  };
  const root = await walk(0, size);
  return next === hashes.length ? root : undefined;
}

const whole = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;
const odd = (n: number): boolean => n % 2 === 1;
const half = (n: number): number => Math.floor(n / 2);

export interface Inclusion {
  readonly leaf: Hash;
  readonly index: number;
  readonly size: number;
  readonly proof: readonly Hash[];
  readonly root: Hash;
}

/** Tells whether the leaf stands at this index in the tree of this size and root: RFC 9162 section 2.1.3.2. */
export async function verifyInclusion({ leaf, index, size, proof, root }: Inclusion): Promise<boolean> {
  if (!whole(index) || !whole(size) || index >= size) return false;
  let [fn, sn, hash] = [index, size - 1, leaf];
  for (const part of proof) {
    if (sn === 0) return false;
    if (odd(fn) || fn === sn) {
      hash = await nodeHash(part, hash);
      while (!odd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else hash = await nodeHash(hash, part);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equalHashes(hash, root);
}

export interface Consistency {
  readonly first: number;
  readonly second: number;
  readonly firstRoot: Hash;
  readonly secondRoot: Hash;
  readonly proof: readonly Hash[];
}

/** Tells whether the first tree is the beginning of the second, so that nothing was taken out or changed: RFC 9162 section 2.1.4.2. */
export async function verifyConsistency(claim: Consistency): Promise<boolean> {
  const { first, second, firstRoot, secondRoot, proof } = claim;
  if (!whole(first) || !whole(second) || first > second) return false;
  if (first === second) return proof.length === 0 && equalHashes(firstRoot, secondRoot);
  // Every tree begins with the empty one.
  if (first === 0) return proof.length === 0 && equalHashes(firstRoot, await rootOf(emptyRange));
  const complete = Number.isInteger(Math.log2(first));
  const [seed, ...rest] = complete ? [firstRoot, ...proof] : proof;
  if (seed === undefined || (complete && proof.length === 0)) return false;
  let [fn, sn] = [first - 1, second - 1];
  while (odd(fn)) [fn, sn] = [half(fn), half(sn)];
  let [before, after] = [seed, seed];
  for (const part of rest) {
    if (sn === 0) return false;
    if (odd(fn) || fn === sn) {
      [before, after] = [await nodeHash(part, before), await nodeHash(part, after)];
      while (!odd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else after = await nodeHash(after, part);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equalHashes(before, firstRoot) && equalHashes(after, secondRoot);
}
