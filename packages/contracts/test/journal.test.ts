import fc from 'fast-check';
import { expect, test } from 'vitest';
import { journal, type JournalAct, type JournalInput, type Operation } from '../src/services/journal.js';

const op = 'stp_1';
const work = { action: 'port.attach', contract: 1, input: {} };
const attempt = fc.integer({ min: 1, max: 4 });

/** What may come to one operation; ends of work come only while that work runs, so they are drawn as wishes. */
const wish = fc.oneof(
  fc.record({ on: fc.constant('do' as const), attempt, expired: fc.boolean() }),
  fc.record({ on: fc.constant('undo' as const), attempt, ahead: fc.boolean() }),
  fc.record({ on: fc.constant('end' as const), well: fc.boolean() }),
  fc.constant({ on: 'boot' as const }),
);

function inputOf(wished: typeof wish extends fc.Arbitrary<infer W> ? W : never, running: JournalAct | undefined) {
  if (wished.on === 'do') return { ...wished, op, work } satisfies JournalInput;
  if (wished.on === 'undo') return { ...wished, op, work } satisfies JournalInput;
  if (wished.on === 'boot') return wished satisfies JournalInput;
  const failure = { class: 'transient', code: 'busy', message: '' } as const;
  if (running?.act === 'run') {
    return {
      on: 'ran',
      end: wished.well
        ? { kind: 'succeeded', data: { output: {} } }
        : { kind: 'failed', data: { ...failure, effects: 'unknown' } },
    } satisfies JournalInput;
  }
  if (running?.act === 'takeBack') {
    return {
      on: 'tookBack',
      end: wished.well ? { kind: 'undone', data: { found: true } } : { kind: 'undo_failed', data: failure },
    } satisfies JournalInput;
  }
  return undefined;
}

test('whatever comes in whatever order, one work runs at a time, nothing is made behind a tombstone, and no number falls', () => {
  fc.assert(
    fc.property(fc.array(wish, { maxLength: 30 }), (wishes) => {
      let row: Operation | undefined;
      let running: JournalAct | undefined;
      for (const wished of wishes) {
        const input = inputOf(wished, running);
        if (input === undefined) continue;
        if (input.on === 'boot' || input.on === 'ran' || input.on === 'tookBack') running = undefined;
        const before = row;
        const step = journal(row, input);
        row = step.row;
        const started = step.acts.filter(({ act }) => act === 'run' || act === 'takeBack');
        expect(started.length + (running === undefined ? 0 : 1)).toBeLessThanOrEqual(1);
        running = started[0] ?? running;
        if (row?.tombstone === true) expect(started.map(({ act }) => act)).not.toContain('run');
        expect(row?.attempt ?? 0).toBeGreaterThanOrEqual(before?.attempt ?? 0);
        expect(row?.undoAttempt ?? 0).toBeGreaterThanOrEqual(before?.undoAttempt ?? 0);
        if (before?.tombstone === true) expect(row?.tombstone).toBe(true);
        if (before !== undefined) expect(row).toBeDefined();
        // What runs is what the row says, so that a start can go on with it (S3, S5).
        expect(running !== undefined).toBe(row?.state === 'doing' || row?.state === 'undoing');
      }
    }),
    { numRuns: 500 },
  );
});

test('each do and undo that is taken in is answered at the latest when its work has ended', () => {
  fc.assert(
    fc.property(fc.array(wish, { maxLength: 20 }), attempt, (wishes, last) => {
      let row: Operation | undefined;
      let running: JournalAct | undefined;
      const take = (input: JournalInput): readonly JournalAct[] => {
        if (input.on !== 'do' && input.on !== 'undo') running = undefined;
        const step = journal(row, input);
        row = step.row;
        running = step.acts.find(({ act }) => act === 'run' || act === 'takeBack') ?? running;
        return step.acts;
      };
      for (const wished of wishes) {
        const input = inputOf(wished, running);
        if (input !== undefined) take(input);
      }
      // An undo newer than all: its end must be told under its own number.
      const asked = last + 10;
      const acts = [...take({ on: 'undo', op, attempt: asked, work })];
      for (
        let end = inputOf({ on: 'end', well: true }, running);
        end !== undefined;
        end = inputOf({ on: 'end', well: true }, running)
      )
        acts.push(...take(end));
      expect(acts).toContainEqual(
        expect.objectContaining({
          act: 'reply',
          direction: 'undo',
          attempt: asked,
          answer: expect.objectContaining({ kind: 'undone' }),
        }),
      );
      expect(row?.state).toBe('undone');
    }),
    { numRuns: 300 },
  );
});
