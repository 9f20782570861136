import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, inject, test } from 'vitest';
import { openNats } from '../src/bus/nats.js';
import type { Bus, ConsumeSpec } from '../src/bus/port.js';
import { wireTo } from './bus-kits.js';

const natsUrl = inject('natsUrl');

async function until(what: string, condition: () => boolean): Promise<number> {
  const began = Date.now();
  while (!condition()) {
    if (Date.now() - began > 15_000) throw new Error(`did not happen: ${what}`);
    await sleep(10);
  }
  return Date.now() - began;
}

function open(url: string): Bus {
  return openNats({ servers: url, name: 'test', publishTimeoutMs: 500, onDeadLetter: async () => undefined });
}

function specOf(name: string): ConsumeSpec {
  const limits = { ackWaitMs: 2000, maxDeliver: 5, concurrency: 2, backoffMs: [10] };
  return { stream: 'DV_RPL', durable: name, filter: `dv.rpl.v1.${name}.>`, ...limits };
}

describe.runIf(natsUrl !== '')('the bus on NATS', () => {
  test('opened while no broker answers it goes on, says so, refuses to publish, and works once one is there', async () => {
    const closed = await wireTo(natsUrl);
    await closed.end();
    const name = `t${randomUUID().slice(0, 8)}`;
    const bus = open(closed.url);
    const seen: string[] = [];
    const subscription = bus.consume(specOf(name), async ({ id }) => {
      seen.push(id);
      return 'ack';
    });
    const message = { subject: `dv.rpl.v1.${name}.one`, id: randomUUID(), data: '{}' };
    await until('it noticed', () => bus.health().detail !== 'not connected yet');
    expect(bus.health().connected).toBe(false);
    await expect(bus.publish([message])).rejects.toMatchObject({ failed: [{ id: message.id, permanent: false }] });

    const wire = await wireTo(natsUrl, closed.port);
    await subscription.ready;
    expect(bus.health().connected).toBe(true);
    await bus.publish([message]);
    await until('it arrives', () => seen.length === 1);
    await bus.close();
    await wire.end();
  });

  test('cut off in the middle it says so, and afterwards every message that was acknowledged is delivered', async () => {
    const wire = await wireTo(natsUrl);
    const name = `t${randomUUID().slice(0, 8)}`;
    const bus = open(wire.url);
    const seen = new Set<string>();
    await bus.consume(specOf(name), async ({ id }) => {
      await sleep(5);
      seen.add(id);
      return 'ack';
    }).ready;
    const messages = Array.from({ length: 50 }, () => ({
      subject: `dv.rpl.v1.${name}.one`,
      id: randomUUID(),
      data: '{}',
    }));
    await bus.publish(messages);
    await wire.end();
    const noticed = await until('it notices', () => !bus.health().connected);
    await expect(bus.publish(messages)).rejects.toMatchObject({ name: 'PublishFailure' });
    const again = await wireTo(natsUrl, wire.port);
    const back = await until('it is back', () => bus.health().connected);
    await until('all arrive', () => seen.size === messages.length);
    expect((await bus.publish(messages)).every((ack) => ack.duplicate)).toBe(true);
    console.info(`nats: cut noticed after ${noticed} ms, back after ${back} ms`);
    await bus.close();
    await again.end();
  });

  test('closed while the broker is away it still ends', async () => {
    const wire = await wireTo(natsUrl);
    const bus = open(wire.url);
    bus.consume(specOf(`t${randomUUID().slice(0, 8)}`), async () => 'ack');
    bus.listen('dv.beat.v1.>', () => undefined);
    await until('it is connected', () => bus.health().connected);
    wire.mute();
    const began = Date.now();
    await bus.close();
    expect(Date.now() - began).toBeLessThan(12_000);
    await wire.end();
  });
});
