import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Answer } from '@sentral/contracts/services/message';
import { newWatch, watch } from './simulation/invariants.js';
import type { StepPlan } from '../src/plan/plan.js';
import { isTerminal } from '../src/decide/aggregate.js';
import { decide } from '../src/decide/decide.js';
import { apply, type Input, type TimerKind } from '../src/decide/decision.js';
import { accepted, actor, failed, playOf, stepPlan, succeeded, undoFailed } from '../src/decide/play.testing.js';

// Any input in any state, not only what a service or a clock that obeys the rules would give.

const keys = ['a', 'b', 'c', 'd'];
const stepId = fc.constantFrom(...keys, 'none');
const direction = fc.constantFrom('do' as const, 'undo' as const);
const attempt = fc.nat(5);
const answer = fc.constantFrom<Answer>(
  accepted,
  succeeded({ id: 1 }),
  succeeded({ id: 2 }),
  succeeded({ id: 3 }),
  failed('transient'),
  failed('throttled'),
  failed('conflict'),
  failed('permanent', { effects: 'none' }),
  failed('permanent'),
  failed('invalid'),
  { kind: 'undone', data: { found: true } },
  undoFailed('transient'),
  undoFailed('permanent'),
  { kind: 'fenced', data: { by: 'undo' } },
  { kind: 'fenced', data: { by: 'newer_attempt' } },
);
const kinds: readonly TimerKind[] = ['ack', 'beat', 'attempt', 'total', 'retry', 'deadline', 'wake'];
const input: fc.Arbitrary<Input> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ on: fc.constant('reply' as const), stepId, direction, attempt, answer }) },
  {
    weight: 6,
    arbitrary: fc.record({
      on: fc.constant('timer' as const),
      ownerId: fc.oneof(stepId, fc.constant('task')),
      direction,
      attempt,
      kind: fc.constantFrom(...kinds),
    }),
  },
  fc.record({ on: fc.constant('beat' as const), stepId, direction, attempt, progress: fc.nat(100) }),
  fc.constant<Input>({ on: 'admitted' }),
  { weight: 2, arbitrary: fc.constantFrom<Input>({ on: 'revoked' }, { on: 'doubted', note: 'n' }) },
  fc.record({
    on: fc.constant('signal' as const),
    id: fc.constantFrom('x', 'y'),
    name: fc.constantFrom('go', 'stop'),
    data: fc.constant({}),
  }),
  fc.record({ on: fc.constant('authorized' as const), stepId, allowed: fc.boolean() }),
  fc.record({
    on: fc.constant('reconciled' as const),
    lost: fc.array(fc.record({ stepId, direction }), { maxLength: 2 }),
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      on: fc.constantFrom('cancel' as const, 'hold' as const, 'resume' as const, 'unwind' as const),
      actor: fc.constant(actor),
      note: fc.constant('n'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ on: fc.constant('retry' as const), stepId, actor: fc.constant(actor) }) },
  fc.record({ on: fc.constant('waive' as const), stepId, actor: fc.constant(actor), note: fc.constant('n') }),
  {
    weight: 5,
    arbitrary: fc.record({
      on: fc.constant('abandon' as const),
      actor: fc.constant(actor),
      note: fc.constantFrom('n', ''),
    }),
  },
);

const plan: fc.Arbitrary<readonly StepPlan[]> = fc
  .array(
    fc.record({
      needs: fc.subarray(keys),
      kind: fc.constantFrom('command' as const, 'command' as const, 'wait' as const, 'child' as const),
      undo: fc.constantFrom<StepPlan['undo']>({ action: 'thing.remove' }, 'fence', 'none'),
      pivot: fc.boolean(),
      destructive: fc.boolean(),
      onFailure: fc.constantFrom('unwind' as const, 'hold' as const, 'continue' as const),
      trusted: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((steps) =>
    steps.map(({ needs, trusted, ...rest }, at) =>
      stepPlan(keys[at]!, {
        ...rest,
        action: rest.kind === 'wait' ? 'go' : 'thing.make',
        needs: needs.filter((need) => keys.indexOf(need) < at),
        policy: { effectsTrusted: trusted, retry: { attemptsMax: 2 } },
      }),
    ),
  );

test('every input in every state gives a decision, and none of the invariants is ever broken', () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(plan, fc.boolean(), fc.array(input, { minLength: 20, maxLength: 60 }), (steps, admit, inputs) => {
      let { aggregate } = playOf(steps);
      const on = newWatch();
      const context = { now: 1, jitter: 0.5, paused: new Set<string>() };
      for (const each of admit ? [{ on: 'admitted' } as const, ...inputs] : inputs) {
        // Half of the numbers are made right, or hardly anything would be news.
        const given = aimed(each, aggregate);
        reached.add(`${aggregate.task.state} ${given.on}`);
        const frozen = JSON.stringify(aggregate);
        const decision = decide(aggregate, given, context);
        expect(JSON.stringify(aggregate)).toBe(frozen);
        expect(decide(aggregate, given, context)).toEqual(decision);
        const after = apply(aggregate, decision);
        watch(on, {
          before: aggregate,
          input: given,
          decision,
          after,
          timers: decision.ended ? 0 : isTerminal(after.task.state) ? decision.timersSet.length : 1,
        });
        aggregate = after;
      }
      expect([...on.violations]).toEqual([]);
    }),
    // The same every time, since below it is counted what was reached.
    { numRuns: 500, seed: 20_261_127 },
  );
  const ons = [
    'reply',
    'timer',
    'beat',
    'admitted',
    'revoked',
    'doubted',
    'signal',
    'authorized',
    'reconciled',
    'cancel',
    'hold',
    'resume',
    'unwind',
    'retry',
    'waive',
    'abandon',
  ];
  for (const state of ['queued', 'running', 'unwinding', 'stuck', 'succeeded', 'failed', 'cancelled', 'abandoned'])
    for (const on of ons) expect([...reached]).toContain(`${state} ${on}`);
});

function aimed(given: Input, aggregate: ReturnType<typeof playOf>['aggregate']): Input {
  if ((given.on !== 'reply' && given.on !== 'timer') || given.attempt % 2 === 1) return given;
  const id = given.on === 'reply' ? given.stepId : given.ownerId;
  const step = aggregate.steps.find((each) => each.id === id);
  return { ...given, attempt: (given.direction === 'do' ? step?.attempt : step?.undoAttempt) ?? 0 };
}

test('whatever has happened, a task ends once services answer and people decide', () => {
  fc.assert(
    fc.property(plan, fc.array(input, { maxLength: 40 }), (steps, inputs) => {
      const play = playOf(steps);
      for (const each of inputs) play.give(aimed(each, play.aggregate));
      for (let round = 0; round < 60 && !isTerminal(play.aggregate.task.state); round += 1) {
        play.give({ on: 'resume', actor });
        play.give({ on: 'admitted' });
        play.give({ on: 'signal', id: `late${round}`, name: 'go', data: {} });
        for (const { id } of play.aggregate.steps) {
          play.give({ on: 'authorized', stepId: id, allowed: true });
          for (const way of ['do', 'undo'] as const) play.timer(id, 'retry', way);
          play.reply(id, succeeded());
          play.reply(id, { kind: 'undone', data: { found: true } });
          if (play.state() === 'stuck') play.give({ on: 'retry', stepId: id, actor });
        }
      }
      expect(isTerminal(play.aggregate.task.state)).toBe(true);
    }),
    { numRuns: 300 },
  );
});
