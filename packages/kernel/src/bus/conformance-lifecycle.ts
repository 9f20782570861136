// The second half of the promises: what holds across stops, restarts and several consumers.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { failureOf, recorder, scene, until, withBus, type BusCase } from './conformance-kit.js';
import { isPublishFailure, type Verdict } from './port.js';

export const busLifecycleConformance: readonly BusCase[] = [
  {
    title: 'a stop takes no more, lets the running handler finish and settles what it held',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_RPL');
        const release = { one: (): void => undefined };
        const first = recorder(async (): Promise<Verdict> => {
          await new Promise<void>((resolve) => (release.one = resolve));
          return 'ack';
        });
        const subscription = bus.consume(spec({ concurrency: 1, ackWaitMs: 3000 }), first.handle);
        await subscription.ready;
        const sent = [message('one'), message('two')];
        await bus.publish(sent);
        await until('the first is in hand', () => first.seen.length === 1);
        let stopped = false;
        const stopping = subscription.stop().then(() => (stopped = true));
        await sleep(300);
        assert.equal(stopped, false, 'the stop did not wait for the handler');
        release.one();
        await stopping;
        assert.equal(first.seen.length, 1, 'more was taken after the stop');
        const second = recorder();
        await bus.consume(spec({ concurrency: 1, ackWaitMs: 3000 }), second.handle).ready;
        await until('the other arrives', () => second.seen.length === 1, 2500);
        await sleep(200);
        assert.deepEqual(
          second.seen.map(({ id, deliveries }) => ({ id, deliveries })),
          [{ id: sent[1]?.id, deliveries: 1 }],
        );
      }),
  },
  {
    title:
      'a stop of an idle consumer is quick, and what is published at that moment is not held back from the next one',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_RPL');
        const [first, second] = [recorder(), recorder()];
        const subscription = bus.consume(spec({ ackWaitMs: 20_000 }), first.handle);
        await subscription.ready;
        await sleep(100);
        const began = Date.now();
        const sent = Array.from({ length: 10 }, () => message('one'));
        await Promise.all([bus.publish(sent), subscription.stop()]);
        assert.ok(Date.now() - began < 2000, `it took ${Date.now() - began} ms`);
        await bus.consume(spec({ ackWaitMs: 20_000 }), second.handle).ready;
        await until('all arrived', () => first.seen.length + second.seen.length === sent.length, 3000);
      }),
  },
  {
    title: 'no more handlers run at once than the consumer has slots',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_RPL');
        let [running, most] = [0, 0];
        const { seen, handle } = recorder(async (): Promise<Verdict> => {
          running += 1;
          most = Math.max(most, running);
          await sleep(20);
          running -= 1;
          return 'ack';
        });
        await bus.consume(spec({ concurrency: 3 }), handle).ready;
        await bus.publish(Array.from({ length: 30 }, () => message('one')));
        await until('all arrive', () => seen.length === 30 && running === 0);
        assert.equal(most, 3);
      }),
  },
  {
    title: 'an event reaches every durable once, and two processes of one durable share it',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_EVT');
        const [audit, one, other] = [recorder(), recorder(), recorder()];
        const projection = spec({ durable: `${spec().durable}-projection`, concurrency: 1 });
        await bus.consume(spec(), audit.handle).ready;
        const process = kit.open();
        await process.consume(projection, one.handle).ready;
        await bus.consume(projection, other.handle).ready;
        const sent = Array.from({ length: 20 }, () => message('node.registered'));
        await bus.publish(sent);
        await until('all arrive', () => audit.seen.length === 20 && one.seen.length + other.seen.length === 20);
        await sleep(200);
        const ids = sent.map(({ id }) => id).toSorted();
        assert.deepEqual(audit.seen.map(({ id }) => id).toSorted(), ids);
        assert.deepEqual([...one.seen, ...other.seen].map(({ id }) => id).toSorted(), ids);
        await process.close();
      }),
  },
  {
    title: 'a consumer that was registered before gets, after its restart, the events published while it was away',
    run: async (kit) => {
      const { spec, message } = scene('DV_EVT');
      const [before, after] = [recorder(), recorder()];
      await withBus(kit, async (bus) => {
        await bus.consume(spec(), before.handle).ready;
      });
      const sent = [message('node.registered'), message('node.retired')];
      await withBus(kit, async (bus) => {
        await bus.publish(sent);
      });
      await withBus(kit, async (bus) => {
        await bus.consume(spec({ concurrency: 1 }), after.handle).ready;
        await until('both arrive', () => after.seen.length === 2);
      });
      assert.deepEqual(
        after.seen.map(({ id }) => id),
        sent.map(({ id }) => id),
      );
      assert.equal(before.seen.length, 0);
    },
  },
  {
    title: 'a command published before its service ever ran waits for it',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_CMD');
        const sent = message('port.stp');
        await bus.publish([sent]);
        const { seen, handle } = recorder();
        await bus.consume(spec(), handle).ready;
        await until('it arrives', () => seen.length === 1);
        assert.equal(seen[0]?.id, sent.id);
      }),
  },
  {
    title: 'a consumer takes only what its filter names',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec, message } = scene('DV_RPL');
        const base = spec().filter.slice(0, -2);
        const [narrow, wide] = [recorder(), recorder()];
        await bus.consume(spec({ filter: `${base}.nett.*` }), narrow.handle).ready;
        await bus.consume(spec({ durable: `${spec().durable}-other`, filter: `${base}.maskin.>` }), wide.handle).ready;
        await bus.publish([message('nett.a'), message('maskin.a.b'), message('maskin.a'), message('nett.a.b')]);
        await until('three arrive', () => narrow.seen.length === 1 && wide.seen.length === 2);
        await sleep(200);
        assert.equal(narrow.seen.length, 1);
      }),
  },
  {
    title: 'a second consumer of the same work is refused: which of them got a command would be luck',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { spec } = scene('DV_CMD');
        const { handle } = recorder();
        await bus.consume(spec(), handle).ready;
        const rival = bus.consume(spec({ durable: `${spec().durable}-rival` }), handle);
        assert.ok((await failureOf(rival.ready)) instanceof Error);
        await rival.stop();
      }),
  },
  {
    title: 'a question is answered, a responder that throws and a subject without one are refusals',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const subject = scene('DV_EVT').message('op').subject.replace('dv.evt', 'dv.qry');
        await failureOf(bus.request(subject, '{}', 500));
        const responder = bus.respond(subject, async (data) => {
          if (data === '"bad"') throw new Error('cannot say');
          return JSON.stringify({ heard: JSON.parse(data) as unknown });
        });
        await responder.ready;
        assert.equal(await bus.request(subject, '"hello"', 2000), '{"heard":"hello"}');
        assert.match(String(await failureOf(bus.request(subject, '"bad"', 2000))), /cannot say/);
        await responder.stop();
        await failureOf(bus.request(subject, '{}', 500));
      }),
  },
  {
    title: 'an announcement reaches every listener of the moment',
    run: (kit) =>
      withBus(kit, async (bus) => {
        const { subject } = scene('DV_EVT').message('beat');
        const beat = subject.replace('dv.evt', 'dv.beat');
        const heard: string[] = [];
        const one = bus.listen(beat, (data) => heard.push(`exact ${data}`));
        const other = bus.listen(`${beat.slice(0, beat.lastIndexOf('.'))}.*`, (data) => heard.push(`wild ${data}`));
        await Promise.all([one.ready, other.ready]);
        bus.broadcast(beat, '1');
        await until('both hear it', () => heard.length === 2);
        assert.deepEqual(heard.toSorted(), ['exact 1', 'wild 1']);
        await one.stop();
        bus.broadcast(beat, '2');
        await until('the other still hears', () => heard.length === 3);
        assert.equal(heard[2], 'wild 2');
      }),
  },
  {
    title: 'a closed bus refuses to publish and says that it is not connected',
    run: async (kit) => {
      const bus = kit.open();
      await until('the bus is connected', () => bus.health().connected);
      await bus.close();
      assert.equal(bus.health().connected, false);
      assert.ok(isPublishFailure(await failureOf(bus.publish([scene('DV_RPL').message('one')]))));
    },
  },
];
