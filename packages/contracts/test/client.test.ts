import { expect, expectTypeOf, test } from 'vitest';
import { systemRoutes } from '../src/api/system.js';
import { createClient, pages } from '../src/client.js';
import { refuses } from '../src/conformance/kit.js';
import { problem, type ProblemCode } from '../src/problem.js';
import { bookRoutes } from './example-routes.js';

const id = 'nod_01h455vb4pex5vsknk084sn02q';
const book = { id, version: 1, name: 'moby-dick' };

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });
const refusal = (code: ProblemCode, headers: Record<string, string> = {}): Response =>
  json(problem(code).status, problem(code), { 'content-type': 'application/problem+json', ...headers });

/** A server that answers from a list, one answer a try, and remembers what it was asked and how long it was left alone. */
function scripted(...answers: (Response | Error)[]) {
  const asked: Request[] = [];
  const waits: number[] = [];
  const client = createClient(
    { ...bookRoutes, ...systemRoutes },
    {
      baseUrl: 'http://books.test',
      token: () => `token-${asked.length}`,
      sleep: async (ms) => void waits.push(ms),
      fetch: (async (url: URL, init: RequestInit) => {
        asked.push(new Request(url, init));
        const answer = answers[asked.length - 1] ?? answers.at(-1);
        if (answer instanceof Error) throw answer;
        return (answer as Response).clone();
      }) as typeof fetch,
    },
  );
  return { client, asked, waits };
}

test('a request is built from the route, and its answer is typed by status', async () => {
  const { client, asked } = scripted(json(200, { items: [book] }));
  const answer = await client.listBooks({ query: { limit: '5', state: ['a', 'b'] } });
  expectTypeOf(answer.status).toEqualTypeOf<200>();
  expect(answer.body.items[0]?.name).toBe('moby-dick');
  expect(asked[0]?.url).toBe('http://books.test/v1/books?limit=5&state=a&state=b');
  expect(asked[0]?.headers.get('authorization')).toBe('Bearer token-0');
});

test('parameters cannot leave their place in the path', async () => {
  const { client, asked } = scripted(json(200, book));
  await client.getBook({ params: { id: '../x?y#z' } });
  expect(asked[0]?.url).toBe('http://books.test/v1/books/..%2Fx%3Fy%23z');
  await expect(client.getBook({ params: { id: '..' } })).rejects.toThrow(TypeError);
});

test('a problem is thrown as that problem, with its facts', async () => {
  const { client, asked } = scripted(json(409, problem('already-exists', { field: 'name' })));
  const thrown = await refuses('already-exists', client.writeBook({ headers: {}, body: { name: 'a' } }));
  expect(thrown.facts).toEqual({ field: 'name' });
  expect(asked).toHaveLength(1);
});

test('a read is tried again when the answer was lost', async () => {
  const { client, asked } = scripted(
    new TypeError('fetch failed'),
    new Response('proxy', { status: 502 }),
    json(200, book),
  );
  expect((await client.getBook({ params: { id } })).status).toBe(200);
  expect(asked).toHaveLength(3);
});

test('a write without a key is not tried again when its outcome is unknown', async () => {
  for (const lost of [
    new TypeError('fetch failed'),
    new Response('proxy', { status: 503 }),
    refusal('outcome-unknown'),
  ]) {
    const { client, asked } = scripted(lost);
    await refuses('outcome-unknown', client.writeBook({ headers: {}, body: { name: 'a' } }));
    expect(asked).toHaveLength(1);
  }
  const { client, asked } = scripted(new TypeError('fetch failed'));
  await refuses('outcome-unknown', client.burnBook({ params: { id } }));
  expect(asked).toHaveLength(1);
});

test('a write with a key is tried again with the same key and body', async () => {
  for (const given of [{ 'idempotency-key': 'k1' }, {}]) {
    const { client, asked } = scripted(
      new TypeError('fetch failed'),
      refusal('idempotency-in-progress', { 'retry-after': '1' }),
      json(201, book),
    );
    await client.writeBook(
      { headers: given, body: { name: 'a' } },
      'idempotency-key' in given ? {} : { idempotencyKey: 'k1' },
    );
    expect(asked.map(({ headers }) => headers.get('idempotency-key'))).toEqual(['k1', 'k1', 'k1']);
    expect(await asked[2]?.json()).toEqual({ name: 'a' });
  }
});

test('a refusal that had no effect is tried again after the time that it asks for', async () => {
  const { client, waits } = scripted(refusal('rate-limited', { 'retry-after': '7' }), json(201, book));
  await client.writeBook({ headers: {}, body: { name: 'a' } });
  expect(waits).toEqual([7000]);
});

test('a server that asks for more patience than there is, is told to the caller', async () => {
  const { client, asked } = scripted(refusal('rate-limited', { 'retry-after': '3600' }));
  await refuses('rate-limited', client.getBook({ params: { id } }));
  expect(asked).toHaveLength(1);
});

test('after four tries the last refusal is thrown, and the pauses grew', async () => {
  const { client, asked, waits } = scripted(refusal('overloaded'));
  await refuses('overloaded', client.getBook({ params: { id } }));
  expect(asked).toHaveLength(4);
  waits.forEach((ms, n) => expect(ms).toBeGreaterThanOrEqual(100 * 2 ** n));
});

test('an abort ends the call at once, also between tries', async () => {
  const controller = new AbortController();
  const client = createClient(bookRoutes, {
    baseUrl: 'http://books.test',
    fetch: async () => {
      setTimeout(() => controller.abort(new Error('enough')), 5);
      return refusal('rate-limited', { 'retry-after': '20' });
    },
  });
  const before = performance.now();
  await expect(client.getBook({ params: { id } }, { signal: controller.signal })).rejects.toThrow('enough');
  expect(performance.now() - before).toBeLessThan(1000);
});

test('an answer that the route declares is given, whatever its status', async () => {
  const { client } = scripted(json(503, { status: 'draining', parts: [] }));
  expect((await client.readyz({})).status).toBe(503);
});

test('empty answers are null', async () => {
  const { client } = scripted(new Response(null, { status: 204 }));
  expect((await client.burnBook({ params: { id } })).body).toBeNull();
});

test('pages are walked to the end, also over an empty one', async () => {
  const { client, asked } = scripted(
    json(200, { items: [book], nextCursor: 'b' }),
    json(200, { items: [], nextCursor: 'c' }),
    json(200, { items: [{ ...book, name: 'last' }] }),
  );
  const names: string[] = [];
  for await (const one of pages((cursor) => client.listBooks({ query: { cursor } }))) names.push(one.name);
  expect(names).toEqual(['moby-dick', 'last']);
  expect(asked.map(({ url }) => new URL(url).searchParams.get('cursor'))).toEqual([null, 'b', 'c']);
});

test('a page that nobody reads on is not asked for', async () => {
  const { client, asked } = scripted(json(200, { items: [book], nextCursor: 'b' }));
  for await (const one of pages((cursor) => client.listBooks({ query: { cursor } }))) if (one.version === 1) break;
  expect(asked).toHaveLength(1);
});
