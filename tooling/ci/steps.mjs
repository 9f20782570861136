import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const started = Date.now();
const seconds = (from) => `${((Date.now() - from) / 1000).toFixed(1)} s`;

/** The programs of the root's packages come first on PATH: the script also runs where no package manager has set it. */
export const environment = (more = {}) => ({
  ...process.env,
  PATH: `${path.join(root, 'node_modules/.bin')}${path.delimiter}${process.env.PATH ?? ''}`,
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  DO_NOT_TRACK: '1',
  ...more,
});

/** Runs a program to its end; its output is shown as it comes when `show`, and kept either way. */
export function run(file, args, { env = {}, cwd = root, show = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const take = (stream) => (chunk) => {
      output += chunk;
      if (show) stream.write(chunk);
    };
    child.stdout.on('data', take(process.stdout));
    child.stderr.on('data', take(process.stderr));
    child.once('error', (error) => resolve({ passed: false, output: `${output}${error.message}\n`, shown: false }));
    child.once('close', (code) => resolve({ passed: code === 0, output, shown: show }));
  });
}

/** What has passed and failed so far: each check counts as one, each test as one. */
export const tally = {
  passed: 0,
  failed: 0,
  skipped: /** @type {string[]} */ ([]),
  failures: /** @type {string[]} */ ([]),
};

export function count(passed, failed, what) {
  tally.passed += passed;
  tally.failed += failed;
  if (failed > 0) tally.failures.push(what);
}

/** One check: says that it begins, how it ended, and what the tool said when it failed. */
export async function check(title, work) {
  const from = Date.now();
  process.stdout.write(`· ${title} …\n`);
  let outcome;
  try {
    outcome = await work();
  } catch (error) {
    outcome = { passed: false, output: `${error instanceof Error ? error.message : String(error)}\n` };
  }
  if (!outcome.passed && !outcome.shown) process.stdout.write(outcome.output.replace(/\n*$/, '\n'));
  process.stdout.write(`${outcome.passed ? '✓' : '✗'} ${title} (${seconds(from)})\n`);
  count(outcome.passed ? 1 : 0, outcome.passed ? 0 : 1, title);
  return outcome.passed;
}

/** The last line is the one that programs read. */
export function finish() {
  for (const name of tally.skipped) process.stdout.write(`skipped: ${name}\n`);
  for (const name of tally.failures) process.stdout.write(`failed: ${name}\n`);
  process.stdout.write(`in ${seconds(started)}\n`);
  process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
  process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}
