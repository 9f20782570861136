import { problems } from '@sentral/contracts/problem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

interface Bad {
  readonly what: string;
  readonly at?: string;
  readonly method?: string;
  readonly type?: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly want: readonly [status: number, code: keyof typeof problems, pointer?: string];
}

const missing = '/v1/nodes/nod_01jz0000000000000000000000';
const patch = 'application/merge-patch+json';
const nested = (levels: number) => `{"kind":"site","attributes":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}`;

const bad: readonly Bad[] = [
  { what: 'a path that nobody serves', at: '/v1/nowhere', want: [404, 'not-found'] },
  { what: 'a method that the path does not have', method: 'PUT', want: [405, 'method-not-allowed'] },
  { what: 'an id that names nothing', at: missing, want: [404, 'not-found'] },
  { what: 'an id of another form', at: '/v1/nodes/nod_xxx', want: [400, 'invalid-parameter'] },
  {
    what: 'an id too large for what it encodes',
    at: `/v1/nodes/nod_${'z'.repeat(26)}`,
    want: [400, 'invalid-parameter'],
  },
  {
    what: 'an id of another kind of thing',
    at: '/v1/nodes/env_01jz0000000000000000000000',
    want: [400, 'invalid-parameter'],
  },
  { what: 'a path with a byte that is no character', at: '/v1/nodes/%ff', want: [400, 'invalid-parameter'] },
  { what: 'a path with a NUL', at: '/v1/kinds/%00', want: [400, 'invalid-parameter'] },
  { what: 'an unknown query parameter', at: '/v1/nodes?bogus=1', want: [400, 'invalid-parameter'] },
  { what: 'a page of nothing', at: '/v1/nodes?limit=0', want: [400, 'invalid-parameter'] },
  { what: 'a limit that is no number', at: '/v1/nodes?limit=many', want: [400, 'invalid-parameter'] },
  { what: 'a limit given twice', at: '/v1/nodes?limit=1&limit=2', want: [400, 'invalid-parameter'] },
  { what: 'a state that does not exist', at: '/v1/nodes?state=asleep', want: [400, 'invalid-parameter'] },
  { what: 'a filter with a NUL', at: '/v1/nodes?name=%00', want: [400, 'invalid-parameter'] },
  { what: 'a cursor that was made up', at: '/v1/nodes?cursor=abc', want: [400, 'invalid-cursor'] },
  { what: 'a token in the address', at: '/v1/nodes?access_token=x', want: [400, 'invalid-parameter'] },
  { what: 'an address that is too long', at: `/v1/nodes?name=${'x'.repeat(9_000)}`, want: [414, 'uri-too-long'] },
  { what: 'an answer in a form that nobody makes', headers: { accept: 'image/png' }, want: [406, 'not-acceptable'] },
  { what: 'text', type: 'text/plain', body: 'x', want: [415, 'unsupported-media-type'] },
  {
    what: 'a patch as plain JSON',
    at: missing,
    method: 'PATCH',
    type: 'application/json',
    body: '{}',
    want: [415, 'unsupported-media-type'],
  },
  { what: 'half a body', body: '{"kind":', want: [400, 'malformed-request'] },
  {
    what: 'no body under a content type',
    body: '',
    headers: { 'content-type': 'application/json' },
    method: 'POST',
    want: [400, 'malformed-request'],
  },
  { what: 'bytes that are not UTF-8', body: new Uint8Array([0x22, 0xff, 0x22]), want: [400, 'malformed-request'] },
  { what: 'a body as deep as a well', body: nested(5_000), want: [400, 'malformed-request'] },
  {
    what: 'a body beyond the limit',
    body: JSON.stringify({ kind: 'site', name: 'x'.repeat(1_100_000) }),
    want: [413, 'content-too-large'],
  },
  { what: 'a list in place of an object', body: '[]', want: [422, 'validation-failed'] },
  { what: 'null', body: 'null', want: [422, 'validation-failed'] },
  { what: 'an unknown field', body: '{"kind":"site","nmae":"x"}', want: [422, 'validation-failed', '/nmae'] },
  { what: 'a missing field', body: '{"name":"x"}', want: [422, 'validation-failed', '/kind'] },
  { what: 'a number for a name', body: '{"kind":"site","name":7}', want: [422, 'validation-failed', '/name'] },
  { what: 'a name with a NUL', body: '{"kind":"site","name":"a\\u0000b"}', want: [422, 'validation-failed', '/name'] },
  {
    what: 'half a surrogate pair',
    body: '{"kind":"site","name":"\\ud800"}',
    want: [422, 'validation-failed', '/name'],
  },
  {
    what: 'a NUL deep in the attributes',
    body: '{"kind":"site","attributes":{"a":["\\u0000"]}}',
    want: [422, 'validation-failed', '/attributes'],
  },
  {
    what: 'a label that would reach for the prototype',
    body: '{"kind":"site","labels":{"__proto__":"x"}}',
    want: [422, 'validation-failed', '/labels'],
  },
  {
    what: 'a label under a reserved prefix',
    body: '{"kind":"site","labels":{"sentral.dataverket/x":"y"}}',
    want: [422, 'validation-failed'],
  },
  { what: 'a kind that does not exist', body: '{"kind":"castle"}', want: [422, 'reference-not-found', '/kind'] },
  {
    what: 'a parent that does not exist',
    body: '{"kind":"rack","parentId":"nod_01jz0000000000000000000000"}',
    want: [422, 'reference-not-found', '/parentId'],
  },
  {
    what: 'a key that is too long',
    body: '{"kind":"site"}',
    headers: { 'idempotency-key': 'k'.repeat(200) },
    want: [400, 'invalid-parameter'],
  },
  {
    what: 'a version that is no tag',
    at: missing,
    method: 'PATCH',
    type: patch,
    body: '{}',
    headers: { 'if-match': '7' },
    want: [400, 'invalid-parameter'],
  },
  {
    what: 'a version of what does not exist',
    at: missing,
    method: 'PATCH',
    type: patch,
    body: '{"name":"x"}',
    headers: { 'if-match': '"1"' },
    want: [404, 'not-found'],
  },
];

