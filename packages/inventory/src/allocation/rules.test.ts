import { encodeId } from '@sentral/contracts/ids';
import type { AllocationRequestItem } from '@sentral/contracts/inventory/allocation';
import { newId } from '@sentral/kernel/id';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byTaking, judgeNode, judgeStep, readItems, thingsMax } from './rules.js';

const nodes = Array.from({ length: 4 }, () => encodeId('nod', newId()));
const blocks = Array.from({ length: 3 }, () => encodeId('blk', newId()));
const domains = Array.from({ length: 3 }, () => encodeId('ndm', newId()));

const item: fc.Arbitrary<AllocationRequestItem> = fc.oneof(
  fc.constantFrom(...nodes).map((nodeId) => ({ what: 'node' as const, nodeId })),
  fc.constantFrom(...blocks).map((blockId) => ({ what: 'address' as const, blockId, count: 1 })),
  fc
    .tuple(fc.constantFrom(...blocks), fc.integer({ min: 24, max: 30 }))
    .map(([blockId, prefixLength]) => ({ what: 'block' as const, blockId, prefixLength, count: 1 })),
  fc
    .tuple(fc.constantFrom(...domains), fc.option(fc.integer({ min: 1, max: 4094 }), { nil: undefined }))
    .map(([domainId, number]) => ({
      what: 'number' as const,
      domainId,
      count: 1,
      ...(number === undefined ? {} : { number }),
    })),
);

const providersOf = (items: readonly AllocationRequestItem[]) => {
  const read = readItems(items, () => undefined);
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  return read.wanted.toSorted(byTaking).map((each) => `${each.what} ${each.providerId}`);
};

test('whatever order a request names things in, they are taken in the same order', () => {
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 20 }), fc.integer(), (items, seed) => {
      const shuffled = items.toSorted(
        (a, b) => ((JSON.stringify(a).length * seed) % 7) - ((JSON.stringify(b).length * seed) % 7),
      );
      expect(providersOf(shuffled)).toEqual(providersOf(items));
    }),
  );
});

test('of one domain the stated numbers are taken before the next free ones', () => {
  const domainId = domains[0] as (typeof domains)[number];
  const read = readItems(
    [
      { what: 'number', domainId, count: 2 },
      { what: 'number', domainId, number: 7, count: 1 },
    ],
    () => undefined,
  );
  if ('faults' in read) throw new Error('it should be read');
  expect(read.wanted.toSorted(byTaking).map((each) => (each.what === 'number' ? each.number : each.what))).toEqual([
    7,
    undefined,
    undefined,
  ]);
});

test('contradictions and too many things are told by pointer', () => {
  const blockId = blocks[0] as (typeof blocks)[number];
  const faultsOf = (items: readonly AllocationRequestItem[]) => {
    const read = readItems(items, () => undefined);
    return 'faults' in read ? read.faults.map((fault) => fault.pointer) : [];
  };
  expect(faultsOf([{ what: 'number', count: 1 }])).toEqual(['/items/0/domainId']);
  expect(faultsOf([{ what: 'block', blockId, count: 1 }])).toEqual(['/items/0/prefixLength']);
  expect(faultsOf([{ what: 'address', blockId, address: '10.0.0.1', count: 2 }])).toEqual(['/items/0/count']);
  expect(faultsOf([{ what: 'number', rangeId: encodeId('rng', newId()), count: 1 }])).toEqual(['/items/0/rangeId']);
  expect(faultsOf(Array.from({ length: 2 }, () => ({ what: 'address' as const, blockId, count: thingsMax })))).toEqual([
    '/items',
  ]);
});

test('only a node in service, available and of an exclusive kind can be given whole', () => {
  const good = { state: 'available', intent: 'in_service', allocMode: 'exclusive' };
  expect(judgeNode(good)).toEqual({ ok: true });
  for (const bad of [{ state: 'failed' }, { intent: 'drain' }, { allocMode: 'none' }])
    expect(judgeNode({ ...good, ...bad }).ok).toBe(false);
});

test('a hold that is over is told apart from one in the wrong state', () => {
  expect(judgeStep({ state: 'held', overdue: false }, ['held'])).toBe('ok');
  expect(judgeStep({ state: 'held', overdue: true }, ['held'])).toBe('lease-expired');
  expect(judgeStep({ state: 'active', overdue: false }, ['held'])).toBe('state-conflict');
});
