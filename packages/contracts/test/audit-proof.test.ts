import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  consistencySpans,
  emptyRange,
  equalHashes,
  extended,
  inclusionSpans,
  leafHash,
  nodeHash,
  recordLeaf,
  rootOf,
  rootOfLeaves,
  rootOfRun,
  runSpans,
  verifyConsistency,
  verifyInclusion,
  type Hash,
  type Span,
} from '../src/audit-proof.js';
import { canonicalJson } from '../src/canonical-json.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'hex'));

// The entries and roots of the reference tree that implementations of RFC 6962 share (certificate-transparency-go, merkletree tests).
const entries = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** RFC 6962 section 2.1 as it is written: slow, and too simple to be wrong in the same way. */
function reference(leaves: readonly Hash[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return createHash('sha256').digest();
  if (leaves.length === 1) return Buffer.from(only);
  const k = 2 ** Math.floor(Math.log2(leaves.length - 1));
  const inner = Buffer.concat([Buffer.of(1), reference(leaves.slice(0, k)), reference(leaves.slice(k))]);
  return createHash('sha256').update(inner).digest();
}

const made = (size: number): Promise<Hash[]> =>
  Promise.all(Array.from({ length: size }, (_, at) => leafHash(new TextEncoder().encode(`leaf ${at}`))));
const proofOf = (leaves: readonly Hash[], spans: readonly Span[]): Promise<Hash[]> =>
  Promise.all(spans.map(({ start, end }) => rootOfLeaves(leaves.slice(start, end))));
const flipped = (hash: Hash, at: number): Hash => hash.map((byte, place) => (place === at % 32 ? byte ^ 1 : byte));

test('the empty tree and the reference trees have the roots of RFC 6962', async () => {
  expect(hex(await rootOf(emptyRange))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  const leaves = await Promise.all(entries.map((entry) => leafHash(bytes(entry))));
  for (const [at, root] of roots.entries()) expect(hex(await rootOfLeaves(leaves.slice(0, at + 1)))).toBe(root);
});

test('a tree that grows in any steps has the root of the whole, and tells of every subtree that it completes', async () => {
  const leaves = await made(300);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(90), { maxLength: 6 }), async (steps) => {
      let range = emptyRange;
      const told: { height: number; index: number; hash: string }[] = [];
      for (const step of steps) {
        const next = leaves.slice(range.size, Math.min(range.size + step, 300));
        range = await extended(range, next, (each) => told.push({ ...each, hash: hex(each.hash) }));
      }
      expect(hex(await rootOf(range))).toBe(reference(leaves.slice(0, range.size)).toString('hex'));
      expect(range.stack.length).toBe(range.size.toString(2).replaceAll('0', '').length);
      for (const { height, index, hash } of told) {
        const width = 2 ** height;
        expect(hash).toBe(reference(leaves.slice(index * width, (index + 1) * width)).toString('hex'));
      }
      let complete = 0;
      for (let width = 2; width <= range.size; width *= 2) complete += Math.floor(range.size / width);
      expect(told.length).toBe(complete);
    }),
    { numRuns: 40 },
  );
});

