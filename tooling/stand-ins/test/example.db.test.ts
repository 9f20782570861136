import { encodeId, type Id } from '@sentral/contracts/ids';
import { runServiceConformance, type StepServer } from '@sentral/contracts/services/conformance';
import { kindOf, subjects, type Command, type Reply } from '@sentral/contracts/services/message';
import type { StepService } from '@sentral/contracts/services/serve';
import { openNats } from '@sentral/kernel/bus/nats';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { startNats, type NatsServer } from '@sentral/servers/nats';
import { connect } from 'nats';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { serve } from '../example/on-nats.js';
import { bucketService, tables, type Query } from '../example/service.js';

const name = `example_${randomBytes(6).toString('hex')}`;
const server = openDatabase({ url: inject('postgresUrl'), applicationName: 'test', poolSize: 1 });
let db: Database;
let nats: NatsServer;
let query: Query;
beforeAll(async () => {
  await server.unsafe(`create database ${name}`);
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  db = openDatabase({ url: url.href, applicationName: 'example' });
  query = async (text, params) => (await db.unsafe(text, params)) as unknown as Awaited<ReturnType<Query>>;
  for (const statement of tables.split(';')) await db.unsafe(statement);
  nats = await startNats();
});
afterAll(async () => {
  await nats.stop();
  await db.close();
  await server.unsafe(`drop database ${name} with (force)`);
  await server.close();
});

const bucketId = encodeId('bkt', '00000000-0000-7000-8000-00000000000a');
const create = { action: 'bucket.create', contract: 1, input: { bucketId, sizeGib: 1, fence: 1, spec: {} } };
const never = new Promise<never>(() => undefined);

/** The service of the page; a crash is a statement about buckets whose process never hears of it. */
async function process(): Promise<StepServer> {
  for (const table of ['bucket', 'operation', 'outbox']) await db.unsafe(`delete from ${table}`);
  let crash: 'beforeEffect' | 'afterEffect' | undefined;
  let life = 0;
  let current: StepService;
  let died: () => void;
  let death: Promise<void>;
  let starting: Promise<void> = Promise.resolve();
  const start = (): Promise<void> => (starting = begin());
  const begin = async (): Promise<void> => {
    const mine = (life += 1);
    death = new Promise((resolve) => (died = resolve));
    const mortal: Query = async (text, params) => {
      if (mine !== life) return never;
      const now = text.includes('bucket') ? crash : undefined;
      if (now === undefined) return query(text, params);
      crash = undefined;
      if (now === 'afterEffect') await query(text, params);
      const old = died;
      await start();
      old();
      return never;
    };
    current = bucketService(mortal, () => undefined);
    await current.start();
  };
  await start();
  return {
    deliver: async (command) => {
      // The bus brings again what a process took to its grave.
      do await starting;
      while ((await Promise.race([current.take(JSON.stringify(command)), death])) === undefined);
    },
    settle: async () => {
      for (let before = 0; before !== life;) {
        before = life;
        await starting;
        await Promise.race([current.idle(), death]);
      }
    },
    replies: async (step) =>
      (await query('select entry from outbox order by id'))
        .map(({ entry }) => entry as unknown as Reply)
        .filter(({ stepid }) => stepid === step),
    effects: async (step) => (await query('select op from bucket where op = $1', [step])).length,
    describe: (step) => current.describe(JSON.stringify({ op: step })),
    crashNext: async (when) => {
      crash = when;
    },
  };
}

describe('the service of docs/serving-steps.md keeps the rules', () => {
  runServiceConformance({
    test,
    subject: process,
    work: {
      service: 'objekt',
      does: create,
      undoes: { action: 'bucket.delete', input: { bucketId } },
      fails: { ...create, input: { bucketId: 'none' } },
    },
  });
});

test('on NATS it hears its commands, answers them and tells what became of them', async () => {
  for (const table of ['bucket', 'operation', 'outbox']) await db.unsafe(`delete from ${table}`);
  // Sentral's side, which makes the streams.
  const bus = openNats({ servers: nats.url, name: 'sentral', onDeadLetter: async () => undefined });
  await expect.poll(() => bus.health().connected).toBe(true);
  await bus.publish([]);
  const told: string[] = [];
  const spec = { ackWaitMs: 5_000, maxDeliver: 5, concurrency: 1, backoffMs: [100] };
  await bus.consume({ stream: 'DV_RPL', durable: 'test', filter: subjects.replies, ...spec }, async ({ data }) => {
    const reply = JSON.parse(data) as Reply;
    told.push(`${kindOf(reply.type)}:${reply.attempt}`);
    return 'ack';
  }).ready;
  const client = await connect({ servers: nats.url });
  const serving = serve(client, query);
  const step: Id<'stp'> = encodeId('stp', randomUUID());
  const ask = (attempt: number): Command => ({
    specversion: '1.0',
    source: '/sentral/task',
    time: new Date().toISOString(),
    id: `${step}:do:${attempt}`,
    type: 'dev.dataverket.step.do.v1',
    direction: 'do',
    attempt,
    tenantid: encodeId('tnt', randomUUID()),
    taskid: encodeId('tsk', randomUUID()),
    stepid: step,
    expires: '9999-01-01T00:00:00.000Z',
    data: create,
  });
  const subject = subjects.command('objekt', 'bucket.create', step);
  for (const attempt of [1, 2]) {
    await bus.publish([{ subject, id: ask(attempt).id, data: JSON.stringify(ask(attempt)) }]);
    await expect.poll(() => told.at(-1), { timeout: 10_000 }).toBe(`succeeded:${attempt}`);
  }
  expect(told).toEqual(['accepted:1', 'succeeded:1', 'succeeded:2']);
  const described = await bus.request(subjects.describe('objekt'), JSON.stringify({ op: step }), 2_000);
  expect(JSON.parse(described)).toMatchObject({ known: true, state: 'done', attempt: 2 });
  await client.close();
  await Promise.race([serving.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 1_000))]);
  await bus.close();
});

test('the page quotes the code that runs here, and the service is as short as it says', () => {
  const page = readFileSync(new URL('../../../docs/serving-steps.md', import.meta.url), 'utf8');
  const quoted = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
  const files = ['service.ts', 'on-nats.ts'].map((file) =>
    readFileSync(new URL(`../example/${file}`, import.meta.url), 'utf8'),
  );
  expect(quoted).toEqual(files);
  expect(files[0]?.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(60);
});
