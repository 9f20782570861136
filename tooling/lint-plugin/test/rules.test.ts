import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

interface Case {
  readonly title: string;
  readonly file: string;
  readonly code: string;
  /** The rule that must report it; undefined where nothing may be reported. */
  readonly rule?: string;
}

const inventory = 'packages/inventory/src/node/register.ts';
const imports = 'room-imports';
const sqlText = 'no-foreign-sql';
const inside = 'no-foreign-call-in-transaction';
const silent = 'no-silent-write';

const cases: Case[] = [
  {
    title: 'a static import of another context',
    file: inventory,
    code: `import { createTask } from '@sentral/task';`,
    rule: imports,
  },
  {
    title: 'a type-only import of another context',
    file: inventory,
    code: `import type { Task } from '@sentral/task';`,
    rule: imports,
  },
  {
    title: 'a relative import across packages',
    file: inventory,
    code: `import { x } from '../../../task/src/index.js';`,
    rule: imports,
  },
  {
    title: 'a relative import into another build',
    file: inventory,
    code: `import { x } from '../../../../packages/task/dist/index.js';`,
    rule: imports,
  },
  { title: "import('…').T", file: inventory, code: `export type T = import('@sentral/task').Task;`, rule: imports },
  {
    title: "typeof import('…')",
    file: inventory,
    code: `export type T = typeof import('@sentral/task');`,
    rule: imports,
  },
  { title: 'a re-export', file: inventory, code: `export { createTask } from '@sentral/task';`, rule: imports },
  {
    title: 'a re-export of everything',
    file: inventory,
    code: `export * as task from '@sentral/task';`,
    rule: imports,
  },
  {
    title: 'a dynamic import',
    file: inventory,
    code: `export const t = await import('@sentral/task');`,
    rule: imports,
  },
  {
    title: 'a dynamic import of a joined name',
    file: inventory,
    code: "const c = 'task'; export const t = await import(`@sentral/${c}`);",
    rule: imports,
  },
  {
    title: 'a dynamic import that cannot be read',
    file: inventory,
    code: 'export const t = (m: string) => import(m);',
    rule: imports,
  },
  {
    title: 'createRequire',
    file: inventory,
    code: `import { createRequire } from 'node:module'; const load = createRequire(import.meta.url); export const t = load('@sentral/task');`,
    rule: imports,
  },
  {
    title: 'createRequire, called at once',
    file: inventory,
    code: `import * as m from 'node:module'; export const t = m.createRequire(import.meta.url)('@sentral/task');`,
    rule: imports,
  },
  {
    title: 'import.meta.resolve',
    file: inventory,
    code: `export const t = import.meta.resolve('@sentral/task');`,
    rule: imports,
  },
  {
    title: 'import = require',
    file: inventory,
    code: `import t = require('@sentral/task'); export { t };`,
    rule: imports,
  },
  {
    title: 'declare module',
    file: inventory,
    code: `declare module '@sentral/task' { interface X { a: 1 } } export {};`,
    rule: imports,
  },
  {
    title: 'a triple-slash reference',
    file: inventory,
    code: `/// <reference types="@sentral/task" />\nexport {};`,
    rule: imports,
  },
  {
    title: 'a self-reference',
    file: inventory,
    code: `import { migrations } from '@sentral/inventory/migrations';`,
    rule: imports,
  },
  { title: 'a subpath alias', file: inventory, code: `import { x } from '#task/index.js';`, rule: imports },
  {
    title: 'another context in a test',
    file: 'packages/inventory/test/x.test.ts',
    code: `import { createTask } from '@sentral/task';`,
    rule: imports,
  },
  {
    title: 'tooling in shipped source',
    file: inventory,
    code: `import { globalSetup } from '@sentral/testing';`,
    rule: imports,
  },
  {
    title: 'node: in contracts',
    file: 'packages/contracts/src/ids.ts',
    code: `import { randomBytes } from 'node:crypto';`,
    rule: imports,
  },
  {
    title: 'a third package in contracts',
    file: 'packages/contracts/src/ids.ts',
    code: `import { Hono } from 'hono';`,
    rule: imports,
  },
  {
    title: 'a context in the kernel',
    file: 'packages/kernel/src/feed.ts',
    code: `import { x } from '@sentral/inventory';`,
    rule: imports,
  },
  {
    title: "a context's entry for the migrator in the app",
    file: 'apps/sentral/src/main.ts',
    code: `import { migrations } from '@sentral/task/migrations';`,
    rule: imports,
  },
  {
    title: 'contracts, kernel and own files',
    file: inventory,
    code: `import { problem } from '@sentral/contracts/problem'; import { json } from '@sentral/kernel/database'; import { x } from './rules.js'; export { problem, json, x };`,
  },
  {
    title: 'tooling in a test',
    file: 'packages/inventory/test/y.test.ts',
    code: `import { globalSetup } from '@sentral/testing'; export { globalSetup };`,
  },
  {
    title: 'the root of a context in the app',
    file: 'apps/sentral/src/main.ts',
    code: `import { createTask } from '@sentral/task'; export { createTask };`,
  },
  {
    title: 'the driver outside the kernel',
    file: inventory,
    code: `import postgres from 'postgres'; export { postgres };`,
    rule: 'kernel-owns-postgres',
  },
  {
    title: "drizzle's driver outside the kernel",
    file: inventory,
    code: `import { drizzle } from 'drizzle-orm/postgres-js'; export { drizzle };`,
    rule: 'kernel-owns-postgres',
  },
  {
    title: 'sql.begin in the kernel',
    file: 'packages/kernel/src/x.ts',
    code: `export const f = (sql: any) => sql.begin(() => 1);`,
    rule: 'kernel-owns-postgres',
  },
  {
    title: 'sql.listen',
    file: 'packages/task/src/x.ts',
    code: `export const f = (db: any) => db.sql.listen('x');`,
    rule: 'kernel-owns-postgres',
  },
  {
    title: 'listen of an HTTP server',
    file: 'apps/sentral/src/http/x.ts',
    code: `export const f = (server: any) => server.listen(1);`,
  },
  {
    title: 'a tagged statement over another schema',
    file: inventory,
    code: 'export const f = (tx: any) => tx.sql`select t.id from task.task t`;',
    rule: sqlText,
  },
  {
    title: 'a quoted schema',
    file: inventory,
    code: 'export const f = (tx: any) => tx.sql`update "task"."task" set x = 1`;',
    rule: sqlText,
  },
  {
    title: 'a column of another schema',
    file: inventory,
    code: 'export const f = (tx: any) => tx.sql`select 1 where id = tenancy.tenant.id`;',
    rule: sqlText,
  },
  {
    title: 'a regclass cast',
    file: inventory,
    code: "export const f = (tx: any) => tx.sql`select 'audit.record'::regclass`;",
    rule: sqlText,
  },
  {
    title: 'a search_path',
    file: inventory,
    code: 'export const f = (db: any) => db.unsafe("set search_path = task, extensions");',
    rule: sqlText,
  },
  {
    title: 'unsafe text',
    file: inventory,
    code: `export const f = (db: any) => db.unsafe('select 1 from bus.message');`,
    rule: sqlText,
  },
  {
    title: 'joined text',
    file: inventory,
    code: `export const q = 'select * from ' + 'task' + '.task';`,
    rule: sqlText,
  },
  {
    title: 'a constant of the file',
    file: inventory,
    code: 'const s = "task"; export const q = `select * from ${s}.task`;',
    rule: sqlText,
  },
  {
    title: 'an identifier',
    file: inventory,
    code: `export const f = (sql: any) => sql.identifier('task');`,
    rule: sqlText,
  },
  {
    title: 'pgSchema of another context',
    file: inventory,
    code: `import { pgSchema } from 'drizzle-orm/pg-core'; export const s = pgSchema('task');`,
    rule: sqlText,
  },
  {
    title: 'an event name and a permission',
    file: inventory,
    code: `export const e = ['task.task.created', 'tenancy.tenant.read', 'reads from task.created later'];`,
  },
  {
    title: 'own schema in SQL, foreign words as data',
    file: inventory,
    code: "export const f = (tx: any) => tx.sql`select n.id from inventory.node n where kind = 'task.task'`;",
  },
  {
    title: 'the bus inside a transaction',
    file: inventory,
    code: `export const f = (deps: any) => inTransaction(deps.db, async (tx) => { await deps.bus.publish([]); });`,
    rule: inside,
  },
  {
    title: 'fetch inside a transaction',
    file: inventory,
    code: `export const f = (db: any) => inTransaction(db, async () => { await fetch('http://x'); });`,
    rule: inside,
  },
  {
    title: 'another context inside a transaction',
    file: inventory,
    code: `export const f = (deps: any) => inTransaction(deps.db, async () => deps.tenancy.project.get({}, {}));`,
    rule: inside,
  },
  {
    title: 'another context by a function of the file',
    file: inventory,
    code: `const ask = async (deps: any) => deps.tenancy.project.get({}, {}); export const f = (deps: any) => inTransaction(deps.db, async () => ask(deps));`,
    rule: inside,
  },
  {
    title: 'another context in a statement that takes tx',
    file: 'packages/inventory/src/node/sql.ts',
    code: `export async function lockNode(tx: Tx, bus: any) { await bus.request('x'); }`,
    rule: inside,
  },
  {
    title: 'the bus before and after a transaction',
    file: inventory,
    code: `export const f = async (deps: any) => { await deps.tenancy.project.get({}); await inTransaction(deps.db, async (tx) => { await lockNode(tx); }); await deps.bus.publish([]); };`,
  },
  {
    title: 'a write without a record',
    file: inventory,
    code: `export const f = (db: any) => inTransaction(db, async (tx) => { await insertNode(tx, {}); });`,
    rule: silent,
  },
  {
    title: 'a write in SQL without a record',
    file: inventory,
    code: 'export const f = (db: any) => inTransaction(db, async (tx) => { await tx.sql`update node set name = 1`; });',
    rule: silent,
  },
  {
    title: 'a write by a function of the file without a record',
    file: inventory,
    code: `const put = async (tx: any) => { await amendNode(tx); }; export const f = (db: any) => inTransaction(db, async (tx) => { await put(tx); });`,
    rule: silent,
  },
  {
    title: 'a write with its record',
    file: inventory,
    code: `export const f = (db: any) => inTransaction(db, async (tx) => { await insertNode(tx, {}); await record(tx, 'inventory', []); });`,
  },
  {
    title: 'a write of bookkeeping',
    file: inventory,
    code: 'export const f = (db: any) => inTransaction(db, async (tx) => { await insertImportRows(tx, {}); await tx.sql`update lease set x = 1`; });',
  },
];

