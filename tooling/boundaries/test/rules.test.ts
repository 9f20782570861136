import { afterEach, describe, expect, test } from 'vitest';
import { emptyCopy, workspaceRoot, type Copy } from '../src/copy.js';
import { rules } from '../src/rules.js';

const lines = (count: number): string => 'export {};\n'.repeat(count);

/** For each rule, what breaks it. */
const plants: Record<keyof typeof rules, ((copy: Copy) => void)[]> = {
  'contracts depend on valibot alone': [
    (copy) => copy.amend('packages/contracts/package.json', (json) => void (json['dependencies']!['hono'] = '4')),
  ],
  'contracts run in a browser': [
    (copy) => copy.write('packages/contracts/src/x.ts', `import { randomBytes } from 'node:crypto';`),
    (copy) => copy.write('packages/contracts/src/x.ts', `export const x = Buffer.from('x');`),
  ],
  'the kernel stays small': [
    (copy) => copy.write('packages/kernel/src/x.ts', lines(3201)),
    (copy) => copy.write('packages/kernel/src/scopes/x.ts', lines(401)),
    (copy) => {
      for (let at = 0; at < 19; at += 1) copy.write(`packages/kernel/src/x${at}.ts`, lines(1));
    },
  ],
  'no file is longer than one can read': [(copy) => copy.write('apps/sentral/src/x.ts', lines(351))],
  'contexts depend on contracts and kernel': [
    (copy) =>
      copy.amend(
        'packages/task/package.json',
        (json) => void (json['dependencies']!['@sentral/audit'] = 'workspace:*'),
      ),
    (copy) =>
      copy.amend(
        'packages/task/package.json',
        (json) => void (json['devDependencies']!['@sentral/audit'] = 'workspace:*'),
      ),
    (copy) =>
      copy.amend(
        'packages/task/package.json',
        (json) => void (json['dependencies']!['other'] = 'workspace:@sentral/audit@*'),
      ),
    (copy) =>
      copy.amend(
        'packages/task/package.json',
        (json) => void (json['dependencies']!['@sentral/testing'] = 'workspace:*'),
      ),
  ],
  'contexts export their factory, their migrations and their operator commands': [
    (copy) =>
      copy.amend('packages/task/package.json', (json) => void (json['exports']!['./schema'] = './dist/schema.js')),
  ],
  'no import has two names': [
    (copy) =>
      copy.amend(
        'packages/task/package.json',
        (json) => void (json['imports'] = { '#audit': '../audit/src/index.ts' }),
      ),
    (copy) =>
      copy.amend('packages/task/package.json', (json) => void (json['dependencies']!['other'] = 'link:../audit')),
    (copy) =>
      copy.amend(
        'packages/task/tsconfig.json',
        (json) => void (json['compilerOptions'] = { paths: { x: ['../audit/src'] } }),
      ),
  ],
  'what is built comes from src': [
    (copy) =>
      copy.amend('packages/task/tsconfig.build.json', (json) => void (json['compilerOptions']!['rootDir'] = '..')),
  ],
  'migrations name no schema of another context': [
    (copy) =>
      copy.write(
        'packages/task/migrations/0000_x.sql',
        'alter table task.task add foreign key (x) references tenancy.project (id);',
      ),
    (copy) => copy.write('packages/task/migrations/0000_x.sql', 'create view v as select * from "audit"."record";'),
  ],
};

let copy: Copy | undefined;
afterEach(() => copy?.remove());

describe.each(Object.keys(rules) as (keyof typeof rules)[])('%s', (name) => {
  test('holds in this workspace', () => {
    expect(rules[name](workspaceRoot)).toEqual([]);
  });

  test('holds in a workspace without sources', () => {
    copy = emptyCopy();
    expect(rules[name](copy.root)).toEqual([]);
  });

  test.each(plants[name])('is seen to be broken (%#)', (plant) => {
    copy = emptyCopy();
    plant(copy);
    expect(rules[name](copy.root)).not.toEqual([]);
  });
});
