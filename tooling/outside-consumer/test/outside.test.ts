import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const here = fileURLToPath(new URL('..', import.meta.url));
const contracts = join(here, '../../packages/contracts');
const bin = (name: string): string => join(here, 'node_modules/.bin', name);

let outside: string;
let tarball: string;

beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), 'outside-'));
  tarball = await pack(contracts, outside);
  await install(tarball, join(outside, 'node_modules/@sentral/contracts'));
  // The very files of the workspace stand in for a download: valibot for running, the compiler for checking.
  await cp(await realpath(join(here, 'node_modules/valibot')), join(outside, 'node_modules/valibot'), {
    recursive: true,
  });
  await cp(join(here, 'consumer/consumer.ts'), join(outside, 'consumer.ts'));
  await writeFile(join(outside, 'package.json'), JSON.stringify({ name: 'outside', private: true, type: 'module' }));
  await writeFile(join(outside, 'tsconfig.json'), JSON.stringify({ compilerOptions: strict, files: ['consumer.ts'] }));
});

afterAll(async () => {
  await rm(outside, { recursive: true, force: true });
});

// A browser's library and no types of Node: who installs the contracts need not have them. Declarations are checked too.
const strict = {
  target: 'ES2022',
  lib: ['ES2023', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
  types: [],
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  outDir: 'out',
};

describe('a service of another team', () => {
  test('gets valibot alone with the contracts', async () => {
    const manifest = JSON.parse(
      await readFile(join(outside, 'node_modules/@sentral/contracts/package.json'), 'utf8'),
    ) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(manifest.dependencies)).toEqual(['valibot']);
    // A version, not a word of this workspace that no other package manager knows.
    expect(manifest.dependencies['valibot']).toMatch(/^[\^~]?\d+\.\d+\.\d+$/);
    expect(await readdir(join(outside, 'node_modules'))).toEqual(['@sentral', 'valibot']);
  });

  test('type-checks against them and runs', async () => {
    await execute(bin('tsc'), ['-p', outside]);
    const { stdout } = await execute(process.execPath, [join(outside, 'out/consumer.js')]);
    expect(stdout).toContain('the contracts work outside');
  });

  test('is told by the compiler when it misuses them', async () => {
    const text = await readFile(join(outside, 'consumer.ts'), 'utf8');
    await writeFile(join(outside, 'wrong.ts'), text.replaceAll('@ts-expect-error', ''));
    const checking = run(bin('tsc'), ['--noEmit', '-p', await configFor('wrong.ts')]);
    await expect(checking).rejects.toMatchObject({ stdout: expect.stringMatching(/TS2322[\s\S]*TS2339/) });
  });
});

describe('the package', () => {
  test('passes publint and attw', async () => {
    await execute(bin('publint'), ['run', '--strict', tarball]);
    const { stdout } = await execute(bin('attw'), [tarball, ...attwOptions, ...(await entrypoints())]);
    // Entries by pattern are not followed unless they are named: nothing seen would be nothing wrong.
    expect(stdout).toContain('@sentral/contracts/inventory/index');
  });

  test('and both fail when a declaration or a file is left out', async () => {
    const broken = join(outside, 'broken');
    const its = join(broken, 'package');
    await cp(join(outside, 'node_modules/@sentral/contracts'), its, { recursive: true });
    await rm(join(its, 'dist/ids.d.ts'));
    await expect(
      run(bin('attw'), [await archive(broken), ...attwOptions, ...(await entrypoints())]),
    ).rejects.toMatchObject({ code: 1 });
    const manifest = await readFile(join(its, 'package.json'), 'utf8');
    await writeFile(join(its, 'package.json'), manifest.replace('./dist/*.js', './lost/index.js'));
    await expect(run(bin('publint'), ['run', '--strict', await archive(broken)])).rejects.toMatchObject({ code: 1 });
  });
});

const attwOptions = ['--profile', 'esm-only', '--no-color', '--no-emoji', '--format', 'ascii', '--entrypoints'];

async function entrypoints(): Promise<string[]> {
  const files = await readdir(join(outside, 'node_modules/@sentral/contracts/dist'), { recursive: true });
  return files.filter((name) => name.endsWith('.d.ts')).map((name) => name.slice(0, -'.d.ts'.length));
}

async function archive(folder: string): Promise<string> {
  const path = join(folder, 'broken.tgz');
  await execute('tar', ['-czf', path, '-C', folder, 'package']);
  return path;
}

async function configFor(file: string): Promise<string> {
  const path = join(outside, 'tsconfig.wrong.json');
  await writeFile(path, JSON.stringify({ compilerOptions: strict, files: [file] }));
  return path;
}

async function pack(folder: string, into: string): Promise<string> {
  // The workspace's own pnpm: it alone resolves catalog entries to versions, and newer Node has no corepack.
  await execute(join(here, '../../node_modules/.bin/pnpm'), ['pack', '--pack-destination', into], folder);
  const name = (await readdir(into)).find((file) => file.endsWith('.tgz'));
  if (name === undefined) throw new Error('nothing was packed');
  return join(into, name);
}

async function install(packed: string, into: string): Promise<void> {
  await mkdir(dirname(into), { recursive: true });
  await execute('tar', ['-xzf', packed, '-C', dirname(into)]);
  await cp(join(dirname(into), 'package'), into, { recursive: true });
  await rm(join(dirname(into), 'package'), { recursive: true });
}

/** What the child said belongs into the message: a bare exit code helps nobody. */
async function execute(command: string, args: readonly string[], cwd?: string): Promise<{ stdout: string }> {
  try {
    return await run(command, [...args], cwd === undefined ? {} : { cwd });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')}\n${stdout ?? ''}\n${stderr ?? ''}`, { cause: error });
  }
}
