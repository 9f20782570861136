import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { startPostgres } from '../src/postgres.js';

const parent = mkdtempSync(path.join(tmpdir(), 'sentral-servers-test-'));
spawnSync('chmod', ['755', parent]);
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const built = fileURLToPath(new URL('../dist/postgres.js', import.meta.url));

function accepts(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}

/** Told by its process: a port that came free may be anybody's a moment later. */
const serverOn = (dataDir: string): number =>
  Number(readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(what: () => boolean | Promise<boolean>, ms = 5000): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end;) {
    if (await what()) return true;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return false;
}

function startElsewhere(dataDir: string) {
  const code = `const { startPostgres } = await import(${JSON.stringify(built)});
    const s = await startPostgres({ dataDir: ${JSON.stringify(dataDir)}, unsafe: true });
    console.log(s.url); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.once('exit', (exitCode) => reject(new Error(`exit ${exitCode}`)));
  });
  return { child, url };
}

test('a temporary server tells its version, listens on loopback and leaves nothing behind', async () => {
  const server = await startPostgres({ unsafe: true });
  expect(server.version).toMatch(/^18\./);
  expect(await accepts(server.url)).toBe(true);
  await server.stop();
  expect(await accepts(server.url)).toBe(false);
});

test('a kept data folder starts again with the same password', async () => {
  const dataDir = path.join(parent, 'kept');
  const first = await startPostgres({ dataDir, unsafe: true });
  await first.stop();
  const second = await startPostgres({ dataDir, unsafe: true });
  await second.stop();
  expect(new URL(second.url).password).toBe(new URL(first.url).password);
});

test('a killed owner takes its server along, and the next start waits for it', async () => {
  const dataDir = path.join(parent, 'killed');
  const { child, url } = startElsewhere(dataDir);
  await url;
  const first = serverOn(dataDir);
  child.kill('SIGKILL');
  const again = await startPostgres({ dataDir, unsafe: true });
  expect(await accepts(again.url)).toBe(true);
  expect([lives(first), lives(serverOn(dataDir))]).toEqual([false, true]);
  await again.stop();
});

test('a second start on a folder in use is refused after the wait, and the first goes on', async () => {
  const dataDir = path.join(parent, 'shared');
  const first = await startPostgres({ dataDir, unsafe: true });
  await expect(startPostgres({ dataDir, unsafe: true })).rejects.toThrow(/still runs on .*shared after 5 s/);
  expect(await accepts(first.url)).toBe(true);
  await first.stop();
});

test('a stale process number of another program does not stop the start', async () => {
  const dataDir = path.join(parent, 'stale');
  const first = await startPostgres({ dataDir, unsafe: true });
  const pidFile = path.join(dataDir, 'postmaster.pid');
  const before = readFileSync(pidFile, 'utf8').replace(/^\d+/, String(process.pid));
  await first.stop();
  expect(existsSync(pidFile)).toBe(false);
  spawnSync('sh', ['-c', 'cat > "$0"', pidFile], { input: before });
  const second = await startPostgres({ dataDir, unsafe: true });
  expect(await until(() => accepts(second.url))).toBe(true);
  await second.stop();
});

// Only root hands its server to another account.
test.runIf(userInfo().uid === 0)(
  'data that the account of the server cannot reach is elsewhere, behind a link; without the link it is not taken for new',
  async () => {
    const hidden = path.join(parent, 'hidden');
    mkdirSync(hidden, { mode: 0o700 });
    const dataDir = path.join(hidden, 'postgres');
    const first = await startPostgres({ dataDir, unsafe: true });
    await first.stop();
    const elsewhere = readlinkSync(dataDir);
    try {
      expect(existsSync(path.join(elsewhere, 'PG_VERSION'))).toBe(true);
      rmSync(hidden, { recursive: true });
      mkdirSync(hidden, { mode: 0o700 });
      await expect(startPostgres({ dataDir, unsafe: true })).rejects.toThrow(`rm -rf ${path.dirname(elsewhere)}`);
    } finally {
      rmSync(path.dirname(elsewhere), { recursive: true, force: true });
    }
    const afresh = await startPostgres({ dataDir, unsafe: true });
    await afresh.stop();
    expect(new URL(afresh.url).password).not.toBe(new URL(first.url).password);
    rmSync(path.dirname(elsewhere), { recursive: true });
  },
);

test('a crash ends every process of a server, and its data folder starts again', async () => {
  const dataDir = path.join(parent, 'crashed');
  const first = await startPostgres({ dataDir, unsafe: true });
  const pid = serverOn(dataDir);
  await first.crash();
  expect(lives(pid)).toBe(false);
  const second = await startPostgres({ dataDir, unsafe: true });
  await second.stop();
});
