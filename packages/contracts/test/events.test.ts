import * as v from 'valibot';
import { expect, test } from 'vitest';
import { cloudEventSchema, defineEvents, eventSubject, eventType, readEvent } from '../src/events.js';

const events = defineEvents({
  context: 'example',
  events: {
    'book.written': { summary: 'A book was written.', data: v.object({ title: v.string() }) },
    'book.burnt': { summary: 'A book was burnt.', data: v.object({ ashes: v.number() }), majorVersion: 2 },
  },
});

const envelope = {
  specversion: '1.0',
  id: 'evt_01h455vb4pex5vsknk084sn02q',
  source: '/sentral/example',
  type: 'dev.dataverket.example.book.written.v1',
  subject: 'nod_01h455vb4pex5vsknk084sn02q',
  time: '2026-11-23T10:00:00.000Z',
  data: { title: 'Moby-Dick', colour: 'a field of tomorrow' },
  partitionkey: 'an extension of somebody else',
};

test('types and subjects follow from the names', () => {
  expect(eventType(events, 'book.burnt')).toBe('dev.dataverket.example.book.burnt.v2');
  expect(eventSubject(events, 'book.written')).toBe('dv.evt.v1.example.book.written');
});

test('an event is read by its type, and what it gained is tolerated', () => {
  const event = readEvent(events, envelope);
  expect(event?.name).toBe('book.written');
  expect(event?.data).toEqual({ title: 'Moby-Dick' });
});

test('an event of tomorrow, a wrong envelope and wrong data are no event here', () => {
  const wrong = [
    { type: 'dev.dataverket.example.book.lent.v1' },
    { type: 'dev.dataverket.example.book.burnt.v1', data: { ashes: 1 } },
    { data: { title: 7 } },
    { specversion: '0.3' },
    { id: '7' },
    { data: undefined },
    { time: '2026-02-30T10:00:00Z' },
  ];
  for (const change of wrong) expect(readEvent(events, { ...envelope, ...change })).toBeUndefined();
});

test('names that are no <noun>.<participle> stop the start', () => {
  for (const name of ['book', 'book.written.v1', 'Book.written', 'book.']) {
    expect(() => defineEvents({ context: 'x', events: { [name]: { summary: '', data: v.object({}) } } })).toThrow(
      TypeError,
    );
  }
});

test('extension names are what CloudEvents allows: lower case letters and digits', () => {
  for (const name of Object.keys(cloudEventSchema.entries)) expect(name).toMatch(/^[a-z0-9]{1,20}$/);
});
