import { describe, expect, test } from 'vitest';
import type { StepPlan } from '../plan/plan.js';
import { accepted, actor, failed, playOf, running, stepPlan, succeeded, undoFailed } from './play.testing.js';

const chain = [stepPlan('a'), stepPlan('b', { needs: ['a'] }), stepPlan('c', { needs: ['b'] })];

describe('forward', () => {
  test('a step is sent when all that it needs has succeeded, and the last one ends the task', () => {
    const play = running(
      [stepPlan('a'), stepPlan('b'), stepPlan('c', { needs: ['a', 'b'], input: { $from: '/steps/a/output/id' } })],
      {
        output: { made: { $from: '/steps/c/output/id' } },
      },
    );
    expect(play.sent()).toEqual(['a:do:1', 'b:do:1']);
    play.reply('a', succeeded({ id: 'x' }));
    expect(play.sent()).toEqual([]);
    play.reply('b', succeeded());
    expect(play.last.commands).toMatchObject([{ stepId: 'c', input: 'x', expiresAt: play.now + 60_000 }]);
    play.reply('c', succeeded({ id: 'y' }));
    expect(play.state()).toBe('succeeded');
    expect(play.last).toMatchObject({
      ended: true,
      audited: true,
      lane: { queued: 0, running: -1 },
      event: { type: 'task.succeeded' },
    });
    expect(play.aggregate.task).toMatchObject({ output: { made: 'y' }, progress: 100, version: 5, auditVersion: 3 });
  });

  test('a silence is unknown, not failed: the same operation is sent again under the next number, ever more patiently', () => {
    const play = running([stepPlan('a')]);
    play.timer('a', 'ack');
    expect(play.step('a')).toMatchObject({ state: 'retry_wait', tainted: true, unknowns: 1 });
    expect(play.last.closed).toMatchObject([{ outcome: 'timeout', class: 'unknown', attempt: 1 }]);
    play.timer('a', 'retry');
    expect(play.sent()).toEqual(['a:do:2']);
    expect(play.last.timersSet).toContainEqual(expect.objectContaining({ kind: 'ack', dueAt: play.now + 60_000 }));
    // The clock over all attempts goes on.
    expect(play.last.timersSet.map(({ kind }) => kind)).not.toContain('total');
  });

  test('after three silences in a row the service is asked what became of it', () => {
    const play = running([stepPlan('a')]);
    const asked = [1, 2, 3].map(() => {
      const { describe } = play.timer('a', 'ack');
      play.timer('a', 'retry');
      return describe;
    });
    expect(asked).toEqual([[], [], ['a']]);
  });

  test('a success of an older attempt is a success (R10)', () => {
    const play = running([stepPlan('a')]);
    play.timer('a', 'ack');
    play.timer('a', 'retry');
    play.reply('a', succeeded(), { attempt: 1 });
    expect(play.state()).toBe('succeeded');
  });

  test('a failure of an older attempt is none (R11)', () => {
    const play = running([stepPlan('a')]);
    play.timer('a', 'ack');
    play.timer('a', 'retry');
    expect(play.reply('a', failed('permanent'), { attempt: 1 }).outcome).toBe('stale');
    expect(play.step('a').state).toBe('dispatched');
  });

  test('an answer under a number that was never given out changes nothing', () => {
    const play = running([stepPlan('a')]);
    expect(play.reply('a', succeeded(), { attempt: 7 }).outcome).toBe('ignored');
  });

  test('a success that comes twice advances once', () => {
    const play = running(chain);
    play.succeed('a');
    expect(play.reply('a', succeeded()).outcome).toBe('stale');
    expect(play.aggregate.task.stepsOpen).toBe(2);
  });

  test('accepted work is watched by its beat and by the length of the attempt', () => {
    const play = running([stepPlan('a')]);
    play.reply('a', accepted);
    expect(play.last.timersSet.map(({ kind }) => kind)).toEqual(['beat', 'attempt']);
    expect(play.last.timersClear).toMatchObject([{ kind: 'ack' }]);
    const beat = { on: 'beat', stepId: 'a', direction: 'do', attempt: 1, progress: 40 } as const;
    expect(play.give(beat)).toMatchObject({ outcome: 'quiet', timersSet: [{ kind: 'beat' }] });
    expect(play.last.event).toBeUndefined();
    play.now += 1_000;
    expect(play.give({ ...beat, progress: 50 }).outcome).toBe('ignored');
    expect(play.timer('a', 'beat').outcome).toBe('applied');
    expect(play.step('a').state).toBe('retry_wait');
  });

  test('eight tries are the budget, and what was throttled is not one', () => {
    const play = running([stepPlan('a')]);
    for (let n = 0; n < 12; n += 1) {
      play.reply('a', failed('throttled', { retryAfterMs: 5_000 }));
      expect(play.last.timersSet).toContainEqual(expect.objectContaining({ kind: 'retry', dueAt: play.now + 5_000 }));
      play.timer('a', 'retry');
    }
    for (let n = 0; n < 7; n += 1) {
      play.reply('a', failed('transient'));
      play.timer('a', 'retry');
    }
    expect(play.step('a').state).toBe('dispatched');
    play.reply('a', failed('transient'));
    expect(play.step('a').state).toBe('failed');
  });

  test('a third conflict ends it', () => {
    const play = running([stepPlan('a')]);
    for (const wanted of ['retry_wait', 'retry_wait', 'failed']) {
      play.reply('a', failed('conflict'));
      expect(play.step('a').state).toBe(wanted);
      play.timer('a', 'retry');
    }
  });

  test('an attempt that is out when the whole time has passed may have left something', () => {
    const play = running([stepPlan('a', { policy: { effectsTrusted: true } })]);
    play.reply('a', accepted);
    play.timer('a', 'total');
    expect(play.step('a')).toMatchObject({ state: 'failed', error: { code: 'total_timeout' } });
    expect(play.sent()).toEqual(['a:undo:1']);
  });

  test('a task that waits for people is not turned round by another step that fails meanwhile', () => {
    const play = running([stepPlan('a', { onFailure: 'hold' }), stepPlan('b')]);
    play.reply('a', failed('permanent'));
    play.reply('b', failed('permanent'));
    expect(play.state()).toBe('stuck');
    expect(play.aggregate.task.error).toMatchObject({ step: 'a' });
  });

  test('a step that may fail takes those along that need it, and the task goes on', () => {
    const play = running([
      stepPlan('a', { onFailure: 'continue' }),
      stepPlan('b', { needs: ['a'] }),
      stepPlan('c', { needs: ['b'], input: { $from: '/steps/b/output/id' } }),
    ]);
    play.reply('a', failed('permanent'));
    expect(play.step('b').state).toBe('skipped');
    expect(play.last.commands).toMatchObject([{ stepId: 'c', input: null }]);
    play.succeed('c');
    expect(play.state()).toBe('succeeded');
    // It may have left something behind, which nobody undoes: people are told.
    expect(play.last.findings).toEqual([{ kind: 'task.leftover', step: 'a' }]);
  });

  test('what a service calls invalid never unwinds: people must look', () => {
    for (const onFailure of ['unwind', 'hold', 'continue'] as const) {
      const play = running([stepPlan('a', { onFailure })]);
      play.reply('a', failed('invalid'));
      expect(play.state()).toBe('stuck');
      expect(play.last.findings).toEqual([{ kind: 'task.step_invalid', step: 'a' }]);
    }
  });

  test('an input that cannot be filled in is sent to nobody', () => {
    const play = running([stepPlan('a'), stepPlan('b', { needs: ['a'], input: { $from: '/steps/a/output/id' } })]);
    play.succeed('a');
    expect(play.sent()).toEqual([]);
    expect(play.step('b').error).toMatchObject({ class: 'invalid', code: 'template_unresolved' });
    expect(play.state()).toBe('stuck');
  });

  test('a closed gate stops what is sent to that service and nothing else', () => {
    const play = playOf([stepPlan('a'), stepPlan('m', { service: 'maskin' })]);
    play.paused.add('nett');
    play.give({ on: 'admitted' });
    expect(play.sent()).toEqual(['m:do:1']);
    play.paused.clear();
    play.give({ on: 'reconciled' });
    expect(play.sent()).toEqual(['a:do:1']);
  });

  test('a destructive step waits for tenancy, and without the right for people', () => {
    const play = running([stepPlan('a', { destructive: true })]);
    expect(play.sent()).toEqual([]);
    play.give({ on: 'authorized', stepId: 'a', allowed: false });
    expect(play.aggregate.task.hold).toBe('policy');
    play.give({ on: 'resume', actor });
    expect(play.sent()).toEqual([]);
    play.give({ on: 'authorized', stepId: 'a', allowed: true });
    expect(play.sent()).toEqual(['a:do:1']);
  });

  test('a wait takes the oldest signal of its name, also one that came before it', () => {
    const go = stepPlan('go', { kind: 'wait', action: 'go', undo: 'none', needs: ['a'] });
    const play = running([stepPlan('a'), go]);
    play.give({ on: 'signal', id: 'other', name: 'stop', data: {} });
    expect(play.last.outcome).toBe('ignored');
    play.aggregate = { ...play.aggregate, signals: [1, 2].map((n) => ({ id: `s${n}`, name: 'go', data: { n } })) };
    play.succeed('a');
    expect(play.last.signalsConsumed).toEqual([{ id: 's1', by: 'go' }]);
    expect(play.step('go').output).toEqual({ n: 1 });
    expect(play.state()).toBe('succeeded');
    const late = running([stepPlan('a'), go]);
    late.succeed('a');
    expect(late.timer('go', 'total').event?.type).toBe('task.unwinding');
  });
});

