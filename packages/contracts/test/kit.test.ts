import { describe, expect, test } from 'vitest';
import { remoteContext } from '../src/client-internal.js';
import { checked } from '../src/contract.js';
import { conformance, createKit, equals, holds, refuses, runConformance } from '../src/conformance/kit.js';
import { problem } from '../src/problem.js';
import { serveContext } from '../src/server-internal.js';
import { bookId, example, verbs } from './example.js';

const cases = conformance(example, [
  {
    title: 'a book that was written is told back',
    run: async (subject, kit) => {
      const name = kit.name('book');
      kit.equals(
        await subject.book.write(kit.caller(), { name, copies: 2 }),
        { copies: 2, name },
        'the book as written',
      );
    },
  },
  {
    title: 'a book that does not exist is not found',
    run: async (subject, kit) => {
      const other = `${bookId.slice(0, -1)}r`;
      const refusal = await kit.refuses('not-found', subject.book.get(kit.caller(), { id: other }));
      kit.holds(refusal.facts['resourceType'] === 'book', 'the refusal says what was looked for');
    },
  },
]);

const serve = serveContext(example, verbs, { verify: async () => undefined });
const remote = remoteContext(example, {
  baseUrl: 'http://example.test',
  token: async () => 'x',
  fetch: (async (url: URL, init: RequestInit) => serve(new Request(url, init))) as typeof fetch,
});

describe('in process', () => {
  runConformance(cases, { test, subject: async () => checked(example, verbs), seed: 'a' });
});
describe('over JSON', () => {
  runConformance(cases, { test, subject: async () => remote, seed: 'b' });
});

test('a case fails where the subject is wrong', async () => {
  const wrong = checked(example, {
    book: { write: async () => ({ name: 'x', copies: 1 }), get: async (_, { id }) => ({ id, version: 1 }) },
  });
  for (const one of cases) await expect(one.run(wrong, createKit('c'))).rejects.toThrow(/expected|the book as written/);
});

test('the asserts fail when they should', async () => {
  await expect(refuses('not-found', Promise.resolve(1))).rejects.toThrow('got the result 1');
  await expect(refuses('not-found', Promise.reject(problem('internal')))).rejects.toThrow('got internal');
  await expect(refuses('not-found', Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
  expect(() => equals({ a: 1 }, { a: 2 }, 'same')).toThrow('same');
  expect(() => equals({ a: 1, b: [1] }, { b: [1], a: 1 }, 'same')).not.toThrow();
  expect(() => holds(false, 'a sentence')).toThrow('a sentence');
});
