import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface Dependant {
  readonly name: string;
  /** Empty when it depends by itself, else the package in between. */
  readonly through: string;
}

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** The manifests of the workspace by package name, each with its folder. */
export function workspacePackages(root: string): ReadonlyMap<string, Manifest & { readonly folder: string }> {
  const folders = ['packages', 'apps', 'tooling']
    .filter((kind) => existsSync(path.join(root, kind)))
    .flatMap((kind) => readdirSync(path.join(root, kind)).map((name) => `${kind}/${name}`))
    .filter((folder) => existsSync(path.join(root, folder, 'package.json')));
  return new Map(
    folders.map((folder) => {
      const manifest = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as Manifest;
      return [manifest.name, { ...manifest, folder }];
    }),
  );
}

/** Who is touched by a change of this package: those that name it, then those that name them, nearest first. */
export function dependantsOf(root: string, name: string): readonly Dependant[] {
  const packages = workspacePackages(root);
  const found = new Map<string, Dependant>();
  for (let wave = [name], through = ''; wave.length > 0; through = wave.join(', ')) {
    const next: string[] = [];
    for (const manifest of packages.values()) {
      if (manifest.name === name || found.has(manifest.name)) continue;
      const needs = Object.keys({ ...manifest.devDependencies, ...manifest.dependencies });
      const by = wave.find((each) => needs.includes(each));
      if (by === undefined) continue;
      next.push(manifest.name);
      found.set(manifest.name, { name: manifest.name, through: through === '' ? '' : by });
    }
    wave = next;
  }
  return [...found.values()];
}
