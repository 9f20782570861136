import { expect, test } from 'vitest';
import { remoteContext } from '../src/client-internal.js';
import { refuses } from '../src/conformance/kit.js';
import { mintInternalToken, verifyInternalToken } from '../src/internal-token.js';
import { problem } from '../src/problem.js';
import { serveContext } from '../src/server-internal.js';
import { bookId, caller, example, verbs } from './example.js';

const key = new Uint8Array(32).fill(7);
const now = 1_800_000_000;
const errors: unknown[] = [];
const serve = serveContext(example, verbs, {
  verify: (bearer, audience) => verifyInternalToken(key, bearer, { audience, nowSeconds: now }),
  onError: (_, error) => errors.push(error),
});
const through = (send: (request: Request) => Promise<Response>, timeoutMs = 1000) =>
  remoteContext(example, {
    baseUrl: 'http://example.test',
    token: (audience) => mintInternalToken(key, audience, now),
    fetch: ((url: URL, init: RequestInit) => send(new Request(url, init))) as typeof fetch,
    timeoutMs,
  });
const remote = through(serve);
const answering = (status: number, body = 'from a proxy') => through(async () => new Response(body, { status }));

test('a verb answers from afar as it does near by, and what the result gained is dropped', async () => {
  expect(await remote.book.get(caller, { id: bookId })).toEqual({ id: bookId, version: 1 });
});

test('refusals travel with their facts', async () => {
  const refusal = await refuses('already-exists', remote.book.write(caller, { name: 'taken' }));
  expect(refusal.facts).toEqual({ field: 'name' });
  const wrong = await refuses('validation-failed', remote.book.write(caller, { name: '-' }));
  expect(wrong.facts['errors']).toEqual([expect.objectContaining({ pointer: '/name' })]);
});

test('a bug travels as internal, without a word of what it was', async () => {
  errors.length = 0;
  const refusal = await refuses('internal', remote.book.write(caller, { name: 'broken' }));
  expect(JSON.stringify(refusal)).not.toContain('secret');
  expect(String(errors[0])).toContain('secret');
});

test.each([502, 503, 504, 500])(
  'a %i that is not ours leaves the outcome of a write unknown and a read away',
  async (status) => {
    const subject = answering(status);
    const asked = { ...caller, idempotency: { scope: 's', key: 'k', fingerprint: 'f' } };
    expect((await refuses('outcome-unknown', subject.book.write(asked, { name: 'a' }))).facts['idempotencyKey']).toBe(
      'k',
    );
    await refuses('dependency-unavailable', subject.book.get(caller, { id: bookId }));
  },
);

test('a 503 that is ours says itself that nothing happened', async () => {
  const subject = answering(503, JSON.stringify(problem('overloaded')));
  await refuses('overloaded', subject.book.write(caller, { name: 'a' }));
});

test('a timeout and a cut connection leave the outcome of a write unknown', async () => {
  const never = through(
    (request) =>
      new Promise((_, reject) =>
        request.signal.addEventListener('abort', () => reject(request.signal.reason as Error)),
      ),
    20,
  );
  await refuses('outcome-unknown', never.book.write(caller, { name: 'a' }));
  await refuses('dependency-unavailable', never.book.get(caller, { id: bookId }));
  const cut = through(() => Promise.reject(new TypeError('fetch failed')));
  await refuses('outcome-unknown', cut.book.write(caller, { name: 'a' }));
  await refuses('dependency-unavailable', cut.book.write({ ...caller, dryRun: true }, { name: 'a' }));
});

test('a call ends with the signal of its caller, and what it held open is let go', async () => {
  let held: AbortSignal | undefined;
  const never = through(async (request) => {
    held = request.signal;
    if (held.aborted) throw held.reason;
    return new Promise((_, reject) =>
      request.signal.addEventListener('abort', () => reject(request.signal.reason as Error)),
    );
  }, 60_000);
  const patience = new AbortController();
  const asked = refuses('dependency-unavailable', never.book.get(caller, { id: bookId }, { signal: patience.signal }));
  setTimeout(() => patience.abort(), 20);
  await asked;
  expect(held?.aborted).toBe(true);
  await refuses('dependency-unavailable', never.book.get(caller, { id: bookId }, { signal: AbortSignal.abort() }));
});

