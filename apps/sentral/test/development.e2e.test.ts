import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';

// The development entry as `pnpm start` runs it, built, with a server and keys of its own.
const folder = mkdtempSync(path.join(tmpdir(), 'sentral-development-'));
chmodSync(folder, 0o755);

function run(settings: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const child = spawn(process.execPath, [path.resolve(import.meta.dirname, '../dist/development.js'), ...args], {
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

/** Through the stand-ins that --demo starts, on the storage that it seeds. */
async function makesABucket({ url, token }: { url: string; token: string }) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': 'photos' };
  const begun = await fetch(`${url}/v1/environments/${defaultEnvironmentId}/buckets`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ name: 'photos', sizeGib: 10 }),
  });
  expect(begun.status).toBe(202);
  const at = `${url}${begun.headers.get('location')}`;
  const state = async () => ((await (await fetch(at, { headers })).json()) as { state: string }).state;
  await expect.poll(state, { timeout: 30_000 }).toBe('succeeded');
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

    const second = run({}, '--demo');
    const again = await second.started;
    expect((await whoami(again.url, again.token)).status).toBe(200);
    await makesABucket(again);
    second.child.kill('SIGTERM');
    expect((await second.ended).code).toBe(0);

    const foreign = await run({ SENTRAL_NATS_URL: 'nats://x' }, '--demo').ended;
    expect([foreign.code, foreign.said]).toEqual([2, expect.stringContaining('unset SENTRAL_NATS_URL')]);
    const misspelt = await run({ SENTRAL_NATS_URLS: 'nats://x' }).ended;
    expect(misspelt.code).toBe(2);
    expect(misspelt.said).toContain('SENTRAL_NATS_URLS is no setting');
  },
);
