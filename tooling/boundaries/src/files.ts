import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface SourceFile {
  /** Relative to the root, with slashes. */
  readonly name: string;
  readonly text: string;
}

export interface Manifest {
  readonly folder: string;
  readonly name: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly imports: unknown;
}

const skipped = new Set(['node_modules', 'dist', '.turbo', '.git', 'fixtures', 'golden', 'meta', 'coverage']);

/** The files of these folders whose name ends so, read. */
export function filesUnder(root: string, folders: readonly string[], ending: RegExp): SourceFile[] {
  return folders.flatMap((folder) => listed(root, folder, ending));
}

function listed(root: string, folder: string, ending: RegExp): SourceFile[] {
  const at = path.join(root, folder);
  if (!existsSync(at)) return [];
  return readdirSync(at, { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : listed(root, name, ending);
    return ending.test(entry.name) ? [{ name, text: readFileSync(path.join(root, name), 'utf8') }] : [];
  });
}

/** Every package of the workspace. */
export function manifestsOf(root: string): Manifest[] {
  return ['packages', 'apps', 'tooling'].flatMap((kind) =>
    readdirSync(path.join(root, kind))
      .map((name) => `${kind}/${name}`)
      .filter((folder) => existsSync(path.join(root, folder, 'package.json')))
      .map((folder) => ({
        dependencies: {},
        devDependencies: {},
        exports: {},
        imports: undefined,
        ...(JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as { name: string }),
        folder,
      })),
  );
}

/** Lines as an editor counts them. */
export const linesOf = (text: string): number => text.replace(/\n$/, '').split('\n').length;
