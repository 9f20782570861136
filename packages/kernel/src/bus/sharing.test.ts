import { expect, test } from 'vitest';
import { sharing } from './sharing.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

function served(breaks: (asked: readonly number[]) => boolean = () => false) {
  const rounds: (readonly number[])[] = [];
  let release = (): void => undefined;
  const ask = sharing<number, string>({
    together: async (asked) => {
      rounds.push(asked);
      await new Promise<void>((resolve) => (release = resolve));
      if (breaks(asked)) throw new Error('broken');
      return asked.map((n) => `together ${n}`);
    },
    alone: async (n) => {
      rounds.push([n]);
      if (breaks([n])) throw new Error(`broken ${n}`);
      return `alone ${n}`;
    },
  });
  return { ask, rounds, release: () => release() };
}

test('one turn is one round; who comes meanwhile shares the next, and nobody is told before it is done', async () => {
  const { ask, rounds, release } = served();
  const told: string[] = [];
  const first = [1, 2, 3].map((n) => ask(n).then((answer) => told.push(answer)));
  await turn();
  await turn();
  expect(rounds).toEqual([[1, 2, 3]]);
  const second = [4, 5].map((n) => ask(n));
  await turn();
  expect([rounds, told]).toEqual([[[1, 2, 3]], []]);
  release();
  await Promise.all(first);
  expect(told).toEqual(['together 1', 'together 2', 'together 3']);
  await turn();
  expect(rounds).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  release();
  expect(await Promise.all(second)).toEqual(['together 4', 'together 5']);
  expect(await ask(6)).toBe('alone 6');
});

test('what breaks a round is served alone, and harms no other', async () => {
  const { ask, rounds, release } = served((asked) => asked.includes(2));
  const answers = Promise.allSettled([1, 2, 3].map((n) => ask(n)));
  await turn();
  await turn();
  release();
  expect((await answers).map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason)))).toEqual([
    'alone 1',
    'Error: broken 2',
    'alone 3',
  ]);
  expect(rounds).toEqual([[1, 2, 3], [1], [2], [3]]);
});

test('a crowd comes in rounds of a bounded size, in order', async () => {
  const rounds: number[] = [];
  const ask = sharing<number, number>({
    together: async (asked) => {
      rounds.push(asked.length);
      return asked;
    },
    alone: async (asked) => asked,
  });
  const all = Array.from({ length: 150 }, (_, n) => n);
  expect(await Promise.all(all.map((n) => ask(n)))).toEqual(all);
  expect(rounds).toEqual([64, 64, 22]);
});
