import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Golden } from '@sentral/contracts/golden';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { contractReport } from '../src/report.js';

let root: string;

const object = (properties: Record<string, object>, required: string[], more: object = {}) => ({
  type: 'object',
  properties,
  required,
  ...more,
});
const text = { type: 'string' };

const inventory = {
  context: 'inventory',
  verbs: {
    'node.get': {
      command: object({ id: text }, ['id'], { additionalProperties: false }),
      result: object({ id: text, name: text }, ['id', 'name']),
      refuses: ['not-found'],
      idempotent: true,
    },
  },
  events: { 'inventory.node.registered.v1': object({ id: text }, ['id']) },
} satisfies Golden;

function write(name: string, value: unknown): void {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), typeof value === 'string' ? value : `${JSON.stringify(value, undefined, 2)}\n`);
}

function git(...args: string[]): void {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false'];
  const done = spawnSync('git', [...identity, ...args], { cwd: root, encoding: 'utf8' });
  expect(done.status, done.stderr).toBe(0);
}

const golden = 'packages/contracts/golden/inventory.json';

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'sentral-report-'));
  const needs = (...names: string[]) => Object.fromEntries(names.map((name) => [`@sentral/${name}`, 'workspace:*']));
  write('packages/contracts/package.json', { name: '@sentral/contracts' });
  write('packages/inventory/package.json', { name: '@sentral/inventory', dependencies: needs('contracts') });
  write('packages/task/package.json', { name: '@sentral/task', dependencies: needs('contracts') });
  write('apps/sentral/package.json', { name: '@sentral/app', dependencies: needs('inventory', 'task') });
  write(golden, inventory);
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '-m', 'Base');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function changed(change: (contract: typeof inventory) => void): void {
  const copy = structuredClone(inventory);
  change(copy);
  write(golden, copy);
}

test('an unchanged contract is said to be unchanged', () => {
  const { markdown, failed } = contractReport(root, 'HEAD');
  expect(markdown).toContain('No contract changed.');
  expect(failed).toBe(false);
});

test('a field that a result loses is named, with everyone whom it concerns, and refused', () => {
  changed((contract) => {
    contract.verbs['node.get'].result = object({ id: text }, ['id']);
  });
  const { markdown, failed } = contractReport(root, 'HEAD');
  expect(markdown).toMatch(/\*\*breaking\*\* \| `node\.get:result.*name/);
  expect(markdown).toContain('`@sentral/inventory`, `@sentral/task`, `@sentral/app` (through');
  expect(failed).toBe(true);
});

test('a breaking change that a changeset announces may go in', () => {
  changed((contract) => void contract.verbs['node.get'].refuses.push('gone'));
  expect(contractReport(root, 'HEAD').failed).toBe(true);
  write('.changeset/other.md', '---\n"@sentral/inventory": major\n---\n\nSomething else.\n');
  expect(contractReport(root, 'HEAD').failed).toBe(true);
  write('.changeset/node-gone.md', '---\n"@sentral/contracts": minor\n---\n\nA node may be gone.\n');
  const { markdown, failed } = contractReport(root, 'HEAD');
  expect(markdown).toContain('announced by `.changeset/node-gone.md`');
  expect(failed).toBe(false);
});

const openapi = 'packages/contracts/golden/openapi.json';
const operation = (permission: string) => ({
  operationId: 'getNode',
  'x-permission': permission,
  responses: { 200: { description: '', content: { 'application/json': { schema: object({ id: text }, ['id']) } } } },
});

test('a changed operation of the public API is named, and a breaking one refused until it is announced', () => {
  write(openapi, { paths: { '/v1/nodes/{id}': { get: operation('inventory.node.read') } } });
  git('add', '-A');
  git('commit', '-q', '-m', 'Document');
  write(openapi, {
    paths: {
      '/v1/nodes/{id}': { get: operation('inventory.node.update') },
      '/v1/nodes': { get: operation('a.b.read') },
    },
  });
  const { markdown, failed } = contractReport(root, 'HEAD');
  expect(markdown).toContain('Changed: `GET /v1/nodes/{id}`, `GET /v1/nodes`.');
  expect(markdown).toMatch(/\*\*breaking\*\* \| `GET \/v1\/nodes\/\{id\}` \| x-permission/);
  expect(markdown).toMatch(/compatible \| `GET \/v1\/nodes` \| operation added/);
  expect(failed).toBe(true);
  write('.changeset/permission.md', '---\n"@sentral/contracts": minor\n---\n\nReading nodes needs more.\n');
  expect(contractReport(root, 'HEAD').failed).toBe(false);
});

test('the first document of the public API promises from now on', () => {
  write(openapi, { paths: { '/v1/nodes': { get: operation('inventory.node.read') } } });
  expect(contractReport(root, 'HEAD')).toMatchObject({
    failed: false,
    markdown: expect.stringContaining('No operation changed.'),
  });
});

test('a changeset of an earlier change announces nothing', () => {
  write('.changeset/old.md', '---\n"@sentral/contracts": major\n---\n\nOld.\n');
  git('add', '-A');
  git('commit', '-q', '-m', 'Earlier');
  changed((contract) => void contract.verbs['node.get'].refuses.push('gone'));
  expect(contractReport(root, 'HEAD').failed).toBe(true);
});

test('a command that accepts more is a compatible change', () => {
  changed((contract) => {
    contract.verbs['node.get'].command = object({ id: text, fields: text }, ['id'], { additionalProperties: false });
  });
  const { markdown, failed } = contractReport(root, 'HEAD');
  expect(markdown).toMatch(/compatible \| `node\.get:command/);
  expect(failed).toBe(false);
});

test('a contract that goes away is breaking', () => {
  rmSync(path.join(root, golden));
  expect(contractReport(root, 'HEAD')).toMatchObject({
    failed: true,
    markdown: expect.stringContaining('contract removed'),
  });
});

test('a base that is not there is an error and not a clean report', () => {
  expect(() => contractReport(root, 'nowhere')).toThrow(/no revision nowhere/);
});
