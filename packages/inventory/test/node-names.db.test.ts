import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stand, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(4);
});
afterAll(() => s?.close());

test('names that begin so are those, whatever they are written with', async () => {
  const { inventory, caller } = s;
  const of = newId();
  const ends = [
    '',
    'a',
    'aa',
    'ab',
    'b',
    'A',
    'ä',
    '%',
    '%a',
    '_',
    '\\',
    'a%',
    '\u{d7ff}',
    '\u{d7ff}a',
    '\u{e000}',
    '😀',
    '😀a',
    '😁',
  ];
  const names = [...ends, '\u{10fffd}', '\u{10fffd}a'].map((end) => `${of}${end}`);
  for (const name of names) await inventory.node.register(caller, { kind: 'site', name });
  for (const prefix of [...names, `${of}c`, `${of}aab`]) {
    const { items } = await inventory.node.list(caller, { namePrefix: prefix, sort: 'name', limit: 100 });
    const want = names.filter((name) => name.startsWith(prefix));
    expect([prefix, new Set(items.map(({ name }) => name))]).toEqual([prefix, new Set(want)]);
  }
  expect((await inventory.node.list(caller, { namePrefix: '\u{10ffff}', limit: 100 })).items).toEqual([]);
});