describe('inclusion', () => {
  test('every leaf of every tree up to 26 is proven, at its place and nowhere else', async () => {
    const all = await made(26);
    for (let size = 1; size <= 26; size += 1) {
      const leaves = all.slice(0, size);
      const root = await rootOfLeaves(leaves);
      for (let index = 0; index < size; index += 1) {
        const claim = { leaf: leaves[index] as Hash, index, size, root };
        const proof = await proofOf(leaves, inclusionSpans(index, size));
        expect(await verifyInclusion({ ...claim, proof })).toBe(true);
        if (size > 1) {
          expect(await verifyInclusion({ ...claim, proof, index: (index + 1) % size })).toBe(false);
          expect(await verifyInclusion({ ...claim, proof: proof.slice(1) })).toBe(false);
        }
        expect(await verifyInclusion({ ...claim, proof: [...proof, root] })).toBe(false);
      }
    }
  });

  test('a bit anywhere in leaf, root or proof is seen', async () => {
    const all = await made(200);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 200 }), fc.nat(), fc.nat(31), async (size, any, bit) => {
        const index = any % size;
        const leaves = all.slice(0, size);
        const proof = await proofOf(leaves, inclusionSpans(index, size));
        const claim = { leaf: leaves[index] as Hash, index, size, proof, root: await rootOfLeaves(leaves) };
        expect(await verifyInclusion(claim)).toBe(true);
        expect(await verifyInclusion({ ...claim, leaf: flipped(claim.leaf, bit) })).toBe(false);
        expect(await verifyInclusion({ ...claim, root: flipped(claim.root, bit) })).toBe(false);
        const place = any % proof.length;
        const bad = proof.map((hash, at) => (at === place ? flipped(hash, bit) : hash));
        expect(await verifyInclusion({ ...claim, proof: bad })).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test('what cannot be in a tree is refused, and never proven', async () => {
    const leaf = await leafHash(new Uint8Array());
    for (const [index, size] of [
      [0, 0],
      [3, 3],
      [-1, 3],
      [0.5, 3],
      [0, Number.NaN],
    ] as const) {
      expect(() => inclusionSpans(index, size)).toThrow(RangeError);
      expect(await verifyInclusion({ leaf, index, size, proof: [], root: leaf })).toBe(false);
    }
  });
});

describe('consistency', () => {
  test('every tree up to 24 is the beginning of every later one, by a proof that fits nothing else', async () => {
    const all = await made(24);
    const rootAt = await Promise.all(Array.from({ length: 25 }, (_, size) => rootOfLeaves(all.slice(0, size))));
    for (let second = 0; second <= 24; second += 1) {
      for (let first = 0; first <= second; first += 1) {
        const proof = await proofOf(all, consistencySpans(first, second));
        const claim = { first, second, proof, firstRoot: rootAt[first] as Hash, secondRoot: rootAt[second] as Hash };
        expect(await verifyConsistency(claim), `${first} in ${second}`).toBe(true);
        expect(await verifyConsistency({ ...claim, firstRoot: flipped(claim.firstRoot, second) })).toBe(false);
        expect(await verifyConsistency({ ...claim, proof: [...proof, claim.firstRoot] })).toBe(false);
        if (first === 0) continue;
        expect(await verifyConsistency({ ...claim, secondRoot: flipped(claim.secondRoot, first) })).toBe(false);
        if (proof.length > 0) expect(await verifyConsistency({ ...claim, proof: proof.slice(0, -1) })).toBe(false);
      }
    }
  });

  test('a history with one leaf changed, one removed or two swapped is not the same beginning', async () => {
    const all = await made(120);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 100 }), fc.nat(), async (first, any) => {
        const place = any % (first - 1);
        const [one, two] = [all[place] as Hash, all[place + 1] as Hash];
        const forgeries = [
          all.with(place, flipped(one, any)),
          all.toSpliced(place, 1),
          all.with(place, two).with(place + 1, one),
        ];
        const firstRoot = await rootOfLeaves(all.slice(0, first));
        for (const forged of forgeries) {
          const second = forged.length;
          const proof = await proofOf(forged, consistencySpans(first, second));
          const secondRoot = await rootOfLeaves(forged);
          expect(await verifyConsistency({ first, second, firstRoot, secondRoot, proof })).toBe(false);
        }
      }),
      { numRuns: 25 },
    );
  });

  test('what cannot be a beginning is refused', async () => {
    const root = await rootOf(emptyRange);
    for (const [first, second] of [
      [2, 1],
      [-1, 1],
      [0.5, 1],
    ] as const) {
      expect(() => consistencySpans(first, second)).toThrow(RangeError);
      expect(await verifyConsistency({ first, second, firstRoot: root, secondRoot: root, proof: [] })).toBe(false);
    }
  });
});

describe('canonical JSON', () => {
  test('is that of the example of RFC 8785', () => {
    const value = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA'B\\"\\\\\\\\\\"/"}`,
    );
  });

  test('sorts by UTF-16 code units, as the second example of RFC 8785 does', () => {
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6'];
    const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'];
    expect(Object.keys(JSON.parse(canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])))) as object)).toEqual([
      '1',
      ...sorted.filter((key) => key !== '1'),
    ]);
    expect(canonicalJson({ b: 1, a: undefined, c: [undefined] })).toBe('{"b":1,"c":[null]}');
  });

  test('is the same after a trip through JSON, whatever the order of members', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (value) => {
        const shuffled = Object.fromEntries(Object.entries(value).toReversed());
        expect(await recordLeaf(JSON.parse(JSON.stringify(shuffled)) as object)).toEqual(await recordLeaf(value));
      }),
    );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, '\ud800', { '\udfff': 1 }, 1n, undefined])(
    'does not exist for %s',
    (value) => {
      expect(() => canonicalJson(value)).toThrow(TypeError);
    },
  );
});

test('a node is not a leaf, and hashes are compared whole', async () => {
  const [a, b] = [await leafHash(Uint8Array.of(1)), await leafHash(Uint8Array.of(2))];
  const both = new Uint8Array([...a, ...b]);
  expect(equalHashes(await nodeHash(a, b), await leafHash(both))).toBe(false);
  expect(equalHashes(a, a.slice(0, 31))).toBe(false);
});

test('any run of leaves gives the root by the hashes beside it; another leaf, hash, place or size does not', async () => {
  for (const size of [1, 2, 5, 8, 13]) {
    const leaves = await made(size);
    const root = hex(await rootOfLeaves(leaves));
    for (let start = 0; start < size; start += 1)
      for (let end = start + 1; end <= size; end += 1) {
        const hashes = await proofOf(leaves, runSpans({ start, end }, size));
        const run = { start, leaves: leaves.slice(start, end), size, hashes };
        const says = async (changes: Partial<typeof run>) =>
          hex((await rootOfRun({ ...run, ...changes })) ?? bytes(''));
        expect(await says({})).toBe(root);
        expect(await says({ leaves: [flipped(run.leaves[0] as Hash, end), ...run.leaves.slice(1)] })).not.toBe(root);
        if (hashes[0] !== undefined)
          expect(await says({ hashes: [flipped(hashes[0], start), ...hashes.slice(1)] })).not.toBe(root);
        expect(await says({ hashes: [...hashes, leaves[0] as Hash] })).toBe('');
        expect(await says({ start: start + 1 })).not.toBe(root);
      }
  }
  expect(() => runSpans({ start: 3, end: 3 }, 5)).toThrow(RangeError);
  expect(() => runSpans({ start: 3, end: 6 }, 5)).toThrow(RangeError);
});
