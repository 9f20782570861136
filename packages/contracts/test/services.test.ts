import { describe, expect, test } from 'vitest';
import { encodeId } from '../src/ids.js';
import { runServiceConformance, type ServedWork } from '../src/services/conformance.js';
import { journal, type JournalInput, type JournalStep, type Operation } from '../src/services/journal.js';
import { readCommand, readReply, replyFrom, replyMessage, subjects, type Command } from '../src/services/message.js';
import { describeOperation, replyOf } from '../src/services/query.js';
import { memoryServer, type Flaws } from './step-server.js';

const uuid = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const step = encodeId('stp', uuid(7));
const work: ServedWork = {
  service: 'nett',
  does: { action: 'port.attach', contract: 1, input: { port: 'p1' } },
  undoes: { action: 'port.detach', input: { port: 'p1' } },
  fails: { action: 'port.break', contract: 1, input: {} },
};

describe('the rules on a map hold as a service', () => {
  runServiceConformance({ test, subject: async () => memoryServer(), work });
});

/** The journal with one rule taken out: `before` sees what it is asked, `after` what it has decided. */
const without =
  (change: {
    before?: (row: Operation | undefined, input: JournalInput) => Operation | undefined;
    after?: (step: JournalStep, input: JournalInput, row: Operation | undefined) => JournalStep;
  }): typeof journal =>
  (row, input) => {
    const decided = journal(change.before?.(row, input) ?? row, input);
    return change.after?.(decided, input, row) ?? decided;
  };

const flaws: Record<string, Flaws> = {
  'no tombstone (S1)': {
    journal: without({
      after: (it, input, row) => {
        if (input.on !== 'undo') return it;
        return row === undefined
          ? { ...it, row: undefined }
          : { ...it, row: it.row === undefined ? undefined : { ...it.row, tombstone: false } };
      },
    }),
  },
  'takes older attempts and runs each anew (S2)': {
    blind: true,
    journal: without({
      before: (row, input) =>
        input.on === 'do' && row?.state === 'done' ? { ...row, state: 'failed', attempt: input.attempt - 1 } : row,
    }),
  },
  'logs after the effect (S3)': { late: true },
  'makes without looking (S4)': { blind: true },
  'takes back while it still runs (S4)': {
    journal: without({
      after: (it, input, row) =>
        input.on === 'undo' && row?.state === 'doing'
          ? {
              row: { ...row, state: 'undone', tombstone: true, undoAttempt: input.attempt, result: { found: true } },
              acts: [
                {
                  act: 'reply',
                  direction: 'undo',
                  attempt: input.attempt,
                  answer: { kind: 'undone', data: { found: true } },
                },
              ],
            }
          : it,
    }),
  },
  'forgets at the start (S5)': { forgetful: true },
  'finishes in silence (S6)': {
    journal: without({
      after: (it, input) => (input.on === 'ran' ? { ...it, acts: it.acts.filter(({ act }) => act !== 'reply') } : it),
    }),
  },
  'works past the time (S7)': {
    journal: (row, input) => journal(row, input.on === 'do' ? { ...input, expired: false } : input),
  },
};

test.each(Object.entries(flaws))('a service that %s fails the suite', async (_, flaw) => {
  const failed: string[] = [];
  const runs: Promise<void>[] = [];
  runServiceConformance({
    test: (title, run) => runs.push(run().catch(() => void failed.push(title))),
    subject: async () => memoryServer(flaw),
    work,
  });
  await Promise.all(runs);
  expect(failed.length).toBeGreaterThan(0);
});

