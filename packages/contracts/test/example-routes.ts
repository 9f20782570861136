import * as v from 'valibot';
import { idempotencyKeySchema, nameSchema, pageOf, pageQuery, versionSchema } from '../src/api/common.js';
import { idSchema } from '../src/ids.js';
import { route } from '../src/route.js';

export const bookSchema = v.object({ id: idSchema('nod'), version: versionSchema, name: v.string() });

export const bookRoutes = {
  listBooks: route({
    operationId: 'listBooks',
    method: 'GET',
    path: '/v1/books',
    summary: 'Lists books.',
    tags: ['books'],
    permission: 'inventory.node.read',
    query: v.strictObject({ ...pageQuery, state: v.optional(v.array(v.string())) }),
    responses: { 200: { description: 'A page.', schema: pageOf(bookSchema) } },
    problems: ['invalid-cursor'],
  }),
  getBook: route({
    operationId: 'getBook',
    method: 'GET',
    path: '/v1/books/:id',
    summary: 'One book.',
    tags: ['books'],
    permission: 'inventory.node.read',
    params: v.strictObject({ id: idSchema('nod') }),
    responses: {
      200: { description: 'The book.', schema: bookSchema, headers: { etag: 'The version, quoted.' } },
      304: { description: 'Unchanged.', schema: null },
    },
    problems: [],
  }),
  writeBook: route({
    operationId: 'writeBook',
    method: 'POST',
    path: '/v1/books',
    summary: 'Writes a book.',
    tags: ['books'],
    permission: 'inventory.node.create',
    headers: v.object({ 'idempotency-key': v.optional(idempotencyKeySchema) }),
    body: v.strictObject({ name: nameSchema }),
    responses: { 201: { description: 'Written.', schema: bookSchema } },
    problems: ['already-exists'],
  }),
  burnBook: route({
    operationId: 'burnBook',
    method: 'DELETE',
    path: '/v1/books/:id',
    summary: 'Burns a book.',
    tags: ['books'],
    permission: 'inventory.node.delete',
    params: v.strictObject({ id: idSchema('nod') }),
    responses: { 204: { description: 'Gone.', schema: null } },
    problems: [],
  }),
} as const;
