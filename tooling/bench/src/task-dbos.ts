import { DBOS } from '@dbos-inc/dbos-sdk';
import { flight, type FlightOrder } from './flight.js';

// The limit of tasks: five durable steps in one process that crosses no border.
const { databaseUrl, flights } = JSON.parse(process.env['BENCH_DBOS'] ?? '{}') as {
  databaseUrl: string;
  flights: readonly FlightOrder[];
};

DBOS.setConfig({ name: 'bench', systemDatabaseUrl: databaseUrl, logLevel: 'error' });
const five = DBOS.registerWorkflow(
  async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await DBOS.runStep(async () => ({}), { name });
  },
  { name: 'five' },
);
await DBOS.launch();
const one = async (): Promise<void> => {
  const handle = await DBOS.startWorkflow(five)();
  await handle.getResult();
};
const measured = [];
for (const each of flights) measured.push(await flight(one, each));
await DBOS.shutdown();
process.send?.(measured);
process.disconnect();
