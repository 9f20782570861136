import { encodeId } from '@sentral/contracts/ids';
import { readCommand, readReply, replyFrom, replyMessage, subjects } from '@sentral/contracts/services/message';
import { expect, test } from 'vitest';
import type { SentCommand } from './decision.js';
import { inputOfBeat, inputOfReply, messageOf } from './message.js';

const uuid = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const origin = {
  taskId: uuid(1),
  tenantId: uuid(2),
  correlationId: 'c1',
  traceparent: '00-1-2-01',
  now: 1_800_000_000_000,
};
const step = encodeId('stp', uuid(3));
const of = { action: 'port.attach', input: { port: 'p1' } };
const sentDo: SentCommand = {
  stepId: uuid(3),
  direction: 'do',
  attempt: 2,
  service: 'nett',
  action: 'port.attach',
  contract: 1,
  input: of.input,
  of,
  expiresAt: origin.now + 60_000,
};
const sentUndo: SentCommand = {
  ...sentDo,
  direction: 'undo',
  attempt: 1,
  action: 'port.detach',
  input: { port: 'p1' },
};
const { action: _, ...rest } = sentUndo;
const sentFence: SentCommand = { ...rest, input: null };

test.each([
  ['a do', sentDo],
  ['an undo', sentUndo],
  ['a fence', sentFence],
])('%s is read by a service as it was written', (__, sent) => {
  const { subject, messageId, operation, body } = messageOf(origin, sent);
  const read = readCommand(JSON.stringify(body));
  expect(read).toEqual({ ok: true, message: body });
  // One subject and one operation for both directions: the undo takes the place of a do that still waits.
  expect([subject, operation]).toEqual([`dv.cmd.v1.nett.port.attach.${step}`, step]);
  expect(messageId).toBe(`${step}:${sent.direction}:${sent.attempt}`);
});

test('a fence asks for no action, and an undo says what it is the undo of', () => {
  expect(messageOf(origin, sentFence).body.data).toEqual({ contract: 1, of });
  expect(messageOf(origin, sentUndo).body.data).toEqual({
    action: 'port.detach',
    contract: 1,
    input: { port: 'p1' },
    of,
  });
});

test("a service's reply and beat come back as inputs about the same attempt", () => {
  const { body } = messageOf(origin, sentDo);
  const time = new Date(origin.now).toISOString();
  const reply = replyMessage(
    { command: body, service: 'nett', direction: 'do', attempt: 2, time },
    { kind: 'succeeded', data: { output: { mac: 'x' } } },
  );
  const read = readReply(JSON.stringify(reply));
  expect(read.ok && inputOfReply(read.message)).toEqual({
    on: 'reply',
    stepId: uuid(3),
    direction: 'do',
    attempt: 2,
    answer: { kind: 'succeeded', data: { output: { mac: 'x' } } },
  });
  expect(replyFrom(subjects.reply('nett', step))).toEqual({ service: 'nett', step });
  expect(inputOfBeat({ stepid: step, direction: 'do', attempt: 2, progress: 10 })).toMatchObject({
    on: 'beat',
    stepId: uuid(3),
    progress: 10,
  });
});
