import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { summed, type Order, type Outcome, type Target } from './load.js';

// The clients, apart from the deployment and from the measuring: each a loop on a connection of its own.
const order = workerData as Order;
const agent = new Agent({ keepAlive: true, maxSockets: order.clients });
const url = new URL(order.url);

interface Answer {
  readonly status: number;
  readonly text: string;
}

function send(method: string, path: string, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const sent = request(
      {
        agent,
        method,
        path,
        host: url.hostname,
        port: url.port,
        headers: {
          authorization: `Bearer ${order.token}`,
          ...(text === undefined
            ? {}
            : {
                'content-type': 'application/json',
                'content-length': Buffer.byteLength(text),
                'idempotency-key': randomUUID(),
              }),
        },
      },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
        answer.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(text);
  });
}

const allocate = ({ environmentId, nodeIds }: Target) =>
  send('POST', `/v1/environments/${environmentId}/allocations`, {
    consumer: { service: 'bench', kind: 'client', id: randomUUID() },
    items: nodeIds.map((nodeId) => ({ what: 'capacity', nodeId, class: 'vcpu', amount: 1 })),
  });

/** What one round of a client is; the last answer counts. */
const shapes: Record<Order['shape'], (target: Target) => Promise<Answer>> = {
  allocate,
  pair: async (target) => {
    const taken = await allocate(target);
    if (taken.status !== 201) return taken;
    return send('DELETE', `/v1/allocations/${(JSON.parse(taken.text) as { id: string }).id}`);
  },
  read: ({ path }) => send('GET', path ?? '/'),
  ask: ({ path, body }) => send('POST', path ?? '/', body),
};

const outcome: Outcome = { done: 0, refused: 0, failed: 0, failures: [], seconds: 0, latencies: [] };
const began = performance.now();
let last = began;

await Promise.all(
  Array.from({ length: order.clients }, async (_, client) => {
    for (let n = client; performance.now() - began < order.seconds * 1_000; n += order.clients) {
      const target = order.targets[order.inTurn ? n % order.targets.length : random(order.targets.length)];
      if (target === undefined) throw new Error('there is nothing to ask for');
      const from = performance.now();
      const { status, text } = await shapes[order.shape](target);
      const now = performance.now();
      if (status >= 200 && status < 300) {
        outcome.done += 1;
        outcome.latencies.push(now - from);
        last = now;
      } else if (status === 409) {
        outcome.refused += 1;
        if (order.untilRefused) return;
      } else {
        outcome.failed += 1;
        if (outcome.failures.length < 5) outcome.failures.push(`${status} ${text.slice(0, 300)}`);
      }
    }
  }),
);
outcome.seconds = (last - began) / 1_000;
agent.destroy();
parentPort?.postMessage(summed(outcome));

function random(below: number): number {
  return Math.floor(Math.random() * below);
}
