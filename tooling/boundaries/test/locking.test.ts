import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { workspaceRoot } from '../src/copy.js';
import { filesUnder } from '../src/files.js';
import { lockingStatements, lockingText } from '../src/locking.js';

const golden = new URL('../golden/locking.txt', import.meta.url);
const folders = ['tenancy', 'inventory', 'task', 'audit', 'kernel'].map((name) => `packages/${name}/src`);
const sources = () => filesUnder(workspaceRoot, folders, /(?<!\.test)\.ts$/);

test('every statement that locks is the one that was reviewed', () => {
  const now = lockingText(lockingStatements(sources()));
  if (process.env['SENTRAL_UPDATE_GOLDEN'] !== undefined) writeFileSync(golden, now);
  expect(now, '`pnpm --filter @sentral/boundaries golden` writes it down; read what it changed').toBe(
    readFileSync(golden, 'utf8'),
  );
});

test('whatever form a statement has, it is found', () => {
  const found = (text: string) => lockingStatements([{ name: 'x.ts', text }]).map(({ holder, sql }) => [holder, sql]);
  expect(found('export const lockAll = (tx) => tx.sql`select id\n  from a for no key\n update`;')).toEqual([
    ['lockAll', 'select id from a for no key update'],
  ]);
  expect(found('async function f() { await tx.unsafe(`${selectNode} where x FOR SHARE of n`); }')).toHaveLength(1);
  expect(found(`const s = 'insert into a values (1) on conflict do nothing';`)).toHaveLength(1);
  expect(found('f(`select pg_advisory_xact_lock(1, ${x})`, "select pg_try_advisory_xact_lock(1)")')).toHaveLength(2);
  expect(found('// select 1 for update\nthrow problem("x", {}, "Waits for update of it.")')).toEqual([]);
});

test('no text of the source that speaks of a lock escapes the golden file', () => {
  // Coarser than the collector: every line with the words, comments apart, belongs to a statement that was found or is named here.
  const words =
    /\bfor (no key update|key share)\b|\bfor (update|share)( of \w+)?( skip locked| nowait)?[`'"\s)]*[;,`]|pg_(try_)?advisory_|\bon conflict\b/i;
  const known = lockingStatements(sources()).map(({ file, sql }) => `${file} ${sql}`);
  const missed = sources().flatMap(({ name, text }) =>
    text
      .split('\n')
      .filter((line) => words.test(line) && !/^\s*(\/\/|\/?\*|--)/.test(line))
      .map((line) => line.replaceAll(/\s+/g, ' ').replaceAll(/^[\s`'"(]+|[`'",;)\s]+$/g, ''))
      .filter((line) => !known.some((each) => each.startsWith(name) && each.includes(core(line))))
      .map((line) => `${name}: ${line}`),
  );
  expect(missed).toEqual([]);
});

/** The part of a line of source around the words, without what stands about the text. */
const core = (line: string): string =>
  /(?:for (?:no key update|key share|update|share)[\w ]*|pg_(?:try_)?advisory_\w+|on conflict[^`'"]*)/i
    .exec(line)?.[0]
    .trim() ?? line;