describe('messages', () => {
  const command: Command = {
    specversion: '1.0',
    id: `${step}:do:3`,
    source: '/sentral/task',
    type: 'dev.dataverket.step.do.v1',
    direction: 'do',
    time: '2026-01-01T00:00:00.000Z',
    tenantid: encodeId('tnt', uuid(1)),
    taskid: encodeId('tsk', uuid(2)),
    stepid: step,
    attempt: 3,
    expires: '2026-01-01T00:01:00.000Z',
    data: { action: 'port.attach', contract: 1, input: { port: 'p1' } },
  };
  const reply = replyMessage(
    { command, service: 'nett', direction: 'do', attempt: 3, time: '2026-01-01T00:00:02.000Z' },
    { kind: 'succeeded', data: { output: { mac: '02:00:00:00:00:01' } } },
  );

  test('come through JSON as they were, and what a newer version adds is ignored', () => {
    expect(readCommand(JSON.stringify({ ...command, colour: 'red' }))).toEqual({ ok: true, message: command });
    expect(readReply(JSON.stringify({ ...reply, colour: 'red' }))).toEqual({ ok: true, message: reply });
  });

  test.each([
    ['not JSON', 'not json'],
    ['a type that nobody knows', JSON.stringify({ ...reply, type: 'dev.dataverket.step.exploded.v1' })],
    ['an id of another attempt', JSON.stringify({ ...reply, id: `${step}:do:2:succeeded` })],
    ['a success of an undo', JSON.stringify({ ...reply, direction: 'undo', id: `${step}:undo:3:succeeded` })],
    ['a class that only Sentral concludes', failed('unknown')],
    ['more than 256 KiB', JSON.stringify({ ...reply, data: { output: 'ø'.repeat(140_000) } })],
  ])('refuse %s', (_, data) => {
    const read = readReply(data);
    expect(read.ok).toBe(false);
    expect(JSON.stringify(read)).not.toContain('secret-canary');
  });

  function failed(kind: string): string {
    const data = { class: kind, code: 'x', message: 'secret-canary', effects: 'unknown' };
    return JSON.stringify({ ...reply, id: `${step}:do:3:failed`, type: 'dev.dataverket.step.failed.v1', data });
  }

  test('name their subject, and a reply is told by it who sent it', () => {
    expect(subjects.command('nett', 'port.attach', step)).toBe(`dv.cmd.v1.nett.port.attach.${step}`);
    expect(replyFrom(subjects.reply('nett', step))).toEqual({ service: 'nett', step });
    expect(replyFrom(`dv.rpl.v1.sentral.nett.${step}.more`)).toBeUndefined();
    expect(replyFrom('dv.rpl.v1.sentral.nett.stp_x')).toBeUndefined();
  });
});

describe('a description is the reply that was lost', () => {
  const row: Operation = {
    op: step,
    attempt: 2,
    undoAttempt: 0,
    state: 'done',
    tombstone: false,
    wantUndo: false,
    result: { output: 1 },
  };
  test.each<[string, Partial<Operation> | undefined, unknown]>([
    ['a success', {}, { direction: 'do', attempt: 2, answer: { kind: 'succeeded', data: { output: 1 } } }],
    ['work that runs', { state: 'doing' }, { direction: 'do', attempt: 2, answer: { kind: 'accepted', data: {} } }],
    [
      'an undo that waits for its do',
      { state: 'doing', tombstone: true, wantUndo: true, undoAttempt: 3 },
      { direction: 'undo', attempt: 3, answer: { kind: 'accepted', data: {} } },
    ],
    [
      'an undo that failed',
      { state: 'failed', tombstone: true, undoAttempt: 3, result: { class: 'transient', code: 'busy', message: '' } },
      {
        direction: 'undo',
        attempt: 3,
        answer: { kind: 'undo_failed', data: { class: 'transient', code: 'busy', message: '' } },
      },
    ],
    ['nothing, when the result cannot be read', { state: 'failed', result: { output: 1 } }, undefined],
    ['nothing, when it is not known', undefined, undefined],
  ])('%s', (_, changes, reply) => {
    expect(replyOf(describeOperation(changes === undefined ? undefined : { ...row, ...changes }))).toEqual(reply);
  });
});
