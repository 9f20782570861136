import { encodeId } from '@sentral/contracts/ids';
import { commandId, kindOf, subjects, type Command, type Reply } from '@sentral/contracts/services/message';
import { busMigrations } from '@sentral/kernel/bus/mailbox-schema';
import { openMailbox } from '@sentral/kernel/bus/mailbox';
import { openDatabase } from '@sentral/kernel/database';
import { ensureRoles, migrateContext } from '@sentral/kernel/migrate';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

const name = `stand_in_main_${randomBytes(6).toString('hex')}`;
const url = new URL(inject('postgresUrl'));
url.pathname = `/${name}`;
const mailboxUrl = new URL(url);
mailboxUrl.username = 'bus_app';
mailboxUrl.password = 'sentral';

const server = openDatabase({ url: inject('postgresUrl'), applicationName: 'test', poolSize: 1 });
const db = openDatabase({ url: url.href, applicationName: 'test', poolSize: 3 });
const busDb = openDatabase({ url: mailboxUrl.href, applicationName: 'test', poolSize: 3 });
const children = new Set<ChildProcess>();
beforeAll(async () => {
  await server.unsafe(`create database ${name}`);
  await ensureRoles(db, [busMigrations], { bus_app: 'sentral' });
  await migrateContext(db, busMigrations);
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all([db.close(), busDb.close()]);
  await server.unsafe(`drop database ${name} with (force)`);
  await server.close();
});

/** Starts the program and waits until it says where its control is. */
async function start(): Promise<{ child: ChildProcess; control: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../dist/main.js', import.meta.url)), 'maskin'], {
    env: {
      PATH: process.env['PATH'],
      STAND_IN_DATABASE_URL: url.href,
      STAND_IN_MAILBOX_URL: mailboxUrl.href,
      STAND_IN_WORK_MS: '10',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, control: /http:\S+/.exec(line.toString())?.[0] ?? '' };
}

test('a stand-in alone on the mailbox is killed behind its effect, and the next one answers for it', async () => {
  const bus = openMailbox({ db: busDb, pollMs: 50 });
  const replies: Reply[] = [];
  await bus.consume(
    {
      stream: 'DV_RPL',
      durable: 'test',
      filter: subjects.replies,
      ackWaitMs: 5_000,
      maxDeliver: 5,
      concurrency: 1,
      backoffMs: [100],
    },
    async ({ data }) => {
      replies.push(JSON.parse(data) as Reply);
      return 'ack';
    },
  ).ready;
  const first = await start();
  const asked = await fetch(first.control, {
    method: 'POST',
    body: JSON.stringify({ fault: { kind: 'crash-after' } }),
  });
  expect(await asked.json()).toMatchObject({ faults: [{ kind: 'crash-after', times: 1 }] });
  expect((await fetch(first.control, { method: 'POST', body: '{"fault":{"kind":"nonsense"}}' })).status).toBe(400);

  const step = encodeId('stp', randomUUID());
  const machineId = encodeId('mch', randomUUID());
  const input = {
    machineId,
    hostNodeId: encodeId('nod', randomUUID()),
    ports: [],
    fence: 1,
    spec: { image: 'debian-13' },
  };
  const command: Command = {
    specversion: '1.0',
    source: '/sentral/task',
    time: new Date().toISOString(),
    id: commandId(step, 'do', 1),
    type: 'dev.dataverket.step.do.v1',
    direction: 'do',
    attempt: 1,
    tenantid: encodeId('tnt', randomUUID()),
    taskid: encodeId('tsk', randomUUID()),
    stepid: step,
    expires: '9999-01-01T00:00:00.000Z',
    data: { action: 'machine.create', contract: 1, input },
  };
  await bus.publish([
    { subject: subjects.command('maskin', 'machine.create', step), id: command.id, data: JSON.stringify(command) },
  ]);
  const [, signal] = (await once(first.child, 'exit')) as [number | null, string];
  expect(signal).toBe('SIGKILL');
  const second = await start();
  await expect
    .poll(() => replies.map(({ type }) => kindOf(type)), { timeout: 10_000 })
    .toEqual(['accepted', 'succeeded']);
  const { things } = (await (await fetch(second.control, { method: 'POST' })).json()) as { things: object[] };
  expect(things).toMatchObject([{ resource: 'machine', id: machineId, op: step, state: 'running' }]);
  second.child.kill('SIGTERM');
  expect(await once(second.child, 'exit')).toEqual([0, null]);
  await bus.close();
});