describe('backward', () => {
  test('everything that was sent is undone, the last first, whatever was heard of it', () => {
    const play = running([...chain, stepPlan('d', { needs: ['c'] })]);
    play.succeed('a', 'b');
    play.give({ on: 'cancel', actor });
    expect(play.sent()).toEqual(['c:undo:1']);
    expect(play.last.closed).toMatchObject([{ stepId: 'c', outcome: 'superseded' }]);
    // The success of what is being undone is no news (task.md 15, 20).
    expect(play.reply('c', succeeded()).outcome).toBe('ignored');
    play.undone('c');
    expect(play.sent()).toEqual(['b:undo:1']);
    play.undone('b', 'a');
    expect(play.state()).toBe('cancelled');
    expect(play.step('d')).toMatchObject({ state: 'skipped', undoState: 'done' });
  });

  test('the order holds through steps that have no undo', () => {
    const play = running([
      stepPlan('a'),
      stepPlan('b', { needs: ['a'], undo: 'none' }),
      stepPlan('c', { needs: ['b'] }),
    ]);
    play.succeed('a', 'b');
    play.give({ on: 'cancel', actor });
    expect(play.sent()).toEqual(['c:undo:1']);
  });

  test("a service's word that nothing is left spares an undo only where it is trusted", () => {
    for (const effectsTrusted of [true, false]) {
      const play = running([stepPlan('a', { policy: { effectsTrusted } })]);
      play.reply('a', failed('permanent', { effects: 'none' }));
      expect(play.state()).toBe(effectsTrusted ? 'failed' : 'unwinding');
    }
  });

  test('one attempt that nobody heard of taints the step for good', () => {
    const play = running([stepPlan('a', { policy: { effectsTrusted: true } })]);
    play.timer('a', 'ack');
    play.timer('a', 'retry');
    play.reply('a', failed('permanent', { effects: 'none' }));
    expect(play.sent()).toEqual(['a:undo:1']);
  });

  test('a fence is an undo without an action', () => {
    const play = running([stepPlan('a', { undo: 'fence' })]);
    play.give({ on: 'cancel', actor });
    expect(play.last.commands).toEqual([expect.not.objectContaining({ action: expect.anything() })]);
  });

  test('an undo that fails for good waits for people while the other branches go on', () => {
    const play = running([stepPlan('a'), stepPlan('b'), stepPlan('c', { needs: ['b'] })]);
    play.succeed('a', 'b', 'c');
    const other = running([stepPlan('a'), stepPlan('b'), stepPlan('c', { needs: ['a', 'b'] })]);
    other.succeed('a', 'b');
    other.reply('c', failed('permanent'));
    other.undone('c');
    other.reply('a', undoFailed('permanent'));
    expect(other.last).toMatchObject({ deadLetters: [{ stepId: 'a' }], findings: [{ kind: 'task.undo_failed' }] });
    expect(other.state()).toBe('unwinding');
    other.undone('b');
    expect(other.state()).toBe('stuck');
    other.give({ on: 'retry', stepId: 'a', actor });
    expect(other.sent()).toEqual(['a:undo:2']);
    other.undone('a');
    expect(other.state()).toBe('failed');
    expect(play.state()).toBe('succeeded');
  });

  test('an undo is tried for a day, and then it is for people', () => {
    const play = running([stepPlan('a')]);
    play.give({ on: 'cancel', actor });
    expect(play.last.timersSet).toContainEqual(
      expect.objectContaining({ kind: 'total', dueAt: play.now + 86_400_000 }),
    );
    play.timer('a', 'ack', 'undo');
    expect(play.step('a').undoState).toBe('retry_wait');
    play.timer('a', 'total', 'undo');
    expect(play.state()).toBe('stuck');
    play.give({ on: 'waive', stepId: 'a', actor, note: 'removed by hand' });
    expect(play.state()).toBe('cancelled');
  });

  test('the step that binds what the task holds is undone though it was never sent', () => {
    const bind = stepPlan('bind', {
      service: 'inventory',
      action: 'allocation.bind',
      undo: { action: 'allocation.release' },
    });
    const play = playOf([bind, stepPlan('a', { needs: ['bind'] })], { holdings: [{ ref: 'alc', kind: 'node' }] });
    play.give({ on: 'cancel', actor });
    expect(play.sent()).toEqual(['bind:undo:1']);
    expect(play.last.lane).toEqual({ queued: -1, running: 1 });
    play.undone('bind');
    expect(play.last.holdings).toBe('released');
    expect(play.state()).toBe('cancelled');
  });
});

