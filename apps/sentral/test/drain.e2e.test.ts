import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { expect, test } from 'vitest';
import { startServer } from './start-server.js';

const clients = 24;

test('a stop among running requests fails none of them, tells the others to go, and ends within ten seconds', async () => {
  const server = await startServer();
  const { body: space } = await server.ask('/v1/addressSpaces', { body: { name: 'drained' } });
  const { body: block } = await server.ask(`/v1/addressSpaces/${space.id}/blocks`, { body: { cidr: '10.70.0.0/20' } });
  const statuses: number[] = [];
  let stopping = false;
  let underWay = 0;
  let sent = 0;
  const client = async () => {
    while (!stopping) {
      underWay += 1;
      sent += 1;
      const answer = await server.ask(`/v1/environments/${defaultEnvironmentId}/allocations`, {
        body: {
          consumer: { service: 'e2e', kind: 'client', id: String(sent) },
          items: [{ what: 'address', blockId: block.id }],
        },
        headers: { 'idempotency-key': `drain-${sent}` },
      });
      underWay -= 1;
      statuses.push(answer.status);
    }
  };
  const running = Promise.all(Array.from({ length: clients }, client));
  while (statuses.length < 3 * clients) await new Promise((resolve) => setTimeout(resolve, 5));

  stopping = true;
  const atStop = underWay;
  const began = performance.now();
  const stopped = server.stop();
  const draining = await server.ask('/readyz', { token: null });
  await running;
  await stopped;

  expect(atStop).toBeGreaterThan(0);
  expect(statuses).toHaveLength(sent);
  expect([...new Set(statuses)]).toEqual([201]);
  expect([draining.status, draining.body.status, draining.headers.get('connection')]).toEqual([
    503,
    'draining',
    'close',
  ]);
  expect(performance.now() - began).toBeLessThan(10_000);
  await expect(fetch(`${server.url}/livez`)).rejects.toThrow();
});

test('connections that only wait do not hold a stop up', async () => {
  const server = await startServer();
  await Promise.all(Array.from({ length: 20 }, () => server.ask('/livez')));
  const began = performance.now();
  await server.stop();
  expect(performance.now() - began).toBeLessThan(5_000);
});
