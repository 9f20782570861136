import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const src = fileURLToPath(new URL('../src/', import.meta.url));
const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(src, name), 'utf8') }));

/** What a browser does not have, or what this package does not depend on. */
function foreign(text: string): string[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '');
  const specifiers = [...code.matchAll(/(?<!['"])\b(?:from|import|require)\s*\(?\s*['"`]([^'"`]+)['"`]/g)].map(
    ([, it]) => it as string,
  );
  const globals =
    code.match(
      /(?<![\w.'"`/-])(?:Buffer|process|__dirname|__filename|setImmediate|require|global)(?=\s*[.([]|\s*\))/g,
    ) ?? [];
  return [...specifiers.filter((it) => it !== 'valibot' && !it.startsWith('.')), ...globals];
}

test('the contracts need valibot alone and run in a browser', () => {
  expect(sources.length).toBeGreaterThan(15);
  for (const { name, text } of sources) expect(foreign(text), name).toEqual([]);
});

test('the check sees each way to leave the browser', () => {
  for (const planted of [
    `import { createHash } from 'node:crypto';`,
    `import fs from "fs";`,
    `const x = await import('node:fs');`,
    `export * from '@sentral/kernel/id';`,
    `import 'hono';`,
    `type T = import('drizzle-orm').Table;`,
    `const x = Buffer.from('a');`,
    `if (process.env['X']) {}`,
    `const x = require('fs');`,
  ]) {
    expect(foreign(planted), planted).not.toEqual([]);
  }
  expect(
    foreign(`// uses Buffer.from\nimport * as v from 'valibot';\nimport { a } from './a.js'; // in process.`),
  ).toEqual([]);
});

test('the package depends on valibot alone', () => {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(src, '../package.json'), 'utf8')) as {
    dependencies: object;
    peerDependencies?: object;
  };
  expect(Object.keys({ ...dependencies, ...peerDependencies })).toEqual(['valibot']);
});

test('no enum and no class but Problem', () => {
  for (const { name, text } of sources) {
    expect(text, name).not.toMatch(/^\s*(export\s+)?(const\s+)?enum\s/m);
    expect(
      [...text.matchAll(/^\s*(?:export\s+)?(?:abstract\s+)?class\s+(\w+)/gm)].map(([, it]) => it),
      name,
    ).toEqual(name === 'problem.ts' ? ['Problem'] : []);
  }
});
