import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findNatsServer, startNats } from '../src/nats.js';

const built = fileURLToPath(new URL('../dist/nats.js', import.meta.url));

function greeting(url: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
    socket.once('data', (data) => (socket.destroy(), resolve(data.toString())));
    socket.once('error', () => resolve(''));
  });
}

test('the program is found, or unpacked from the system package', async () => {
  expect(await findNatsServer()).toMatch(/nats-server$/);
});

test.runIf(!process.env['SENTRAL_TEST_NATS_URL'])('a server has JetStream and ends on stop', async () => {
  const server = await startNats();
  expect(await greeting(server.url)).toContain('"jetstream":true');
  await server.stop();
  expect(await greeting(server.url)).toBe('');
});

test.runIf(!process.env['SENTRAL_TEST_NATS_URL'])('a killed owner takes its server along', async () => {
  const code = `const { startNats } = await import(${JSON.stringify(built)});
    console.log((await startNats()).url); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim())),
  );
  expect(await greeting(url)).toContain('INFO');
  child.kill('SIGKILL');
  await expect.poll(() => greeting(url), { timeout: 5000 }).toBe('');
});

test('a given server is used as it is and not stopped', async () => {
  const before = process.env['SENTRAL_TEST_NATS_URL'];
  process.env['SENTRAL_TEST_NATS_URL'] = 'nats://127.0.0.1:4999';
  try {
    const server = await startNats();
    expect(server.url).toBe('nats://127.0.0.1:4999');
    await server.stop();
  } finally {
    if (before === undefined) delete process.env['SENTRAL_TEST_NATS_URL'];
    else process.env['SENTRAL_TEST_NATS_URL'] = before;
  }
});
