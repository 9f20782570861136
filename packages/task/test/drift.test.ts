import { readdirSync, readFileSync } from 'node:fs';
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api';
import { expect, test } from 'vitest';
import { auditedTables, bookkeepingTables, tenantTables } from '../src/schema/catalogue.js';
import * as context from '../src/schema/context.js';
import * as kernel from '../src/schema/kernel.js';
import * as lane from '../src/schema/lane.js';
import * as schedules from '../src/schema/schedule.js';
import * as scope from '../src/schema/scope.js';
import * as step from '../src/schema/step.js';
import * as tasks from '../src/schema/task.js';
import * as trouble from '../src/schema/trouble.js';

const schema = { schema: context.task, ...kernel, ...lane, ...schedules, ...scope, ...step, ...tasks, ...trouble };

type Snapshot = { id: string; tables: Record<string, { name: string }> };

function lastSnapshot(): Snapshot {
  const journal = JSON.parse(readFileSync('migrations/meta/_journal.json', 'utf8')) as { entries: { idx: number }[] };
  const last = String(journal.entries.at(-1)?.idx).padStart(4, '0');
  return JSON.parse(readFileSync(`migrations/meta/${last}_snapshot.json`, 'utf8')) as Snapshot;
}

test('the migrations say all that the schema folder says', async () => {
  const previous = lastSnapshot();
  const current = generateDrizzleJson(schema, previous.id, ['task']);
  expect(await generateMigration(previous as never, current)).toEqual([]);
});

test('every table is a fact or bookkeeping', () => {
  const made = Object.values(lastSnapshot().tables).map((table) => table.name);
  expect([...auditedTables, ...bookkeepingTables].toSorted()).toEqual(made.toSorted());
});

test('every fact has the guard of the kernel, and every table that a tenant reads a policy', () => {
  const files = readdirSync('migrations').filter((name) => name.endsWith('.sql'));
  const written = files.map((name) => readFileSync(`migrations/${name}`, 'utf8')).join('\n');
  for (const table of auditedTables) {
    expect(written).toContain(`create trigger version_moves_by_one before update on task.${table} for each row`);
    expect(written).toContain(
      `create constraint trigger change_has_feed_row after insert or update or delete on task.${table} `,
    );
  }
  for (const table of tenantTables)
    expect(written).toContain(`create policy ${table}_read_own_tenant on task.${table} for select to task_read`);
});
