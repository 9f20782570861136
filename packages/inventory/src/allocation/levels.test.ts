import fc from 'fast-check';
import { expect, test } from 'vitest';
import { earliest, freeOver, peakOver } from './levels.js';

const span = fc
  .tuple(fc.nat({ max: 20 }), fc.integer({ min: 1, max: 12 }))
  .map(([from, length]) => ({ from, until: from + length }));
const taking = fc.record({ span, amount: fc.integer({ min: 1, max: 5 }) });
const takings = fc.array(taking, { maxLength: 12 });

type Taking = { readonly span: { from: number; until: number }; readonly amount: number };
const stepsOf = (all: readonly Taking[]) =>
  all.flatMap(({ span: { from, until }, amount }) => [
    { at: from, delta: amount },
    { at: until, delta: -amount },
  ]);
const changesOf = (all: readonly Taking[], sign = 1) =>
  all.map(({ span: each, amount }) => ({ ...each, delta: sign * amount }));
/** By hand, instant by instant. */
const level = (all: readonly Taking[], at: number) =>
  all.reduce((sum, { span: { from, until }, amount }) => sum + (from <= at && at < until ? amount : 0), 0);
const instants = ({ from, until }: { from: number; until: number }) =>
  Array.from({ length: until - from }, (_, n) => from + n);

test('peak and room over a span are what they are instant by instant, with what the transaction takes and gives back', () => {
  fc.assert(
    fc.property(takings, takings, span, fc.nat({ max: 12 }), (held, taken, over, cap) => {
      const given = held.slice(0, Math.floor(held.length / 2));
      const of = { steps: stepsOf(held), changes: [...changesOf(taken), ...changesOf(given, -1)] };
      const after = (at: number) => level(held, at) + level(taken, at) - level(given, at);
      expect(peakOver(of, over)).toBe(Math.max(0, ...instants(over).map(after)));
      const room = instants(over).map((at) => Math.max(cap, level(held, at)) - after(at));
      expect(freeOver(cap, of, over)).toBe(Math.min(...room));
    }),
  );
});

test('the earliest start is the first instant at which all fits for so long', () => {
  fc.assert(
    fc.property(
      takings,
      fc.array(span, { maxLength: 4 }),
      fc.integer({ min: 1, max: 8 }),
      fc.nat({ max: 20 }),
      (held, busy, length, from) => {
        const [cap, amount] = [9, 4];
        const fits = (start: number) =>
          instants({ from: start, until: start + length }).every(
            (at) => level(held, at) + amount <= cap && busy.every((each) => at < each.from || at >= each.until),
          );
        const found = earliest({ amounts: [{ cap, amount, steps: stepsOf(held) }], idle: [], busy }, from, length);
        expect(found).toBe(instants({ from, until: 100 }).find(fits));
      },
    ),
  );
});
