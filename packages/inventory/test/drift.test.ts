import { readFileSync } from 'node:fs';
import { kernelSql } from '@sentral/kernel/tables';
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api';
import { expect, test } from 'vitest';
import * as address from '../src/schema/address.js';
import * as allocation from '../src/schema/allocation.js';
import * as capacity from '../src/schema/capacity.js';
import { auditedTables, bookkeepingTables, laterAuditedTables, partTables } from '../src/schema/catalogue.js';
import * as context from '../src/schema/context.js';
import * as deviceType from '../src/schema/device-type.js';
import * as edge from '../src/schema/edge.js';
import * as finding from '../src/schema/finding.js';
import * as imports from '../src/schema/import.js';
import * as kernel from '../src/schema/kernel.js';
import * as kind from '../src/schema/kind.js';
import * as node from '../src/schema/node.js';
import * as number from '../src/schema/number.js';
import * as past from '../src/schema/past.js';
import * as platformResource from '../src/schema/platform-resource.js';
import * as pool from '../src/schema/pool.js';
import * as rack from '../src/schema/rack.js';
import * as refusal from '../src/schema/refusal.js';
import * as scope from '../src/schema/scope.js';

const schema = {
  inventory: context.inventory,
  ...address,
  ...allocation,
  ...capacity,
  ...deviceType,
  ...edge,
  ...finding,
  ...imports,
  ...kernel,
  ...kind,
  ...node,
  ...number,
  ...past,
  ...platformResource,
  ...pool,
  ...rack,
  ...refusal,
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
  const current = generateDrizzleJson(schema, previous.id, ['inventory']);
  expect(await generateMigration(previous as never, current)).toEqual([]);
});

test('every table is a fact, a part of a fact, or bookkeeping', () => {
  const listed = [...auditedTables, ...laterAuditedTables, ...partTables, ...bookkeepingTables].toSorted();
  const made = Object.values(lastSnapshot().tables)
    .map((table) => table.name)
    .toSorted();
  expect(listed).toEqual(made);
});

test('the kernel step guards exactly the facts', () => {
  const written = readFileSync('migrations/0001_kernel.sql', 'utf8').trim();
  expect(written).toBe(
    kernelSql(
      'inventory',
      auditedTables.map((table) => ({ table })),
    ).trim(),
  );
});

test('what came later is guarded as the kernel step would', () => {
  const written = ['0015_placement_rules', '0019_findings']
    .map((name) => readFileSync(`migrations/${name}.sql`, 'utf8'))
    .join('');
  const guards = kernelSql(
    'inventory',
    laterAuditedTables.map((table) => ({ table })),
  )
    .split('--> statement-breakpoint')
    .filter((statement) =>
      /create (?:constraint )?trigger (?:version_moves_by_one|change_has_feed_row)/.test(statement),
    );
  expect(guards).toHaveLength(2 * laterAuditedTables.length);
  for (const guard of guards) expect(written).toContain(guard.trim());
});
