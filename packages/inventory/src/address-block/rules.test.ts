import fc from 'fast-check';
import { expect, test } from 'vitest';
import { prefixesOf, readHost, readNet, sizeOf, subtract, writeHost, writeNet, type Span } from './net.js';
import { availability, edgesOf } from './rules.js';

const net = (cidr: string) => {
  const read = readNet(cidr);
  if (read === undefined) throw new Error(cidr);
  return read;
};
const span = (cidr: string): Span => [net(cidr).first, net(cidr).last];

test('every address that is written is read as the same', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), (value) => readHost(writeHost(4, value))?.value === value),
  );
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
      (value) => readHost(writeHost(6, value))?.value === value,
    ),
  );
});

test('IPv6 is written in its one canonical form', () => {
  const written = (text: string) => writeHost(6, readHost(text)?.value ?? -1n);
  expect(written('2001:0DB8:0:0:0:0:0:1')).toBe('2001:db8::1');
  expect(written('::')).toBe('::');
  expect(written('1:0:0:2:0:0:0:3')).toBe('1:0:0:2::3');
  expect(written('1:0:2:3:4:5:6:7')).toBe('1:0:2:3:4:5:6:7');
  expect(written('::ffff:10.0.0.1')).toBe('::ffff:a00:1');
});

test('what is no address or has bits right of its mask is not read', () => {
  for (const text of ['10.0.0', '10.0.0.256', '01.2.3.4', '1::2::3', '1:2:3', 'g::', ''])
    expect(readHost(text), text).toBe(undefined);
  for (const text of ['10.0.0.1/24', '10.0.0.0/33', '2001:db8::1/64', '10.0.0.0', '10.0.0.0/x'])
    expect(readNet(text), text).toBe(undefined);
});

test('what is taken out and what is left are the whole, and the cut is exact', () => {
  const run = fc
    .tuple(fc.nat(255), fc.nat(40))
    .map(([at, size]): Span => [BigInt(at), BigInt(Math.min(255, at + size))]);
  fc.assert(
    fc.property(fc.array(run, { maxLength: 8 }), (taken) => {
      const left = subtract([0n, 255n], taken);
      const isTaken = (at: bigint) => taken.some(([first, last]) => at >= first && at <= last);
      const isLeft = (at: bigint) => left.some(([first, last]) => at >= first && at <= last);
      for (let at = 0n; at < 256n; at += 1n) expect(isLeft(at)).toBe(!isTaken(at));
      for (const each of left) {
        const blocks = [...prefixesOf(4, each)];
        expect(blocks.reduce((sum, { length }) => sum + 2n ** BigInt(32 - length), 0n)).toBe(sizeOf([each]));
        for (const { first, length } of blocks) expect(readNet(writeNet(4, first, length))).toBeDefined();
      }
    }),
  );
});

test('network and broadcast are not given, but for pools and the smallest prefixes; IPv6 keeps back the first alone', () => {
  const kept = (cidr: string, isPool = false) => Number(sizeOf(edgesOf(net(cidr), isPool)));
  expect([kept('10.0.0.0/29'), kept('10.0.0.0/29', true), kept('10.0.0.0/31'), kept('10.0.0.0/32')]).toEqual([
    2, 0, 0, 0,
  ]);
  expect([kept('2001:db8::/64'), kept('2001:db8::/64', true), kept('2001:db8::/127'), kept('2001:db8::/128')]).toEqual([
    1, 0, 0, 0,
  ]);
});

test('addresses in child prefixes count as free and are not offered; ranges and held hosts are neither; a utilized prefix has none', () => {
  const content = {
    isPool: false,
    markUtilized: false,
    held: [span('10.0.0.1/32')],
    ranges: [span('10.0.0.8/30')],
    children: [span('10.0.0.16/28')],
  };
  const asked = { addressLimit: 2, blockLimit: 5, prefixLength: 26 };
  expect(availability(net('10.0.0.0/26'), content, asked)).toEqual({
    usableAddresses: '62',
    usedAddresses: '1',
    availableAddresses: '57',
    firstAvailable: '10.0.0.2',
    availableOutsideChildren: '41',
    nextAddresses: ['10.0.0.2', '10.0.0.3'],
    freeBlocks: 2,
    largestFreePrefixLength: 27,
    firstFreeBlock: '10.0.0.0/28',
    nextBlocks: ['10.0.0.0/28', '10.0.0.32/27'],
  });
  const full = availability(net('10.0.0.0/26'), { ...content, markUtilized: true }, asked);
  expect([full.availableAddresses, full.nextAddresses, full.firstAvailable]).toEqual(['0', [], undefined]);
});