const folder = mkdtempSync(path.join(tmpdir(), 'sentral-lint-'));
const plugin = fileURLToPath(new URL('../src/index.js', import.meta.url));
/** file → rules that reported it */
const reported = new Map<string, string[]>();

/** Each case gets a file of its own beside the one it stands for. */
const fileOf = (at: number): string => {
  const wanted = cases[at]?.file ?? '';
  return wanted.replace(/([^/]+?)(\.test)?\.ts$/, `$1-${at}$2.ts`);
};

beforeAll(() => {
  cases.forEach((each, at) => {
    const file = path.join(folder, fileOf(at));
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `${each.code}\n`);
  });
  const rules = [imports, 'kernel-owns-postgres', sqlText, inside].map((name) => [`sentral/${name}`, 'error']);
  const config = {
    jsPlugins: [{ name: 'sentral', specifier: plugin }],
    categories: { correctness: 'off' },
    rules: {
      ...Object.fromEntries(rules),
      'sentral/no-silent-write': ['error', { bookkeeping: { inventory: ['import_row'] } }],
    },
  };
  writeFileSync(path.join(folder, '.oxlintrc.json'), JSON.stringify(config));
  const oxlint = path.join(path.dirname(createRequire(import.meta.url).resolve('oxlint/package.json')), 'bin/oxlint');
  const run = spawnSync(process.execPath, [oxlint, '-c', '.oxlintrc.json', '--format', 'json', '.'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const report = JSON.parse(run.stdout) as {
    diagnostics: { code: string; filename: string }[];
    number_of_files: number;
  };
  expect(report.number_of_files).toBe(cases.length);
  for (const { code, filename } of report.diagnostics) {
    reported.set(filename, [...(reported.get(filename) ?? []), code]);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(cases.map((each, at) => ({ ...each, at })))('$title', ({ rule, at }) => {
  test(rule ? `is caught by ${rule}` : 'passes', () => {
    const rules = reported.get(fileOf(at)) ?? [];
    expect(new Set(rules)).toEqual(new Set(rule ? [`sentral(${rule})`] : []));
  });
});
