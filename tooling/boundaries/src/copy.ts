import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { manifestsOf } from './files.js';

/** The workspace that this file belongs to. */
export const workspaceRoot = fileURLToPath(new URL('../../..', import.meta.url));

export interface Copy {
  readonly root: string;
  write(name: string, text: string): void;
  /** Changes a JSON file of the copy. */
  amend(name: string, change: (json: Record<string, Record<string, unknown>>) => void): void;
  remove(): void;
}

/**
 * The workspace without its sources: settings, manifests and installed packages as they are, so that what is planted in
 * it is judged by the real settings and by nothing else.
 */
export function emptyCopy(): Copy {
  const root = mkdtempSync(path.join(tmpdir(), 'sentral-walls-'));
  const take = (name: string) => {
    const from = path.join(workspaceRoot, name);
    if (existsSync(from)) cpSync(from, path.join(root, name));
  };
  for (const name of ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', 'turbo.json', '.oxlintrc.json'])
    take(name);
  link(root, 'node_modules');
  link(root, 'tooling/lint-plugin/src');
  for (const { folder } of manifestsOf(workspaceRoot)) {
    mkdirSync(path.join(root, folder), { recursive: true });
    for (const name of ['package.json', 'turbo.json', 'tsconfig.json', 'tsconfig.build.json', 'base.json']) {
      take(`${folder}/${name}`);
    }
    link(root, `${folder}/node_modules`);
  }
  const copy: Copy = {
    root,
    write(name, text) {
      mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      writeFileSync(path.join(root, name), text);
    },
    amend(name, change) {
      const json = JSON.parse(readFileSync(path.join(root, name), 'utf8')) as Record<string, Record<string, unknown>>;
      change(json);
      copy.write(name, JSON.stringify(json, undefined, 2));
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
  return copy;
}

function link(root: string, name: string): void {
  const target = path.join(workspaceRoot, name);
  if (!existsSync(target)) return;
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  symlinkSync(target, path.join(root, name));
}
