import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { toJsonSchema } from '@valibot/to-json-schema';
import { expect, test } from 'vitest';
import { asyncApiDocument, openApiDocument } from '../src/api/documents.js';
import { compareOpenApi } from '../src/openapi-compat.js';

// `pnpm golden` writes what is compatible, `pnpm golden:breaking` writes whatever the routes say now.
const update = process.env['SENTRAL_UPDATE_GOLDEN'];
const textOf = (document: object): string => `${JSON.stringify(document, null, 1)}\n`;

test('the public API keeps what its document promises, and the document is up to date', () => {
  const file = new URL('../golden/openapi.json', import.meta.url);
  const now = openApiDocument(toJsonSchema);
  if (existsSync(file) && update !== 'breaking') {
    const broken = compareOpenApi(JSON.parse(readFileSync(file, 'utf8')), now).filter(({ breaking }) => breaking);
    expect(broken, 'these changes break who calls Sentral; `pnpm golden:breaking` takes them in').toEqual([]);
  }
  if (update !== undefined) writeFileSync(file, textOf(now));
  expect(readFileSync(file, 'utf8') === textOf(now), '`pnpm golden` writes the compatible changes down').toBe(true);
});

// Whether an event still serves its readers is judged by the golden of its context.
test('the document of the bus is up to date', () => {
  const file = new URL('../golden/asyncapi.json', import.meta.url);
  const now = textOf(asyncApiDocument(toJsonSchema));
  if (update !== undefined) writeFileSync(file, now);
  expect(readFileSync(file, 'utf8') === now, '`pnpm golden` writes it down').toBe(true);
});
