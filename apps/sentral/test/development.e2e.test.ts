import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';

// The development entry as `pnpm start` runs it, built, with a server and keys of its own.
const folder = mkdtempSync(path.join(tmpdir(), 'sentral-development-'));

function run(settings: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [path.resolve(import.meta.dirname, '../dist/development.js')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      SENTRAL_LOG: 'json',
      SENTRAL_PORT: '0',
      SENTRAL_DATA_DIR: path.join(folder, '.sentral'),
      ...settings,
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => void errors.push(chunk.toString()));
  const ended = new Promise<{ code: number | null; said: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, said: errors.join('') })),
  );
  const started = new Promise<{ url: string; token: string }>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      if (line.startsWith('{"url"')) resolve(JSON.parse(line) as { url: string; token: string });
    });
    void ended.then(({ said }) => reject(new Error(said)));
  });
  started.catch(() => undefined);
  return { child, started, ended };
}

test(
  'it brings all that it needs, lets its developer in, and goes on after a kill in the middle',
  { timeout: 180_000 },
  async () => {
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const first = run({});
    const { url, token } = await first.started;
    const whoami = (at: string, bearer: string) =>
      fetch(`${at}/v1/whoami`, { headers: { authorization: `Bearer ${bearer}` } });
    expect((await whoami(url, token)).status).toBe(200);
    expect((await fetch(`${url}/docs`)).status).toBe(200);
    expect(statSync(path.join(folder, '.sentral/token')).mode & 0o777).toBe(0o600);
    first.child.kill('SIGKILL');
    await first.ended;

    const second = run({});
    const again = await second.started;
    expect((await whoami(again.url, again.token)).status).toBe(200);
    second.child.kill('SIGTERM');
    expect((await second.ended).code).toBe(0);

    const misspelt = await run({ SENTRAL_NATS_URLS: 'nats://x' }).ended;
    expect(misspelt.code).toBe(2);
    expect(misspelt.said).toContain('SENTRAL_NATS_URLS is no setting');
  },
);