describe('the pivot', () => {
  const confirm = stepPlan('p', { needs: ['a'], pivot: true, undo: 'none' });

  test('ends cancelling: what was done cannot be taken back', () => {
    const play = running([stepPlan('a'), confirm, stepPlan('z', { needs: ['p'], undo: 'none', onFailure: 'unwind' })]);
    play.succeed('a', 'p');
    expect(play.give({ on: 'cancel', actor }).refusal?.code).toBe('past-pivot');
    play.reply('z', failed('permanent'));
    expect(play.state()).toBe('stuck');
    expect(play.give({ on: 'unwind', actor }).refusal?.code).toBe('past-pivot');
    play.give({ on: 'unwind', actor, note: 'the customer agrees' });
    expect(play.sent()).toEqual(['a:undo:1']);
  });

  test('counts as passed while one without an undo is out and nobody knows', () => {
    const play = running([stepPlan('a'), confirm]);
    play.succeed('a');
    expect(play.give({ on: 'cancel', actor }).refusal?.code).toBe('past-pivot');
    expect(play.timer('task', 'deadline').findings).toEqual([{ kind: 'task.deadline_past_pivot' }]);
    play.timer('p', 'ack');
    play.timer('p', 'total');
    expect(play.state()).toBe('stuck');
  });

  test('is not passed by a failure that is known to have left nothing', () => {
    const play = running([stepPlan('a'), { ...confirm, policy: { effectsTrusted: true } }]);
    play.succeed('a');
    play.reply('p', failed('permanent', { effects: 'none' }));
    expect(play.state()).toBe('unwinding');
  });
});

