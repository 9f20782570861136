import { parentPort, workerData } from 'node:worker_threads';
// oxlint-disable-next-line sentral/kernel-owns-postgres -- the limit is the driver itself, without what the kernel adds
import postgres from 'postgres';
import { summed, type LimitOrder, type Outcome } from './load.js';

const order = workerData as LimitOrder;
const connections = Array.from({ length: order.clients }, () => postgres(order.url, { max: 1 }));
await Promise.all(connections.map((each) => each.unsafe('select 1')));

const outcome: Outcome = { done: 0, refused: 0, failed: 0, failures: [], seconds: 0, latencies: [] };
const began = performance.now();
await Promise.all(
  connections.map(async (connection) => {
    while (performance.now() - began < order.seconds * 1_000) {
      const target = order.targets[Math.floor(Math.random() * order.targets.length)] ?? '';
      const from = performance.now();
      let given: unknown = target;
      for (const [n, text] of order.round.entries()) {
        const params = n === 0 ? [target] : [target, given as string];
        const rows: readonly Record<string, unknown>[] = await connection.unsafe(text, params, { prepare: true });
        given = rows[0]?.['given'];
      }
      if (given === null) outcome.refused += 1;
      else {
        outcome.done += 1;
        outcome.latencies.push(performance.now() - from);
      }
    }
  }),
);
outcome.seconds = (performance.now() - began) / 1_000;
await Promise.all(connections.map((each) => each.end()));
parentPort?.postMessage(summed(outcome));
