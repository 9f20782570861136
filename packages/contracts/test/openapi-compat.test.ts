import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { openApi } from '../src/openapi.js';
import { compareOpenApi } from '../src/openapi-compat.js';
import type { RouteDef } from '../src/route.js';
import { bookRoutes, bookSchema } from './example-routes.js';

type Routes = Record<keyof typeof bookRoutes, RouteDef>;

const documentOf = (routes: Record<string, RouteDef>, named: Record<string, v.GenericSchema> = {}) =>
  openApi(routes, { toJsonSchema, named, info: { title: 'Books', version: '1' } });
const older = documentOf(bookRoutes);
/** What changes for callers when one route is another. */
const changed = (name: keyof Routes, change: Partial<RouteDef>) =>
  compareOpenApi(older, documentOf({ ...bookRoutes, [name]: { ...bookRoutes[name], ...change } }));

const { listBooks, getBook, writeBook } = bookRoutes;

test('the same document is no change', () => {
  expect(compareOpenApi(older, documentOf(bookRoutes))).toEqual([]);
});

describe('a planted change', () => {
  const { listBooks: _, ...fewer } = bookRoutes;
  const responses = (more: RouteDef['responses']) => ({ responses: { ...getBook.responses, ...more } });
  const one = (schema: v.GenericSchema) => responses({ 200: { ...getBook.responses[200], schema } });

  test.each<[string, ReturnType<typeof compareOpenApi>, boolean, string]>([
    ['a route gone', compareOpenApi(older, documentOf(fewer)), true, 'operation removed'],
    ['a route come', compareOpenApi(documentOf(fewer), older), false, 'operation added'],
    ['a method changed', changed('getBook', { method: 'POST' }), true, 'operation removed'],
    ['another permission', changed('getBook', { permission: 'inventory.node.update' }), true, 'x-permission'],
    ['no permission any more', changed('getBook', { permission: null }), true, 'x-permission'],
    ['another operationId', changed('getBook', { operationId: 'readBook' }), true, 'operationId'],
    ['a parameter gone', changed('listBooks', { query: v.strictObject({}) }), true, 'parameter removed'],
    [
      'a required parameter',
      changed('getBook', { query: v.strictObject({ at: v.string() }) }),
      true,
      'required parameter added',
    ],
    [
      'an optional parameter',
      changed('getBook', { query: v.strictObject({ at: v.optional(v.string()) }) }),
      false,
      'optional parameter added',
    ],
    [
      'a parameter that takes less',
      changed('getBook', { params: v.strictObject({ id: v.literal('nod_1') }) }),
      true,
      'values limited',
    ],
    [
      'a body field required',
      changed('writeBook', { body: v.strictObject({ ...fieldsOf(writeBook.body), more: v.string() }) }),
      true,
      'required property added',
    ],
    [
      'a body field optional',
      changed('writeBook', { body: v.strictObject({ ...fieldsOf(writeBook.body), more: v.optional(v.string()) }) }),
      false,
      'optional property added',
    ],
    [
      'a body that takes more',
      changed('writeBook', { body: v.looseObject(fieldsOf(writeBook.body)) }),
      false,
      'additionalProperties opened',
    ],
    [
      'a body of another type',
      changed('writeBook', { bodyType: 'application/merge-patch+json' }),
      true,
      'media type removed',
    ],
    ['a body at all', changed('getBook', { method: 'GET', body: v.strictObject({}) }), true, 'body added'],
    [
      'an answer with more',
      changed('getBook', one(v.object({ ...bookSchema.entries, more: v.string() }))),
      false,
      'required property added',
    ],
    ['an answer with less', changed('getBook', one(v.omit(bookSchema, ['id']))), true, 'property removed'],
    ['an answer that may be null', changed('getBook', one(v.nullable(bookSchema))), true, 'variant added'],
    ['a status come', changed('getBook', responses({ 202: { description: '', schema: null } })), true, 'status added'],
    [
      'a status gone',
      changed('getBook', { responses: { 204: { description: '', schema: null } } }),
      true,
      'status removed',
    ],
    [
      'a header gone',
      changed('getBook', responses({ 200: { ...getBook.responses[200], headers: {} } })),
      true,
      'header removed',
    ],
    [
      'a refusal come, its status known',
      changed('writeBook', { problems: [...writeBook.problems, 'state-conflict'] }),
      true,
      'value added',
    ],
    [
      'a refusal come with a status of its own',
      changed('listBooks', { problems: [...listBooks.problems, 'position-expired'] }),
      true,
      'status added',
    ],
  ])('%s', (_name, changes, breaking, change) => {
    const told = changes.find((each) => each.change.startsWith(change));
    expect(told, JSON.stringify(changes)).toMatchObject({ breaking });
    expect(changes.some((each) => each.breaking)).toBe(breaking);
  });
});

test('a schema that becomes a component says the same, and a change inside of one is seen by every operation that shows it', () => {
  const named = documentOf(bookRoutes, { Book: bookSchema });
  expect(compareOpenApi(older, named)).toEqual([]);
  const text = JSON.stringify(named).replaceAll('"minimum":1', '"minimum":0');
  expect(text).not.toBe(JSON.stringify(named));
  const paths = compareOpenApi(named, JSON.parse(text)).filter(({ breaking }) => breaking);
  expect(paths.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['GET /v1/books/{id}:200/version', 'GET /v1/books:200/items/*/version']),
  );
});

test('problems gain members without harm and lose none', () => {
  const more = structuredClone(older) as {
    components: { schemas: { Problem: { properties: Record<string, object> } } };
  };
  more.components.schemas.Problem.properties['traceId'] = { type: 'string' };
  expect(compareOpenApi(older, more).some(({ breaking }) => breaking)).toBe(false);
  expect(compareOpenApi(more, older).some(({ breaking }) => breaking)).toBe(true);
});

function fieldsOf(schema: unknown): v.ObjectEntries {
  return (schema as { entries: v.ObjectEntries }).entries;
}