test('a deadline unwinds a task that runs, and one that still waits', () => {
  const play = running(chain);
  play.timer('task', 'deadline');
  expect(play.aggregate.task).toMatchObject({ state: 'unwinding', cause: 'deadline' });
  const queued = playOf(chain);
  queued.timer('task', 'deadline');
  expect(queued.aggregate.task).toMatchObject({ state: 'failed', cause: 'deadline' });
});

test('what waits for nothing is armed again', () => {
  const play = running([stepPlan('a'), stepPlan('b')]);
  play.reply('b', accepted);
  const lost = [
    { stepId: 'a', direction: 'do' as const },
    { stepId: 'b', direction: 'do' as const },
  ];
  const { timersSet, outcome } = play.give({ on: 'reconciled', lost });
  expect(timersSet.map(({ ownerId, kind }) => `${ownerId} ${kind}`)).toEqual(['a ack', 'b attempt']);
  expect(outcome).toBe('quiet');
});

const kid = (key: string, more: Partial<StepPlan> = {}) =>
  stepPlan(key, { kind: 'child', service: 'task', action: 'child.run', undo: { action: 'child.cancel' }, ...more });

test('a child runs as long as it needs, without beats; it is asked after, and nothing is counted against it', () => {
  const play = running([kid('kid')]);
  play.reply('kid', accepted);
  expect(play.last.timersSet.map(({ kind }) => kind)).toEqual(['attempt']);
  expect(play.last.timersClear.map(({ kind }) => kind)).toEqual(['ack', 'total']);
  const asked = play.timer('kid', 'attempt');
  expect(asked).toMatchObject({ outcome: 'quiet', describe: ['kid'], closed: [], timersSet: [{ kind: 'attempt' }] });
  expect(play.step('kid')).toMatchObject({ state: 'accepted', attempt: 1, unknowns: 0, tries: 0 });
  play.give({ on: 'cancel', actor });
  expect(play.last.commands).toMatchObject([{ stepId: 'kid', direction: 'undo', action: 'child.cancel' }]);
});

