import { expect, test } from 'vitest';
import { checked } from '../src/contract.js';
import { refuses } from '../src/conformance/kit.js';
import { bookId, caller, example, verbs } from './example.js';

const subject = checked(example, verbs);

test('a command is parsed at the boundary, defaults and all', async () => {
  expect(await subject.book.write(caller, { name: 'moby-dick' })).toEqual({ name: 'moby-dick', copies: 1 });
});

test('what is wrong with a command is told by pointer, and its values are not repeated', async () => {
  const command = { name: 'Very Secret', copies: 'many', 'a/b~c': 1 } as never;
  const refusal = await refuses('validation-failed', subject.book.write(caller, command));
  expect(refusal.facts['errors']).toEqual([
    { pointer: '/name', code: 'regex', message: 'must be a name like web-01' },
    { pointer: '/copies', code: 'type', message: 'expected number' },
    { pointer: '/a~1b~0c', code: 'unknown_field', message: 'this field is not known' },
  ]);
  expect(JSON.stringify(refusal)).not.toContain('Secret');
});

test('a missing field is required', async () => {
  const refusal = await refuses('validation-failed', subject.book.get(caller, {} as never));
  expect(refusal.facts['errors']).toEqual([expect.objectContaining({ pointer: '/id', code: 'required' })]);
});

test('at most fifty errors are told', async () => {
  const command = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`x${n}`, n]));
  const refusal = await refuses('validation-failed', subject.book.get(caller, { id: bookId, ...command }));
  expect((refusal.facts['errors'] as unknown[]).length).toBeLessThanOrEqual(50);
});

test('a caller that claims an impossible read scope is refused', async () => {
  for (const readScope of [
    { all: false },
    {},
    { all: true, tenantIds: [] },
    { tenantIds: ['x'], projectIds: [], environmentIds: [] },
  ]) {
    const refusal = await refuses(
      'validation-failed',
      subject.book.get({ ...caller, readScope } as never, { id: bookId }),
    );
    expect(JSON.stringify(refusal)).toContain('/caller/readScope');
  }
});

test('a refusal that the verb lists passes, one that it does not list is a bug and is reported', async () => {
  const heard: string[] = [];
  const reporting = checked(example, verbs, { report: (name) => heard.push(name) });
  await refuses('already-exists', reporting.book.write(caller, { name: 'taken' }));
  expect(heard).toEqual([]);
  const refusal = await refuses('internal', reporting.book.write(caller, { name: 'unlisted' }));
  expect(heard).toEqual(['example.book.write']);
  expect(String(refusal.cause)).toContain('quota-exceeded');
  expect(JSON.stringify(refusal)).not.toContain('quota');
});

test('a result outside the contract is seen where results are checked', async () => {
  const wrong = { book: { ...verbs.book, get: async () => ({ id: bookId, version: 0 }) } };
  await refuses('internal', checked(example, wrong, { results: true }).book.get(caller, { id: bookId }));
  expect(await checked(example, wrong).book.get(caller, { id: bookId })).toEqual({ id: bookId, version: 0 });
});

test('a verb without an implementation stops the start', () => {
  expect(() => checked(example, { book: { get: verbs.book.get } } as never)).toThrow(
    'example.book.write is not implemented',
  );
});
