import { expect, test } from 'vitest';
import { idSource, namedId, newId } from './id.js';

const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('two hundred thousand ids are UUIDv7 and rise strictly', () => {
  let last = '';
  const wrong: string[] = [];
  for (let n = 0; n < 200_000; n += 1) {
    const id = newId();
    if (!(id > last) || !shape.test(id)) wrong.push(id);
    last = id;
  }
  expect(wrong).toEqual([]);
});

test('ids rise also when the clock stands still or is set back', () => {
  const times = [5_000, 5_000, 4_000, 1, 5_000, 5_001, 2];
  const next = idSource(() => new Date(times.shift() ?? 0));
  const ids = Array.from({ length: 20 }, next);
  expect(ids).toEqual(ids.toSorted());
  expect(new Set(ids).size).toBe(20);
});

test('an id carries the milliseconds of its making', () => {
  const at = new Date('2026-11-23T09:17:55.123Z');
  expect(
    Number.parseInt(
      idSource(() => at)()
        .replaceAll('-', '')
        .slice(0, 12),
      16,
    ),
  ).toBe(at.getTime());
});

test('two sources at one moment do not meet', () => {
  const at = (): Date => new Date(7);
  const ids = new Set(Array.from({ length: 5_000 }, () => idSource(at)()));
  expect(ids.size).toBe(5_000);
});

test('a name within an id is always the same id, as RFC 9562 makes it', () => {
  expect(namedId('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'python.org')).toBe('886313e1-3b8a-5372-9b90-0c9aee199e5d');
});
