import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Golden } from '@sentral/contracts/golden';

const goldenFolder = 'packages/contracts/golden';
const changesetFolder = '.changeset';

/** The answer of git, or undefined when it refuses. */
export function git(root: string, ...args: readonly string[]): string | undefined {
  const done = spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return done.status === 0 ? done.stdout : undefined;
}

/** The revision to compare with: the given one, else where this branch left main, else the commit before. */
export function baseRevision(root: string, given: string | undefined): string | undefined {
  if (given) {
    const found = git(root, 'rev-parse', '--verify', `${given}^{commit}`)?.trim();
    if (!found) throw new Error(`There is no revision ${given} here; a shallow clone needs its base fetched.`);
    return found;
  }
  const head = git(root, 'rev-parse', '--verify', 'HEAD')?.trim();
  const fork = git(root, 'merge-base', 'HEAD', 'origin/main')?.trim();
  return fork && fork !== head ? fork : git(root, 'rev-parse', '--verify', 'HEAD~1')?.trim();
}

/** The goldens by context: of a revision, or without one as they lie in the folder. */
export function goldensAt(root: string, revision?: string): ReadonlyMap<string, Golden> {
  return new Map(
    filesIn(root, goldenFolder, revision)
      .filter(({ name }) => name.endsWith('.json'))
      .map(({ text }) => JSON.parse(text) as Golden)
      .filter((golden) => typeof golden.context === 'string' && typeof golden.verbs === 'object')
      .map((golden) => [golden.context, golden]),
  );
}

/** The committed document of the public API: of a revision, or without one as it lies in the folder. */
export function openApiAt(root: string, revision?: string): unknown {
  const text = filesIn(root, goldenFolder, revision).find(({ name }) => name === 'openapi.json')?.text;
  return text === undefined ? undefined : JSON.parse(text);
}

/** Changeset entries that this change brings along and that raise the version of the contracts by more than a patch. */
export function newChangesets(root: string, base: string): readonly string[] {
  const before = new Set(filesIn(root, changesetFolder, base).map(({ name }) => name));
  return filesIn(root, changesetFolder)
    .filter(({ name }) => name.endsWith('.md') && !before.has(name))
    .filter(({ text }) => /^["']?@sentral\/contracts["']?\s*:\s*(major|minor)\s*$/m.test(text.split(/^---$/m)[1] ?? ''))
    .map(({ name }) => name);
}

/** Files that differ from the base, those that git does not know yet included. */
export function changedFiles(root: string, base: string): readonly string[] {
  const known = git(root, 'diff', '--name-only', base) ?? '';
  const fresh = git(root, 'ls-files', '--others', '--exclude-standard') ?? '';
  return [...new Set(`${known}\n${fresh}`.split('\n').filter((name) => name !== ''))].toSorted();
}

function filesIn(root: string, folder: string, revision?: string): { name: string; text: string }[] {
  if (revision === undefined) {
    if (!existsSync(path.join(root, folder))) return [];
    return readdirSync(path.join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => ({ name: entry.name, text: readFileSync(path.join(root, folder, entry.name), 'utf8') }));
  }
  const names = (git(root, 'ls-tree', '--name-only', `${revision}:${folder}`) ?? '')
    .split('\n')
    .filter((name) => name !== '');
  return names.map((name) => ({ name, text: git(root, 'show', `${revision}:${folder}/${name}`) ?? '' }));
}
