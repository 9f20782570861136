import { mailboxSettings, openMailbox } from '@sentral/kernel/bus/mailbox';
import { openNats } from '@sentral/kernel/bus/nats';
import { openDatabase } from '@sentral/kernel/database';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { standInNames, type StandInName } from './services.js';
import { openStandIn } from './stand-in.js';

// node dist/main.js maskin, with STAND_IN_DATABASE_URL for its journal, and STAND_IN_NATS_URL or STAND_IN_MAILBOX_URL for the bus.
const [service = ''] = process.argv.slice(2);
const { STAND_IN_DATABASE_URL: url, STAND_IN_NATS_URL: natsUrl, STAND_IN_MAILBOX_URL: mailboxUrl } = process.env;
const isName = (name: string): name is StandInName => standInNames.some((each) => each === name);
const report = (what: string, error?: unknown) => console.error(service, what, error ?? '');

if (!isName(service) || url === undefined || (natsUrl ?? mailboxUrl) === undefined) {
  console.error(
    `usage: main.js ${standInNames.join('|')}, with STAND_IN_DATABASE_URL and STAND_IN_NATS_URL or STAND_IN_MAILBOX_URL`,
  );
  process.exit(2);
}
const mailbox =
  natsUrl === undefined
    ? openDatabase({ url: mailboxUrl ?? '', applicationName: `${service} mailbox`, settings: mailboxSettings })
    : undefined;
const bus =
  mailbox === undefined
    ? openNats({
        servers: natsUrl ?? '',
        name: service,
        report,
        onDeadLetter: async ({ id }) => report(`${id} was given up`),
      })
    : openMailbox({ db: mailbox, report });
const db = openDatabase({ url, applicationName: service });
const standIn = await openStandIn({
  service,
  db,
  bus,
  seed: Number(process.env['STAND_IN_SEED'] ?? 1),
  workMs: [Number(process.env['STAND_IN_WORK_MS'] ?? 200), Number(process.env['STAND_IN_WORK_MS'] ?? 200) * 2],
  crash: () => process.kill(process.pid, 'SIGKILL'),
  report,
});
// The mailbox carries no questions between processes, so the control call is HTTP here: POST what `control` takes.
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    void standIn.control(Buffer.concat(chunks).toString('utf8') || '{}').then(
      (answer) => response.end(answer),
      (error: unknown) => response.writeHead(400).end(String(error)),
    );
  });
});
server.listen(Number(process.env['STAND_IN_PORT'] ?? 0), '127.0.0.1', () => {
  console.log(`${service} serves steps; control on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
let stopping = false;
const stop = () => {
  if (stopping) return;
  stopping = true;
  server.close();
  void standIn
    .stop()
    .then(() => bus.close())
    .then(() => Promise.all([db.close(), mailbox?.close()]))
    .then(() => process.exit(0));
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
// Whoever started it is gone: two of one service must not meet at the next start.
process.once('disconnect', stop);
