import { expect, test } from 'vitest';
import { shared, sharedBy } from './shared.js';

/** A question that is answered when the test says so, with its number. */
function asked() {
  const open: { resolve(n: number): void; reject(error: Error): void }[] = [];
  return { open, ask: () => new Promise<number>((resolve, reject) => open.push({ resolve, reject })) };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('who comes while a question is on its way gets the answer of one that began after, shared with all who came meanwhile', async () => {
  const { open, ask } = asked();
  const question = shared(ask);
  const first = question();
  const others = [question(), question(), question()];
  expect(open).toHaveLength(1);
  open[0]?.resolve(1);
  await settle();
  expect(open).toHaveLength(2);
  const late = question();
  open[1]?.resolve(2);
  await settle();
  open[2]?.resolve(3);
  expect(await first).toBe(1);
  expect(await Promise.all(others)).toEqual([2, 2, 2]);
  expect(await late).toBe(3);
  expect(open).toHaveLength(3);
});

test('a question that fails fails those who shared it, and the next one is asked for all that', async () => {
  const { open, ask } = asked();
  const question = shared(ask);
  const failing = question();
  const waiting = question();
  open[0]?.reject(new Error('away'));
  await expect(failing).rejects.toThrow('away');
  await settle();
  open[1]?.resolve(2);
  expect(await waiting).toBe(2);
  const later = question();
  open[2]?.resolve(3);
  expect(await later).toBe(3);
});

test('questions about one thing are shared, about two they are not, and nothing is remembered', async () => {
  const told: string[] = [];
  const question = sharedBy(async (key: string) => {
    told.push(key);
    await settle();
    return key;
  });
  expect(await Promise.all(['a', 'b', 'a', 'a'].map(question))).toEqual(['a', 'b', 'a', 'a']);
  expect(told.toSorted()).toEqual(['a', 'a', 'b']);
  await question('a');
  expect(told).toHaveLength(4);
});