test('an answer that is not of the contract leaves the outcome of a write unknown', async () => {
  await refuses('outcome-unknown', answering(200, '<html>').book.write(caller, { name: 'a' }));
});

test('without a bearer for this context nothing is read', async () => {
  const bearer = await mintInternalToken(key, 'tenancy', now);
  for (const authorization of [undefined, 'Bearer', `Bearer ${bearer}`, 'Basic eDp5']) {
    const body = '{not even json';
    const response = await serve(
      new Request('http://x/internal/v1/example/book/get', {
        method: 'POST',
        body,
        ...(authorization && { headers: { authorization } }),
      }),
    );
    expect(response.status).toBe(401);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    // By this a client knows its own credentials from an end user's, which a verb refuses with the same code.
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="internal"');
  }
});

test('paths that are no verb, other methods and broken bodies are refused', async () => {
  const authorization = `Bearer ${await mintInternalToken(key, 'example', now)}`;
  const ask = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const response = await serve(
      new Request(`http://x${path}`, { method: 'POST', ...init, headers: { authorization } }),
    );
    return ((await response.json()) as { code: string }).code;
  };
  expect(await ask('/internal/v1/example/book/constructor')).toBe('not-found');
  expect(await ask('/internal/v1/example/__proto__/toString')).toBe('not-found');
  expect(await ask('/internal/v1/other/book/get')).toBe('not-found');
  expect(await ask('/internal/v1/example/book/get/x')).toBe('not-found');
  expect(await ask('/internal/v1/example/book/get', { method: 'GET' })).toBe('method-not-allowed');
  for (const body of ['{', '[]', 'null', '"x"'])
    expect(await ask('/internal/v1/example/book/get', { body })).toBe('malformed-request');
});

test('a token lives for one minute, for one audience and under one key', async () => {
  const token = await mintInternalToken(key, 'inventory', now);
  const verify = (audience: string, nowSeconds: number, its = token, by = key) =>
    verifyInternalToken(by, its, { audience, nowSeconds });
  await verify('inventory', now);
  await verify('inventory', now + 60);
  await refuses('unauthenticated', verify('tenancy', now));
  expect((await refuses('unauthenticated', verify('inventory', now + 66))).facts).toEqual({ reason: 'expired' });
  await refuses('unauthenticated', verify('inventory', now - 30));
  await refuses('unauthenticated', verify('inventory', now, token, new Uint8Array(32).fill(8)));
});

test('forged tokens are refused: no algorithm, another header, a changed body, a longer life', async () => {
  const b64 = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');
  const [head = '', body = '', signature = ''] = (await mintInternalToken(key, 'inventory', now)).split('.');
  const longer = b64({ aud: 'inventory', iat: now, exp: now + 3600 });
  const forged = [
    `${b64({ alg: 'none' })}.${body}.`,
    `${b64({ alg: 'HS256', typ: 'JWT', kid: '../key' })}.${body}.${signature}`,
    `${head}.${longer}.${signature}`,
    `${head}.${body}`,
    `${head}.${body}.${signature}.x`,
    `${head}.${body}.!!!`,
    '',
    await signed(head, longer),
    await signed(head, b64({ aud: ['inventory'], iat: now, exp: now + 60 })),
    await signed(head, Buffer.from('nonsense').toString('base64url')),
  ];
  for (const token of forged) {
    await refuses('unauthenticated', verifyInternalToken(key, token, { audience: 'inventory', nowSeconds: now }));
  }
});

async function signed(head: string, body: string): Promise<string> {
  const hmac = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const signature = await crypto.subtle.sign('HMAC', hmac, new TextEncoder().encode(`${head}.${body}`));
  return `${head}.${body}.${Buffer.from(signature).toString('base64url')}`;
}
