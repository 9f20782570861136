import { encodeId, type Id } from '@sentral/contracts/ids';
import { runServiceConformance, type ServedWork, type StepServer } from '@sentral/contracts/services/conformance';
import { commandId, kindOf, type Command, type Reply } from '@sentral/contracts/services/message';
import { loopbackBroker, openLoopback } from '@sentral/kernel/bus/loopback';
import type { Bus } from '@sentral/kernel/bus/port';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openStandIn, type StandIn, type StandInName } from '../src/index.js';

let admin: Database;
let db: Database;
const name = `stand_ins_${randomBytes(6).toString('hex')}`;
beforeAll(async () => {
  admin = openDatabase({ url: inject('postgresUrl'), applicationName: 'test', poolSize: 1 });
  await admin.unsafe(`create database ${name}`);
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  db = openDatabase({ url: url.href, applicationName: 'stand-ins', poolSize: 10 });
});
afterAll(async () => {
  await db.close();
  await admin.unsafe(`drop database ${name} with (force)`);
  await admin.close();
});

type Step = Id<'stp'>;

/** A stand-in under a supervisor: when its process ends, the next one is started. */
async function supervised(service: StandInName, seed = 1) {
  const loopback = openLoopback({ broker: loopbackBroker(seed) });
  const sent: Reply[] = [];
  const bus: Bus = {
    ...loopback,
    publish: async (messages) => {
      const acks = await loopback.publish(messages);
      for (const [at, { data }] of messages.entries())
        if (acks[at]?.duplicate === false) sent.push(JSON.parse(data) as Reply);
      return acks;
    },
  };
  let current: StandIn;
  let next: Promise<void> = Promise.resolve();
  let died: () => void = () => undefined;
  let death = new Promise<void>((resolve) => (died = resolve));
  let lives = 0;
  const start = async (): Promise<void> => {
    const before = lives === 0 ? undefined : current;
    lives += 1;
    await before?.stop();
    current = await openStandIn({
      service,
      db,
      bus,
      seed,
      crash: () => {
        died();
        death = new Promise((resolve) => (died = resolve));
        next = next.then(start);
      },
    });
  };
  await start();
  const settle = async (): Promise<void> => {
    for (let before = 0; before !== lives;) {
      await next;
      before = lives;
      await Promise.race([current!.idle(), death]);
      await next;
    }
  };
  const server: StepServer = {
    deliver: async (command) => {
      // The bus brings again what a process took to its grave.
      do await next;
      while ((await Promise.race([current!.take(JSON.stringify(command)), death])) === undefined);
      await next;
    },
    settle,
    replies: async (step) => sent.filter(({ stepid }) => stepid === step),
    effects: (step) => current!.world.count(step),
    describe: (step) => current!.describe(JSON.stringify({ op: step })),
    crashNext: (when) => current!.fault({ kind: when === 'beforeEffect' ? 'crash-before' : 'crash-after' }),
  };
  return {
    server,
    sent,
    bus,
    standIn: () => current,
    lives: () => lives,
    close: () => next.then(() => current.stop()),
  };
}

const uuid = '00000000-0000-7000-8000-00000000000a';
const networkId = encodeId('net', uuid);
const machineId = encodeId('mch', uuid);
const clusterId = encodeId('cls', uuid);
const bucketId = encodeId('bkt', uuid);
const machine = { image: 'debian-13' };
const inputs: Record<
  StandInName,
  { readonly create: string; readonly remove: string; readonly does: object; readonly undoes: object }
> = {
  nett: {
    create: 'network.create',
    remove: 'network.delete',
    does: { networkId, vlan: 120, cidr: '10.0.0.0/24', gateway: '10.0.0.1', fence: 1, spec: { mtu: 9000 } },
    undoes: { networkId },
  },
  maskin: {
    create: 'machine.create',
    remove: 'machine.delete',
    does: { machineId, hostNodeId: encodeId('nod', uuid), ports: [], fence: 1, spec: machine },
    undoes: { machineId },
  },
  plattform: {
    create: 'cluster.create',
    remove: 'cluster.delete',
    does: { clusterId, networkId, machineIds: [machineId], spec: { version: '1.33', machine } },
    undoes: { clusterId },
  },
  objekt: {
    create: 'bucket.create',
    remove: 'bucket.delete',
    does: { bucketId, sizeGib: 10, fence: 1, spec: {} },
    undoes: { bucketId },
  },
};

const names = Object.keys(inputs) as StandInName[];

describe.each(names)('%s serves steps by the rules of every service', (service) => {
  const { create, remove, does, undoes } = inputs[service];
  const work: ServedWork = {
    service,
    does: { action: create, contract: 1, input: does },
    undoes: { action: remove, input: undoes },
    // It is there already, made by nobody's step: refused after looking.
    fails: {
      action: create,
      contract: 1,
      input: JSON.parse(JSON.stringify(does).replaceAll(/_[0-9a-z]{26}/g, (id) => `${id.slice(0, -1)}z`)),
    },
  };
  let last: { close: () => Promise<void> } | undefined;
  // Two at once would send each other's replies.
  afterAll(() => last?.close());
  runServiceConformance({
    test,
    subject: async () => {
      await last?.close();
      const made = await supervised(service);
      last = made;
      for (const table of ['operation', 'outbox', 'thing', 'fence', 'fault'])
        await db.unsafe(`delete from ${service}.${table}`);
      const taken = Object.values(work.fails.input as object)[0] as string;
      await db.unsafe(`insert into ${service}.thing (resource, id, spec, state) values ($1, $2, '{}', 'active')`, [
        create.split('.')[0],
        taken,
      ]);
      return made.server;
    },
    work,
  });
});

