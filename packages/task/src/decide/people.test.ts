import { describe, expect, test } from 'vitest';
import { actor, failed, playOf, running, stepPlan, succeeded } from './play.testing.js';

const chain = [stepPlan('a'), stepPlan('b', { needs: ['a'] }), stepPlan('c', { needs: ['b'] })];

describe('people', () => {
  test('hold a task: answers count, nothing new is sent, and resume goes on from there', () => {
    const play = running(chain);
    play.give({ on: 'hold', actor, note: 'maintenance' });
    play.succeed('a');
    expect([play.sent(), play.step('b').state]).toEqual([[], 'ready']);
    expect(play.give({ on: 'hold', actor }).outcome).toBe('ignored');
    play.give({ on: 'resume', actor });
    expect(play.sent()).toEqual(['b:do:1']);
    expect(play.last.event).toMatchObject({ type: 'task.resumed', actor });
  });

  test('a retry that comes due while the task is held waits, and the clock over all attempts with it', () => {
    const play = running([stepPlan('a')]);
    play.reply('a', failed('transient'));
    play.give({ on: 'hold', actor });
    play.timer('a', 'retry');
    expect(play.step('a').state).toBe('ready');
    expect(play.last.timersClear.map(({ kind }) => kind)).toContain('total');
    play.give({ on: 'resume', actor });
    expect(play.sent()).toEqual(['a:do:2']);
    expect(play.last.timersSet.map(({ kind }) => kind)).toContain('total');
  });

  test('retry a step on which the task is stuck, with its whole budget', () => {
    const play = running([stepPlan('a', { onFailure: 'hold' })]);
    play.reply('a', failed('permanent'));
    expect(play.give({ on: 'retry', stepId: 'none', actor }).refusal?.code).toBe('not-found');
    play.give({ on: 'retry', stepId: 'a', actor });
    expect(play.sent()).toEqual(['a:do:2']);
    expect(play.step('a')).toMatchObject({ tries: 0, conflicts: 0 });
    play.succeed('a');
    expect(play.aggregate.task).toMatchObject({ state: 'succeeded', error: null });
  });

  test('of two steps that hold the task the second still does when the first is retried', () => {
    const play = running([stepPlan('a', { onFailure: 'hold' }), stepPlan('b', { onFailure: 'hold' })]);
    play.reply('a', failed('permanent'));
    play.reply('b', failed('permanent'));
    play.give({ on: 'retry', stepId: 'a', actor });
    play.succeed('a');
    expect(play.state()).toBe('stuck');
  });

  test('cancel a task that is queued at once, and one that is cancelled in peace', () => {
    const play = playOf(chain);
    play.give({ on: 'cancel', actor });
    expect(play.aggregate.task).toMatchObject({ state: 'cancelled', cause: 'cancelled' });
    expect(play.last.lane).toEqual({ queued: -1, running: 0 });
    expect(play.give({ on: 'cancel', actor }).outcome).toBe('ignored');
    expect(play.give({ on: 'hold', actor }).refusal?.code).toBe('state-conflict');
  });

  test('abandon only with a note, and what comes later is found, not applied', () => {
    const play = running([stepPlan('a', { onFailure: 'hold' }), stepPlan('b')]);
    play.reply('a', failed('permanent'));
    expect(play.give({ on: 'abandon', actor, note: '' }).refusal?.code).toBe('validation-failed');
    play.give({ on: 'abandon', actor, note: 'we live with it' });
    expect(play.state()).toBe('abandoned');
    expect(play.reply('b', succeeded())).toMatchObject({
      outcome: 'stale',
      findings: [{ kind: 'task.late_effect', step: 'b' }],
      steps: [],
    });
  });
});
