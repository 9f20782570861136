// What every bus promises, as cases that run against each adapter. Whoever adds an adapter passes these; whoever changes one
// runs them on all. Subjects and durables are made anew for each case, so the cases share one broker.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { failureOf, recorder, scene, until, withBus, type BusCase } from './conformance-kit.js';
import type { Delivery } from './port.js';
import { isPublishFailure, maxDataBytes } from './port.js';

export const busConformance: readonly BusCase[] = [
  {
    title: 'a message arrives with its subject, id, data and headers, and is gone when acknowledged',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_RPL');
        const { seen, handle } = recorder();
        await bus.consume(spec({ ackWaitMs: 300 }), handle).ready;
        const sent = message('one');
        assert.deepEqual(await bus.publish([sent]), [{ id: sent.id, duplicate: false }]);
        await until('it arrives', () => seen.length === 1);
        assert.deepEqual(seen[0], { ...sent, stream: 'DV_RPL', deliveries: 1 });
        await sleep(900);
        assert.equal(seen.length, 1, 'an acknowledged message came back');
      }),
  },
  {
    title: 'the same id again within the window is acknowledged as a duplicate and not delivered again',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_RPL');
        const { seen, handle } = recorder();
        await bus.consume(spec(), handle).ready;
        const [first, other] = [message('one'), message('two')];
        await bus.publish([first]);
        await until('it arrives', () => seen.length === 1);
        assert.deepEqual(await bus.publish([first, other, other]), [
          { id: first.id, duplicate: true },
          { id: other.id, duplicate: false },
          { id: other.id, duplicate: true },
        ]);
        await until('the other arrives', () => seen.length === 2);
        await sleep(200);
        assert.deepEqual(
          seen.map(({ id }) => id),
          [first.id, other.id],
        );
      }),
  },
  {
    title: 'a message that nobody answered for comes back after the ack wait, and its handler was told',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_RPL');
        const seen: Delivery[] = [];
        let [told, began, back] = [false, 0, 0];
        const subscription = bus.consume(spec({ ackWaitMs: 700, concurrency: 2 }), async (delivery, signal) => {
          seen.push(delivery);
          if (seen.length === 1) {
            began = Date.now();
            signal.addEventListener('abort', () => (told = true));
            await until('another delivery', () => seen.length > 1);
            return { nak: 0 };
          }
          back = Date.now();
          return 'ack';
        });
        await subscription.ready;
        await bus.publish([message('slow')]);
        await until('it comes back', () => seen.length === 2);
        assert.ok(back - began >= 600, `it came back after ${back - began} ms already`);
        assert.deepEqual(
          seen.map(({ deliveries }) => deliveries),
          [1, 2],
        );
        assert.ok(told, 'the signal did not abort');
        await sleep(400);
        assert.equal(seen.length, 2, 'a late nak moved a message that was acknowledged since');
      }),
  },
  {
    title: 'a nak with a delay comes back after that delay and not before, a thrown error after the backoff',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_RPL');
        const times: number[] = [];
        const subscription = bus.consume(spec({ ackWaitMs: 20_000, backoffMs: [1, 400] }), async ({ deliveries }) => {
          times.push(Date.now());
          if (deliveries === 1) return { nak: 600 };
          if (deliveries === 2) throw new Error('not yet');
          return 'ack';
        });
        await subscription.ready;
        await bus.publish([message('later')]);
        await until('the third delivery', () => times.length === 3);
        const [first = 0, second = 0, third = 0] = times;
        assert.ok(second - first >= 580 && second - first < 5000, `nak: ${second - first} ms`);
        assert.ok(third - second >= 380 && third - second < 5000, `thrown: ${third - second} ms`);
      }),
  },
  {
    title: 'after max_deliver deliveries a message is a dead letter and no handler sees it again',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_RPL');
        const { seen, handle } = recorder(() => {
          throw new Error('poison');
        });
        await bus.consume(spec({ maxDeliver: 3, ackWaitMs: 400 }), handle).ready;
        const sent = message('poison');
        await bus.publish([sent]);
        await until('it is a dead letter', async () => (await kit.deadLetters(spec().durable)).length === 1);
        await sleep(900);
        const [letter, second] = await kit.deadLetters(spec().durable);
        assert.equal(second, undefined, 'it was buried twice');
        assert.deepEqual(
          seen.map(({ deliveries }) => deliveries),
          [1, 2, 3],
        );
        assert.deepEqual(letter, {
          ...sent,
          stream: 'DV_RPL',
          deliveries: 3,
          durable: spec().durable,
          reason: 'poison',
        });
      }),
  },
  {
    title: 'a message that the handler terminates is gone without a dead letter',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_RPL');
        const { seen, handle } = recorder(() => 'term');
        await bus.consume(spec({ ackWaitMs: 300 }), handle).ready;
        await bus.publish([message('unwanted')]);
        await until('it arrives', () => seen.length === 1);
        await sleep(900);
        assert.equal(seen.length, 1);
        assert.deepEqual(await kit.deadLetters(spec().durable), []);
      }),
  },
  {
    title: 'a command replaces the one that still waits on its subject; other subjects keep theirs',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_CMD');
        const [doIt, other, undoIt] = [message('port.stp'), message('port.other'), message('port.stp')];
        await bus.publish([doIt, other]);
        await bus.publish([undoIt]);
        const { seen, handle } = recorder();
        await bus.consume(spec(), handle).ready;
        await until('both arrive', () => seen.length === 2);
        await sleep(200);
        assert.deepEqual(new Set(seen.map(({ id }) => id)), new Set([other.id, undoIt.id]));
      }),
  },
  {
    title: 'the late ack of a superseded command does not remove its successor',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_CMD');
        const [doIt, undoIt] = [message('port.stp'), message('port.stp')];
        const release = { first: (): void => undefined };
        const { seen, handle } = recorder(async ({ id }) => {
          if (id !== doIt.id) return { nak: 300 };
          await new Promise<void>((resolve) => (release.first = resolve));
          return 'ack';
        });
        await bus.consume(spec({ concurrency: 2 }), handle).ready;
        await bus.publish([doIt]);
        await until('the first is in hand', () => seen.length === 1);
        await bus.publish([undoIt]);
        await until('the second is in hand', () => seen.length === 2);
        release.first();
        await until('the second comes back after its nak', () => seen.length === 3);
        assert.equal(seen[2]?.id, undoIt.id);
      }),
  },
  {
    title: 'messages of one subject reach a consumer of one slot in the order they were published',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_FEED');
        const { seen, handle } = recorder();
        await bus.consume(spec({ concurrency: 1 }), handle).ready;
        const sent = Array.from({ length: 60 }, () => message('inventory'));
        for (let from = 0; from < sent.length; from += 20) await bus.publish(sent.slice(from, from + 20));
        await until('all arrive', () => seen.length === sent.length);
        assert.deepEqual(
          seen.map(({ id }) => id),
          sent.map(({ id }) => id),
        );
      }),
  },
  {
    title:
      'a publisher that lost the acknowledgement publishes again under the same id and the message is delivered once',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_RPL');
        const { seen, handle } = recorder();
        await bus.consume(spec(), handle).ready;
        const sent = message('one');
        const deaf = await kit.openDeaf();
        const failure = await failureOf(deaf.publish([sent]));
        assert.ok(isPublishFailure(failure) && failure.failed[0]?.permanent === false, String(failure));
        await until('it was stored all the same', () => seen.length === 1);
        assert.deepEqual(await bus.publish([sent]), [{ id: sent.id, duplicate: true }]);
        await sleep(200);
        assert.equal(seen.length, 1);
        await deaf.close();
      }),
  },
  {
    title: 'a payload of 256 KiB arrives whole; one over the bound, or on a subject of no stream, is refused for good',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_RPL');
        const { seen, handle } = recorder();
        await bus.consume(spec(), handle).ready;
        const large = { ...message('large'), data: JSON.stringify('å'.repeat(128 * 1024)) };
        const tooLarge = { ...message('large'), data: JSON.stringify('x'.repeat(maxDataBytes)) };
        const astray = { ...message('one'), subject: 'elsewhere.one' };
        const failure = await failureOf(bus.publish([large, tooLarge, astray]));
        assert.ok(isPublishFailure(failure));
        assert.deepEqual(failure.acked, [{ id: large.id, duplicate: false }]);
        assert.deepEqual(
          failure.failed.map(({ id, permanent }) => ({ id, permanent })),
          [
            { id: tooLarge.id, permanent: true },
            { id: astray.id, permanent: true },
          ],
        );
        await until('it arrives', () => seen.length === 1);
        assert.ok(seen[0]?.data === large.data, 'the payload was changed on its way');
      }),
  },
];
