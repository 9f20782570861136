import { DBOS } from '@dbos-inc/dbos-sdk';
import { parentPort, workerData } from 'node:worker_threads';
import { inTime, type WorkOrder } from './load.js';

// What durable steps cost where they are functions of one process: each is done, and its result is a row.
const order = workerData as WorkOrder;
DBOS.setConfig({ name: 'bench', systemDatabaseUrl: order.url, logLevel: 'error' });
const five = DBOS.registerWorkflow(
  async (id: number) => {
    for (const step of ['a', 'b', 'c', 'd', 'e']) await DBOS.runStep(async () => ({ id, step }), { name: step });
  },
  { name: 'five' },
);
await DBOS.launch();
await inTime({ ...order, seconds: 1 }, five);
const measured = await inTime(order, five);
await DBOS.shutdown();
parentPort?.postMessage(measured);
