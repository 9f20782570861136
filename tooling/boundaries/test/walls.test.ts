import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { emptyCopy, workspaceRoot, type Copy } from '../src/copy.js';

const binaries = path.join(workspaceRoot, 'node_modules/.bin');

type Tool = 'lint' | 'boundaries' | 'compiler';

function run(tool: Tool, root: string): { passed: boolean; output: string } {
  const [file, args, cwd] = {
    lint: ['oxlint', ['-c', '.oxlintrc.json', 'packages', 'apps'], root] as const,
    boundaries: ['turbo', ['boundaries', '--no-color'], root] as const,
    compiler: [
      'tsc',
      ['-p', 'tsconfig.build.json', '--noEmit', '--emitDeclarationOnly', 'false'],
      path.join(root, 'packages/inventory'),
    ] as const,
  }[tool];
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', NO_COLOR: '1' };
  const done = spawnSync(path.join(binaries, file), [...args], { cwd, encoding: 'utf8', env });
  return { passed: done.status === 0, output: `${done.stdout}${done.stderr}` };
}

interface Plant {
  readonly title: string;
  readonly tool: Tool;
  /** What the tool must say, so that it is not caught for another reason. */
  readonly says: RegExp;
  readonly code?: string;
  readonly file?: string;
  readonly manifest?: { readonly of: string; readonly dependency: string };
}

const source = 'packages/inventory/src/plant.ts';
const task = /may not import @sentral\/task/;

const plants: Plant[] = [
  {
    title: 'relative across packages',
    tool: 'lint',
    says: /leads out of packages\/inventory/,
    code: `export { x } from '../../task/src/index.js';`,
  },
  {
    title: 'by package',
    tool: 'lint',
    says: task,
    code: `import { createTask } from '@sentral/task'; export const t = createTask;`,
  },
  {
    title: 'type-only',
    tool: 'lint',
    says: task,
    code: `import type { Task } from '@sentral/task'; export type T = Task;`,
  },
  { title: "import('…').T", tool: 'lint', says: task, code: `export type T = import('@sentral/task').Task;` },
  { title: 're-export', tool: 'lint', says: task, code: `export * from '@sentral/task';` },
  { title: 'dynamic', tool: 'lint', says: task, code: `export const t = await import('@sentral/task');` },
  {
    title: 'createRequire',
    tool: 'lint',
    says: task,
    code: `import { createRequire } from 'node:module';\nexport const t: unknown = createRequire(import.meta.url)('@sentral/task');`,
  },
  {
    title: 'self-reference',
    tool: 'lint',
    says: /does not import itself by name/,
    code: `export { migrations } from '@sentral/inventory/migrations';`,
  },
  { title: 'subpath alias', tool: 'lint', says: /subpath aliases/, code: `export { x } from '#task';` },
  {
    title: 'SQL text',
    tool: 'lint',
    says: /names the schema task/,
    code: 'export const q = `select id from task.task`;',
  },
  {
    title: 'pgSchema',
    tool: 'lint',
    says: /pgSchema\(task\)/,
    code: `import { pgSchema } from 'drizzle-orm/pg-core';\nexport const s = pgSchema('task');`,
  },
  {
    title: 'the driver',
    tool: 'lint',
    says: /imported by the kernel alone/,
    code: `import postgres from 'postgres';\nexport const sql = postgres();`,
  },
  {
    title: 'a foreign call in a transaction',
    tool: 'lint',
    says: /called inside a transaction/,
    code: `import { inTransaction } from '@sentral/kernel/transaction';\nexport const f = (deps: any) => inTransaction(deps.db, async () => deps.task.task.get());`,
  },
  {
    title: 'a silent write',
    tool: 'lint',
    says: /records nothing/,
    code: `import { inTransaction } from '@sentral/kernel/transaction';\nimport { insertNode } from './sql.js';\nexport const f = (deps: any) => inTransaction(deps.db, async (tx) => insertNode(tx));`,
  },
  {
    title: 'Node in contracts',
    tool: 'lint',
    says: /may import valibot only/,
    file: 'packages/contracts/src/plant.ts',
    code: `export { randomBytes } from 'node:crypto';`,
  },
  {
    title: 'relative across packages, once more',
    tool: 'boundaries',
    says: /leaves the package/,
    code: `export { x } from '../../task/src/index.js';`,
  },
  {
    title: 'by package, not declared',
    tool: 'boundaries',
    says: /@sentral\/task/,
    code: `export { createTask } from '@sentral/task';`,
  },
  {
    title: 'by package, declared',
    tool: 'boundaries',
    says: /found without any tag listed in allowlist for\s+\|?\s*`?@sentral\/inventory/,
    manifest: { of: 'packages/inventory', dependency: '@sentral/task' },
  },
  {
    title: 'a context declared by the kernel',
    tool: 'boundaries',
    says: /found without any tag listed in allowlist for\s+\|?\s*`?@sentral\/kernel/,
    manifest: { of: 'packages/kernel', dependency: '@sentral/task' },
  },
  {
    title: 'the kernel declared by contracts',
    tool: 'boundaries',
    says: /found without any tag listed in allowlist for\s+\|?\s*`?@sentral\/contracts/,
    manifest: { of: 'packages/contracts', dependency: '@sentral/kernel' },
  },
  {
    title: 'by package: nothing is linked that is not declared',
    tool: 'compiler',
    says: /TS2307.*@sentral\/task/,
    code: `export { createTask } from '@sentral/task';`,
  },
  {
    title: 'relative: rootDir is src',
    tool: 'compiler',
    says: /TS6059|is not under 'rootDir'/,
    code: `export * from '../../task/src/index.js';`,
  },
  {
    title: 'a file that the exports map does not name',
    tool: 'compiler',
    says: /TS2307.*contracts\/src/,
    code: `export * from '@sentral/contracts/src/problem.ts';`,
  },
  {
    title: 'subpath alias: none is declared',
    tool: 'compiler',
    says: /TS2307.*#task/,
    code: `export { x } from '#task';`,
  },
];

let copy: Copy;
beforeEach(() => {
  copy = emptyCopy();
  copy.write('packages/task/src/index.ts', 'export const x = 1;\n');
  copy.write('packages/inventory/src/index.ts', `export { y } from './rules.js';\n`);
  copy.write('packages/inventory/src/rules.ts', 'export const y = 1;\n');
  copy.write('packages/inventory/src/sql.ts', 'export const insertNode = (tx: object): object => tx;\n');
  copy.write('packages/contracts/src/clean.ts', `import * as v from 'valibot';\nexport const name = v.string();\n`);
});
afterEach(() => copy.remove());

describe.each(['lint', 'boundaries', 'compiler'] as const)('%s', (tool) => {
  test('passes a workspace without a violation', () => {
    const { passed, output } = run(tool, copy.root);
    expect(passed, output).toBe(true);
  });

  test.each(plants.filter((plant) => plant.tool === tool))('catches: $title', ({ code, file, manifest, says }) => {
    if (code) copy.write(file ?? source, `${code}\n`);
    if (manifest) {
      const { of, dependency } = manifest;
      copy.amend(`${of}/package.json`, (json) => void (json['dependencies']![dependency] = 'workspace:*'));
    }
    const { passed, output } = run(tool, copy.root);
    expect(output).toMatch(says);
    expect(passed).toBe(false);
  });
});
