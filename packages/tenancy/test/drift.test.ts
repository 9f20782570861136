import { readFileSync } from 'node:fs';
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api';
import { expect, test } from 'vitest';
import * as access from '../src/schema/access.js';
import { auditedTables, bookkeepingTables, partTables } from '../src/schema/catalogue.js';
import * as context from '../src/schema/context.js';
import * as hold from '../src/schema/hold.js';
import * as kernel from '../src/schema/kernel.js';
import * as policy from '../src/schema/policy.js';
import * as principal from '../src/schema/principal.js';
import * as quota from '../src/schema/quota.js';
import * as scope from '../src/schema/scope.js';

const schema = {
  tenancy: context.tenancy,
  ...access,
  ...hold,
  ...kernel,
  ...policy,
  ...principal,
  ...quota,
  ...scope,
};

interface Snapshot {
  id: string;
  tables: Record<string, { name: string }>;
}

function lastSnapshot(): Snapshot {
  const journal = JSON.parse(readFileSync('migrations/meta/_journal.json', 'utf8')) as { entries: { idx: number }[] };
  const last = String(journal.entries.at(-1)?.idx).padStart(4, '0');
  return JSON.parse(readFileSync(`migrations/meta/${last}_snapshot.json`, 'utf8')) as Snapshot;
}

test('the migrations say all that the schema folder says', async () => {
  const previous = lastSnapshot();
  const current = generateDrizzleJson(schema, previous.id, ['tenancy']);
  expect(await generateMigration(previous as never, current)).toEqual([]);
});

test('every table is a fact, a part of a fact, or bookkeeping', () => {
  const listed = [...auditedTables, ...partTables, ...bookkeepingTables].toSorted();
  const made = Object.values(lastSnapshot().tables)
    .map((table) => table.name)
    .toSorted();
  expect(listed).toEqual(made);
});

test('every fact has the guard of the kernel', () => {
  const written = ['0001_kernel', '0005_access_rules']
    .map((name) => readFileSync(`migrations/${name}.sql`, 'utf8').replaceAll('"', ''))
    .join();
  for (const table of auditedTables) {
    expect(written).toContain(`create trigger version_moves_by_one before update on tenancy.${table} for each row`);
    expect(written).toContain(
      `create constraint trigger change_has_feed_row after insert or update or delete on tenancy.${table} `,
    );
  }
});
