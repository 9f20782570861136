import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ownedByUs } from './reachable.js';

const run = promisify(execFile);

/**
 * The nats-server program: from PATH, else from the system's package, unpacked into a cache folder without installing it.
 */
export async function findNatsServer(): Promise<string> {
  const onPath = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => path.join(folder, 'nats-server'))
    .find(isExecutable);
  return onPath ?? (await fromSystemPackage());
}

async function fromSystemPackage(): Promise<string> {
  const cache = path.join(cacheFolder(), 'nats-server');
  const cached = programIn(cache);
  if (cached) return cached;
  mkdirSync(path.dirname(cache), { recursive: true });
  const staging = mkdtempSync(`${cache}-`);
  try {
    await downloadPackage(staging);
    const archive = readdirSync(staging).find((name) => name.endsWith('.deb'));
    if (!archive) throw new Error('apt-get download left no package.');
    await run('dpkg-deb', ['-x', path.join(staging, archive), staging]);
    rmSync(path.join(staging, archive));
    moveInto(staging, cache);
  } catch (error) {
    throw new Error(
      'There is no nats-server here. Install it (Debian and Ubuntu: apt-get install nats-server; macOS: brew install nats-server; ' +
        'others: a release of nats-server on PATH), or name a running one by SENTRAL_TEST_NATS_URL.',
      { cause: error },
    );
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  const program = programIn(cache);
  if (!program) throw new Error(`The system's nats-server package holds no program nats-server: see ${cache}.`);
  return program;
}

/** The package lists of a fresh image are empty or old, so one update is tried before giving up. */
async function downloadPackage(folder: string): Promise<void> {
  const download = () => run('apt-get', ['download', 'nats-server'], { cwd: folder, timeout: 120_000 });
  try {
    await download();
  } catch {
    await run('apt-get', ['update'], { timeout: 180_000 });
    await download();
  }
}

/** Whoever is first has made the cache; it is only ever seen whole. */
function moveInto(staging: string, cache: string): void {
  try {
    renameSync(staging, cache);
  } catch (error) {
    if (!programIn(cache)) throw error;
  }
}

function programIn(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  ownedByUs(folder);
  return ['usr/sbin', 'usr/bin'].map((at) => path.join(folder, at, 'nats-server')).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** `.sentral` of the project this file belongs to, else the system's folder for temporary files. */
function cacheFolder(): string {
  for (let at = path.dirname(fileURLToPath(import.meta.url)); ; at = path.dirname(at)) {
    if (existsSync(path.join(at, 'pnpm-workspace.yaml'))) return path.join(at, '.sentral', 'cache');
    if (at === path.dirname(at)) return path.join(tmpdir(), 'sentral-cache');
  }
}