const commandOf = (
  step: Step,
  attempt = 1,
  input: object = { ...inputs.objekt.does, bucketId: encodeId('bkt', randomUUID()) },
): Command => ({
  specversion: '1.0',
  source: '/sentral/task',
  time: '2026-01-01T00:00:00.000Z',
  id: commandId(step, 'do', attempt),
  type: 'dev.dataverket.step.do.v1',
  direction: 'do',
  attempt,
  tenantid: encodeId('tnt', uuid),
  taskid: encodeId('tsk', uuid),
  stepid: step,
  expires: '9999-01-01T00:00:00.000Z',
  data: { action: 'bucket.create', contract: 1, input },
});

test('every fault that can be asked for happens, as often as it was asked for', async () => {
  const { server, standIn, lives, bus, close } = await supervised('objekt');
  await db.unsafe('delete from objekt.fault');
  const told = async (step: Step) =>
    (await server.replies(step)).map(({ type, attempt }) => `${kindOf(type)}:${attempt}`);
  const play = async (fault: Parameters<StandIn['fault']>[0], attempt = 1, step = encodeId('stp', randomUUID())) => {
    await standIn().fault({ action: 'bucket.create', ...fault });
    const started = performance.now();
    await server.deliver(commandOf(step, attempt));
    await server.settle();
    return { step, told: await told(step), tookMs: performance.now() - started };
  };
  expect((await play({ kind: 'delay', ms: 300 })).tookMs).toBeGreaterThan(290);
  const refused = await play({ kind: 'refuse', class: 'throttled', code: 'busy' });
  expect(refused.told).toEqual(['accepted:1', 'failed:1']);
  expect((await server.replies(refused.step)).at(-1)?.data).toMatchObject({
    class: 'throttled',
    code: 'busy',
    effects: 'none',
  });
  for (const kind of ['crash-before', 'crash-after'] as const) {
    const before = lives();
    expect((await play({ kind })).told).toEqual(['accepted:1', 'succeeded:1']);
    expect(lives()).toBe(before + 1);
  }
  const lost = await play({ kind: 'lose', reply: 'succeeded' });
  expect(lost.told).toEqual(['accepted:1']);
  // Sentral's timer sends the next attempt, and hears what it had missed.
  await server.deliver(commandOf(lost.step, 2));
  await server.settle();
  expect(await told(lost.step)).toEqual(['accepted:1', 'succeeded:2']);
  expect((await play({ kind: 'duplicate', reply: 'succeeded' })).told).toEqual([
    'accepted:1',
    'succeeded:1',
    'succeeded:1',
  ]);
  for (const kind of ['late', 'reorder'] as const) {
    const late = await play({ kind, reply: 'accepted', ms: 400 });
    expect(late.told).toEqual(['succeeded:1']);
    await expect.poll(() => told(late.step)).toEqual(['succeeded:1', 'accepted:1']);
  }
  expect((await play({ kind: 'deaf' })).told).toEqual([]);
  const asked = await bus.request(
    'dv.qry.v1.objekt.control',
    '{"fault":{"kind":"deaf","times":3},"clear":true}',
    2_000,
  );
  expect(JSON.parse(asked)).toMatchObject({ faults: [{ kind: 'deaf', times: 3 }] });
  await bus.request('dv.qry.v1.objekt.control', '{"clear":true}', 2_000);
  const first = JSON.parse(await bus.request('dv.qry.v1.objekt.observe.bucket', '{"limit":3}', 2_000));
  expect(first.items).toHaveLength(3);
  expect(typeof first.nextCursor).toBe('string');
  await close();
});

test('the same seed draws the same faults', async () => {
  const drawn = async (seed: number) => {
    const { server, standIn, close } = await supervised('objekt', seed);
    await db.unsafe('delete from objekt.fault');
    await standIn().fault({ kind: 'refuse', times: 100, chance: 0.5 });
    const kinds: string[] = [];
    for (let at = 0; at < 12; at += 1) {
      const step = encodeId('stp', randomUUID());
      await server.deliver(commandOf(step));
      await server.settle();
      kinds.push(kindOf((await server.replies(step)).at(-1)!.type));
    }
    await close();
    return kinds;
  };
  const first = await drawn(7);
  expect(new Set(first)).toEqual(new Set(['failed', 'succeeded']));
  expect(await drawn(7)).toEqual(first);
  expect(await drawn(8)).not.toEqual(first);
});

test('what was given to somebody else since is refused by its fence', async () => {
  const { server, close } = await supervised('objekt');
  await db.unsafe('delete from objekt.fault');
  const [older, newer] = [encodeId('stp', randomUUID()), encodeId('stp', randomUUID())];
  const input = { ...inputs.objekt.does, bucketId: encodeId('bkt', randomUUID()) };
  await server.deliver(commandOf(newer, 1, { ...input, fence: 9 }));
  await server.settle();
  await server.deliver(commandOf(older, 1, { ...input, fence: 8 }));
  await server.settle();
  expect((await server.replies(older)).at(-1)?.data).toMatchObject({ class: 'permanent', code: 'fence_stale' });
  await close();
});
