import { expect, test } from 'vitest';
import { startGuarded } from '../src/guard.js';

test('a server that has said much before it is ready is heard when it is', async () => {
  let heard: () => void = () => undefined;
  const ready = new Promise<string>((resolve) => (heard = () => resolve('ready')));
  const server = startGuarded({
    file: '/bin/sh',
    args: [
      '-c',
      'head -c 60000 /dev/zero | tr "\\0" x >&2; sleep 0.2; echo ready to accept connections >&2; exec sleep 1',
    ],
    onLog: (log) => {
      if (log.includes('ready to accept connections')) heard();
    },
  });
  expect(await Promise.race([ready, server.ended])).toBe('ready');
  await server.stop();
});
