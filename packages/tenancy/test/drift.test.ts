import { readFileSync } from 'node:fs';
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api';
import { expect, test } from 'vitest';
import * as schema from '../src/schema.js';

test('the migrations say all that schema.ts says', async () => {
  const journal = JSON.parse(readFileSync('migrations/meta/_journal.json', 'utf8')) as { entries: { idx: number }[] };
  const last = String(journal.entries.at(-1)?.idx).padStart(4, '0');
  const previous = JSON.parse(readFileSync(`migrations/meta/${last}_snapshot.json`, 'utf8')) as Parameters<
    typeof generateMigration
  >[0];
  const current = generateDrizzleJson(schema, previous.id, ['tenancy']);
  expect(await generateMigration(previous, current)).toEqual([]);
});
