import { toJsonSchema } from '@valibot/to-json-schema';
import { expect, test } from 'vitest';
import { systemRoutes } from '../src/api/system.js';
import { openApi } from '../src/openapi.js';
import { bookRoutes, bookSchema } from './example-routes.js';

const document = openApi(
  { ...bookRoutes, ...systemRoutes },
  { toJsonSchema, named: { Book: bookSchema }, info: { title: 'Books', version: '1' } },
);

/** What stands at a place of the document. */
function at(...path: string[]): unknown {
  return path.reduce<unknown>((inside, key) => (inside as Record<string, unknown> | undefined)?.[key], document);
}

const books = ['paths', '/v1/books'];
const book = ['paths', '/v1/books/{id}'];
const refusal = ['content', 'application/problem+json', 'schema', 'properties', 'code', 'enum'];

test('parameters, bodies and answers come from the schemas of a route', () => {
  expect((at(...books, 'get', 'parameters') as { name: string }[]).map(({ name }) => name)).toEqual([
    'limit',
    'cursor',
    'state',
    'fields',
  ]);
  expect(at(...book, 'get', 'parameters')).toEqual([
    {
      in: 'path',
      name: 'id',
      required: true,
      schema: { type: 'string', pattern: '^nod_[0-7][0-9a-hjkmnp-tv-z]{25}$' },
    },
    {
      in: 'query',
      name: 'fields',
      description: 'Only these top-level fields, and no ETag.',
      required: false,
      style: 'form',
      explode: false,
      schema: { type: 'array', items: { type: 'string', enum: ['id', 'version', 'name'] } },
    },
  ]);
  const json = ['content', 'application/json', 'schema'];
  expect(at(...books, 'post', 'requestBody', ...json)).toMatchObject({
    required: ['name'],
    additionalProperties: false,
  });
  expect(at(...books, 'post', 'responses', '201', ...json)).toEqual({ $ref: '#/components/schemas/Book' });
  expect(at(...book, 'delete', 'responses', '204')).toEqual({ description: 'Gone.' });
  expect(at(...book, 'get', 'responses', '200', 'headers', 'etag', 'schema')).toEqual({ type: 'string' });
});

test('every problem that a route may refuse with stands at its status', () => {
  expect(at(...books, 'post', 'responses', '409', ...refusal)).toEqual(['already-exists', 'idempotency-in-progress']);
  const statuses = Object.keys(at(...books, 'post', 'responses') as object);
  expect(statuses).toEqual(
    expect.arrayContaining(['201', '400', '401', '403', '404', '409', '422', '429', '500', '503', '504']),
  );
  expect(at(...books, 'get', 'responses', '504', ...refusal)).toEqual(['timeout']);
});

test('a status with an answer of its own keeps it beside the problem', () => {
  const content = at('paths', '/readyz', 'get', 'responses', '503', 'content');
  expect(Object.keys(content as object)).toEqual(['application/json', 'application/problem+json']);
});

test('the bearer is asked for everywhere but on public documents', () => {
  expect(at('security')).toEqual([{ bearer: [] }]);
  expect(at('components', 'securitySchemes', 'bearer')).toEqual({ type: 'http', scheme: 'bearer' });
  expect(at('paths', '/livez', 'get', 'security')).toEqual([]);
  expect(at('paths', '/livez', 'get', 'responses', '401')).toBeUndefined();
  expect(at('paths', '/v1/whoami', 'get', 'security')).toBeUndefined();
  expect(at('paths', '/v1/whoami', 'get', 'responses', '401')).toBeDefined();
  expect(at(...books, 'get', 'x-permission')).toBe('inventory.node.read');
  expect(at(...books, 'get', 'description')).toBe('Needs the permission `inventory.node.read`.');
  expect(at('paths', '/v1/whoami', 'get', 'description')).toBe('Needs a credential, and no permission.');
  expect(at('paths', '/livez', 'get', 'description')).toBe('Open to everyone.');
});

test('every reference leads somewhere', () => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(
    ([, ref]) => ref ?? '',
  );
  expect(refs).toContain('Book');
  expect(JSON.stringify(document)).not.toContain('$defs');
  for (const ref of refs) expect(at('components', 'schemas', ref), ref).toBeDefined();
});