test('who waits for children only takes no room in its lane, and comes back without asking', () => {
  const play = running([kid('kid'), stepPlan('own'), stepPlan('last', { needs: ['kid'] })]);
  expect(play.last.lane).toEqual({ queued: -1, running: 1 });
  play.reply('kid', accepted);
  expect(play.last.lane).toEqual({ queued: 0, running: 0 });
  play.succeed('own');
  expect(play.last.lane).toEqual({ queued: 0, running: -1 });
  play.succeed('kid');
  expect([play.last.lane, play.sent()]).toEqual([{ queued: 0, running: 1 }, ['last:do:1']]);
  play.give({ on: 'cancel', actor });
  play.undone('last', 'own');
  play.reply('kid', accepted, { direction: 'undo' });
  expect(play.last.lane).toEqual({ queued: 0, running: -1 });
});

test('a child that is not wanted any more unwinds, unless it is past its pivot or unwinds already', () => {
  const queued = playOf([stepPlan('a')]);
  queued.give({ on: 'revoked' });
  expect(queued.aggregate.task).toMatchObject({ state: 'failed', cause: 'dependency' });
  const stuck = running([stepPlan('a', { onFailure: 'hold' })]);
  stuck.reply('a', failed('permanent'));
  stuck.give({ on: 'revoked' });
  expect([stuck.state(), stuck.sent()]).toEqual(['unwinding', ['a:undo:1']]);
  expect(stuck.give({ on: 'revoked' }).outcome).toBe('ignored');
  stuck.undone('a');
  expect(stuck.state()).toBe('failed');
  const past = running([stepPlan('a', { pivot: true, undo: 'none' }), stepPlan('b', { needs: ['a'], undo: 'none' })]);
  past.succeed('a');
  expect(past.give({ on: 'revoked' }).outcome).toBe('ignored');
});
