import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loopbackBroker, openLoopback } from '../src/bus/loopback.js';
import { filtersOverlap, streamOf, subjectMatches, subjectPattern } from '../src/bus/subjects.js';

const token = fc.constantFrom('a', 'b', 'nett', 'stp_01h', 'x-y');
const subject = fc.array(token, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join('.'));
const filter = fc
  .tuple(fc.array(fc.oneof(token, fc.constant('*')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([tokens, rest]) => [...tokens, ...(rest ? ['>'] : [])].join('.'));

describe('subjects', () => {
  test('the filter and its regular expression take the same subjects', () => {
    fc.assert(
      fc.property(filter, subject, (wanted, given) => {
        expect(new RegExp(subjectPattern(wanted)).test(given)).toBe(subjectMatches(wanted, given));
      }),
      { numRuns: 2000 },
    );
  });

  test('two filters that take one subject overlap', () => {
    fc.assert(
      fc.property(filter, filter, subject, (one, other, given) => {
        const both = subjectMatches(one, given) && subjectMatches(other, given);
        expect(!both || filtersOverlap(one, other)).toBe(true);
      }),
      { numRuns: 5000 },
    );
    expect(filtersOverlap('dv.cmd.v1.nett.>', 'dv.cmd.v1.maskin.>')).toBe(false);
    expect(filtersOverlap('dv.cmd.v1.*', 'dv.cmd.v1.a.b')).toBe(false);
  });

  test('each subject belongs to at most one stream, and beats to none', () => {
    expect(streamOf('dv.cmd.v1.nett.port.attach.stp_1')?.name).toBe('DV_CMD');
    expect(streamOf('dv.beat.v1.nett.stp_1')).toBeUndefined();
    expect(streamOf('dv.cmd.v1')).toBeUndefined();
  });
});

describe('the loopback with faults', () => {
  test.each([1, 2, 3, 4, 5])(
    'seed %i: what was acknowledged is delivered, whatever is lost, repeated or late',
    async (seed) => {
      const broker = loopbackBroker(seed);
      const faults = { loseDelivery: 0.2, repeatDelivery: 0.2, reorder: 0.3, delayMs: 20, losePublishAck: 0.2 };
      const bus = openLoopback({ broker, faults });
      const limits = { ackWaitMs: 50, maxDeliver: 50, concurrency: 4, backoffMs: [5] };
      const deliveries: string[] = [];
      bus.consume({ stream: 'DV_RPL', durable: 'all', filter: 'dv.rpl.v1.>', ...limits }, async ({ id }) => {
        deliveries.push(id);
        return 'ack';
      });
      const messages = Array.from({ length: 60 }, (_, place) => ({
        subject: 'dv.rpl.v1.one',
        id: `m${place}`,
        data: '{}',
      }));
      for (let tries = 0; tries < 50; tries += 1) {
        const outcome = await bus.publish(messages).catch(() => undefined);
        if (outcome !== undefined) break;
      }
      const end = Date.now() + 5000;
      while (broker.stored.size > 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
      await bus.close();
      expect(new Set(deliveries)).toEqual(new Set(messages.map(({ id }) => id)));
      expect(deliveries.map((id) => Number(id.slice(1)))).not.toEqual(messages.map((_, place) => place));
    },
  );
});
