import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { count, root, tally } from './steps.mjs';

/** Where each package's test task leaves its results: an output of the task, so that a cache hit brings it back. */
export const resultFile = '.turbo/results/vitest.json';

/** The workspace's packages that have tests to run. */
export function testedPackages() {
  return ['packages', 'apps', 'tooling'].flatMap((kind) =>
    readdirSync(path.join(root, kind))
      .map((name) => path.join(kind, name))
      .filter((folder) => existsSync(path.join(root, folder, 'package.json')))
      .filter((folder) => manifestOf(folder).scripts?.test !== undefined),
  );
}

/** Yesterday's results must not answer for a run that never got as far as writing its own. */
export function forgetResults() {
  for (const folder of testedPackages()) rmSync(path.join(root, folder, resultFile), { force: true });
}

/** Counts what the packages have left behind, and says it per package. */
export function countResults() {
  for (const folder of testedPackages()) {
    const { name } = manifestOf(folder);
    const file = path.join(root, folder, resultFile);
    if (!existsSync(file)) {
      process.stdout.write(`✗ ${name}: left no results\n`);
      count(0, 1, `${name} left no results`);
      continue;
    }
    const outcome = JSON.parse(readFileSync(file, 'utf8'));
    const broken = outcome.testResults.filter(
      (each) => each.status === 'failed' && !each.assertionResults.some((test) => test.status === 'failed'),
    );
    const failed = outcome.numFailedTests + broken.length;
    process.stdout.write(`${failed === 0 ? '✓' : '✗'} ${name}: ${outcome.numPassedTests} passed, ${failed} failed\n`);
    count(outcome.numPassedTests, failed, `${name}: ${failed} tests`);
    if (failed === 0 && !outcome.success) count(0, 1, `${name}: an error outside its tests`);
    for (const each of outcome.testResults) {
      for (const test of each.assertionResults) {
        if (['skipped', 'pending', 'todo', 'disabled'].includes(test.status))
          tally.skipped.push(`${name}: ${test.fullName}`);
      }
    }
  }
}

export function manifestOf(folder) {
  return JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'));
}
