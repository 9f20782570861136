// What `pnpm test` and CI run, and with --verify the part of it that needs no server.
import { readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { countResults, forgetResults, manifestOf, resultFile, testedPackages } from './results.mjs';
import { serverTests } from './server-tests.mjs';
import { natsServer, postgresVersion } from './servers.mjs';
import { check, finish, root, run } from './steps.mjs';

const verifyOnly = process.argv.includes('--verify');
/** Each test task has a PostgreSQL of its own beside it: more than one task a core only makes all of them slow. */
const concurrency = `--concurrency=${Math.max(1, Math.min(4, cpus().length))}`;
const folders = ['packages', 'apps', 'tooling'];
const published = readdirSync(path.join(root, 'packages')).map((name) => path.join('packages', name));
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultFile}`];

async function staticChecks() {
  await check('format', () => run('oxfmt', ['--check', '.']));
  // Before everything that reads types: packages see each other through what is built.
  const built = await check('build', () => run('turbo', ['run', 'build', concurrency, '--output-logs=errors-only']));
  await check('lint', () => run('oxlint', ['--type-aware', '--deny-warnings', ...folders]));
  await check('boundaries', () => run('turbo', ['boundaries', '--no-color']));
  await check('unused files, exports and dependencies', () => run('knip', ['--no-progress']));
  await check('types', () =>
    run('turbo', ['run', 'typecheck', concurrency, '--continue', '--output-logs=errors-only']),
  );
  if (built) await check('packages as others get them', packed);
  if (built)
    await check('contract report', () => run('node', ['tooling/contract-report/dist/main.js'], { show: true }));
  return built;
}

/** What is published must be right for whoever installs it: exports, types, files. */
async function packed() {
  let output = '';
  for (const folder of published) {
    for (const { file, args } of [
      { file: 'publint', args: ['run', folder, '--strict', '--pack', 'pnpm'] },
      {
        file: 'attw',
        args: ['--pack', folder, '--profile', 'esm-only', '--no-emoji', '--no-color', ...entrypoints(folder)],
      },
    ]) {
      const outcome = await run(file, args);
      if (!outcome.passed) output += `${folder}: ${file}\n${outcome.output}\n`;
    }
  }
  return { passed: output === '', output };
}

/** attw does not look behind a wildcard: each file that it lets through is named. */
function entrypoints(folder) {
  if (manifestOf(folder).exports?.['./*'] === undefined) return [];
  const types = readdirSync(path.join(root, folder, 'dist'), { recursive: true }).filter((name) =>
    name.endsWith('.d.ts'),
  );
  return ['--include-entrypoints', ...types.map((name) => name.replaceAll(path.sep, '/').replace(/\.d\.ts$/, ''))];
}

async function everyTest() {
  let version = 'unknown';
  await check('PostgreSQL for the tests', async () => {
    version = await postgresVersion();
    process.stdout.write(`  PostgreSQL ${version}\n`);
    return { passed: true };
  });
  await check('nats-server for the tests', async () => {
    process.stdout.write(`  ${await natsServer()}\n`);
    return { passed: true };
  });
  forgetResults();
  const env = { SENTRAL_TEST_POSTGRES_VERSION: version, SENTRAL_TEST_NODE_VERSION: process.versions.node };
  const args = [
    'run',
    'test',
    concurrency,
    '--continue',
    '--output-logs=new-only',
    '--log-order=grouped',
    '--',
    ...reporters,
  ];
  await run('turbo', args, { env, show: true });
  countResults();
}

async function unitTests() {
  forgetResults();
  const config = path.join(root, 'tooling/ci/unit.config.mjs');
  for (const folder of testedPackages()) {
    const others = serverTests(folder).map((file) => `--exclude=${file}`);
    await run('vitest', ['run', '--config', config, '--root', '.', ...others, ...reporters], {
      cwd: path.join(root, folder),
      env: { PATH: `${path.join(root, folder, 'node_modules/.bin')}${path.delimiter}${process.env.PATH ?? ''}` },
      show: true,
    });
  }
  countResults();
}

const built = await staticChecks();
if (verifyOnly) await unitTests();
else if (built) await everyTest();
finish();