async function send({
  at = '/v1/nodes',
  body,
  type = 'application/json',
  headers = {},
  method = body === undefined ? 'GET' : 'POST',
}: Bad) {
  return fetch(`${server.url}${at}`, {
    method,
    headers: {
      authorization: `Bearer ${server.token}`,
      ...(body === undefined ? {} : { 'content-type': type }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
}

describe('what cannot be understood is refused by its name, and never breaks anything', () => {
  test.each(bad)('$what: $want', async (each) => {
    const [status, code, pointer] = each.want;
    const answer = await send(each);
    const body = (await answer.json()) as Json;
    expect([answer.status, body.code], JSON.stringify(body)).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(body).toMatchObject({
      type: expect.stringMatching(new RegExp(`/problems/${code}$`)),
      status,
      title: problems[code].title,
    });
    expect([body.instance, body.requestId]).toEqual([
      answer.headers.get('request-id'),
      answer.headers.get('request-id'),
    ]);
    const pointers: string[] = body.errors?.map((error: { pointer: string }) => error.pointer) ?? [body.pointer];
    if (pointer !== undefined)
      expect(
        pointers.some((found) => found.startsWith(pointer)),
        JSON.stringify(body),
      ).toBe(true);
  });

  test('a path without that method says which it has', async () => {
    const answer = await fetch(`${server.url}/v1/nodes`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${server.token}` },
    });
    expect(answer.headers.get('allow')).toBe('GET, POST');
  });

  test('headers without end are cut off', async () => {
    const answer = await fetch(`${server.url}/v1/nodes`, { headers: { 'x-long': 'x'.repeat(20_000) } });
    expect(answer.status).toBe(431);
  });

  test('a cursor of one list is none of another, and none after a change of its filters', async () => {
    const first = await server.ask('/v1/kinds?limit=1');
    expect(first.status).toBe(200);
    const { nextCursor } = first.body;
    expect((await server.ask(`/v1/kinds?limit=1&cursor=${nextCursor}`)).body.items[0].key).not.toBe(
      first.body.items[0].key,
    );
    for (const at of [`/v1/nodes?cursor=${nextCursor}`, `/v1/kinds?limit=1&category=device&cursor=${nextCursor}`]) {
      const answer = await server.ask(at);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid-cursor']);
    }
  });
});
