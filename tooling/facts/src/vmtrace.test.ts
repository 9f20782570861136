import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { batchesOf, leavingTogether, machinesOf, peakOf, sizesOf } from './vmtrace.js';

const fixture = (name: string): string => readFileSync(new URL(`../../../fixtures/${name}`, import.meta.url), 'utf8');
const csv = fixture('vmtrace/azure-v1-dev-first-2h.csv');

test('machines, batches and the peak of the trace are those that the checker computes', () => {
  const want = JSON.parse(fixture('expected/vmtrace-azure-v1-dev-2h.json')) as {
    requests: number;
    batches: number;
    largestBatch: number;
    peak: { cores: { value: number }; memMiB: { value: number } };
    leftAfterLastDeparture: { cores: number; memMiB: number; vms: number };
  };
  const machines = machinesOf(csv, Infinity);
  const batches = batchesOf(machines);
  const left = leavingTogether(machines).find(([first]) => first?.departure === Infinity) ?? [];
  expect([machines.length, batches.length, Math.max(...batches.map(({ length }) => length))]).toEqual([
    want.requests,
    want.batches,
    want.largestBatch,
  ]);
  expect(peakOf(machines)).toEqual({ cores: want.peak.cores.value, memMiB: want.peak.memMiB.value });
  expect({ ...sizesOf(left), vms: left.length }).toEqual(want.leftAfterLastDeparture);
  expect(machinesOf(csv, 1).every(({ arrival }) => arrival === machines[0]?.arrival)).toBe(true);
  expect(() => machinesOf('id,batch\n1,2', 1)).toThrow(/head/);
});
