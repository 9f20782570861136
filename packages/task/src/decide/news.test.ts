import { expect, test } from 'vitest';
import { accepted, playOf, running, stepPlan } from './play.testing.js';

const quiet = { outcome: 'quiet', task: {}, audited: false, commands: [] };

test('that a service has begun is known of the step, and no version of its task', () => {
  const play = running([stepPlan('a')]);
  const { version } = play.aggregate.task;
  play.now += 500;
  const decision = play.reply('a', accepted);
  expect(decision).toMatchObject(quiet);
  expect(decision.event).toBeUndefined();
  expect(play.step('a')).toMatchObject({ state: 'accepted', acceptedAt: play.now });
  expect(play.aggregate.task.version).toBe(version);
  expect(play.reply('a', accepted).outcome).toBe('stale');
  // Said by the version that its end makes.
  play.succeed('a');
  expect(play.last.event).toMatchObject({ data: { steps: [{ from: 'accepted', to: 'succeeded' }] } });
  expect(play.aggregate.task.version).toBe(version + 1);
});

test('that it takes back is neither', () => {
  const play = running([stepPlan('a'), stepPlan('b')]);
  play.succeed('a');
  play.give({ on: 'cancel', actor: { type: 'user', id: 'usr_1' } });
  const { version } = play.aggregate.task;
  const decision = play.reply('a', accepted, { direction: 'undo' });
  expect(decision).toMatchObject({ ...quiet, timersSet: [{ kind: 'beat' }, { kind: 'attempt' }] });
  expect(decision.event).toBeUndefined();
  expect([play.step('a').undoState, play.aggregate.task.version]).toEqual(['accepted', version]);
});

test('a parent that waits for its children only gives up its room quietly', () => {
  const play = playOf([stepPlan('kid', { kind: 'child', service: 'task', action: 'child.run' })]);
  play.give({ on: 'admitted' });
  expect(play.reply('kid', accepted)).toMatchObject({ ...quiet, lane: { queued: 0, running: -1 } });
});
