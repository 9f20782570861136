import type { Answer, Direction } from '@sentral/contracts/services/message';
import type { Plan, StepPlan } from '../plan/plan.js';
import type { Json } from '../plan/template.js';
import type { Aggregate, StepRow } from './aggregate.js';
import { aggregateOf } from './begin.js';
import { decide } from './decide.js';
import { apply, type Decision, type Input, type SentCommand, type TimerKind } from './decision.js';

export const actor = { type: 'user', id: 'usr_1' };

export const stepPlan = (key: string, changes: Partial<StepPlan> = {}): StepPlan => ({
  key,
  kind: 'command',
  service: 'nett',
  action: 'thing.make',
  contract: 1,
  input: {},
  undo: { action: 'thing.remove' },
  ...changes,
});

/** A task that is decided input by input, as the store would; step ids are their keys. */
export interface Play {
  aggregate: Aggregate;
  last: Decision;
  now: number;
  paused: Set<string>;
  give(input: Input): Decision;
  reply(step: string, answer: Answer, more?: { direction?: Direction; attempt?: number }): Decision;
  timer(step: string, kind: TimerKind, direction?: Direction): Decision;
  succeed(...steps: readonly string[]): void;
  undone(...steps: readonly string[]): void;
  step(key: string): StepRow;
  state(): string;
  /** The last decision's commands: `a:do:1`. */
  sent(): readonly string[];
}

export function playOf(steps: readonly StepPlan[], changes: Partial<Plan> & { readonly input?: Json } = {}): Play {
  const { input = {}, ...rest } = changes;
  const plan: Plan = { kind: 'test.play', kindVersion: 1, claims: [], holdings: [], steps, ...rest };
  const play: Play = {
    aggregate: aggregateOf(plan, { id: 'task', input, stepId: (key) => key }),
    last: undefined as unknown as Decision,
    now: 1_000_000,
    paused: new Set(),
    give(input) {
      play.last = decide(play.aggregate, input, { now: play.now, jitter: 1, paused: play.paused });
      play.aggregate = apply(play.aggregate, play.last);
      return play.last;
    },
    reply(stepId, answer, { direction, attempt } = {}) {
      const way = direction ?? (answer.kind === 'undone' || answer.kind === 'undo_failed' ? 'undo' : 'do');
      const { attempt: forward, undoAttempt } = play.step(stepId);
      return play.give({
        on: 'reply',
        stepId,
        direction: way,
        attempt: attempt ?? (way === 'do' ? forward : undoAttempt),
        answer,
      });
    },
    timer(ownerId, kind, direction = 'do') {
      const row = play.aggregate.steps.find(({ id }) => id === ownerId);
      const attempt = (direction === 'do' ? row?.attempt : row?.undoAttempt) ?? 0;
      return play.give({ on: 'timer', ownerId, kind, direction, attempt });
    },
    succeed: (...keys) => keys.forEach((key) => play.reply(key, succeeded())),
    undone: (...keys) => keys.forEach((key) => play.reply(key, { kind: 'undone', data: { found: true } })),
    step: (key) => play.aggregate.steps.find((each) => each.key === key)!,
    state: () => play.aggregate.task.state,
    sent: () =>
      play.last.commands.map((command: SentCommand) => `${command.stepId}:${command.direction}:${command.attempt}`),
  };
  return play;
}

/** The same, already admitted. */
export function running(steps: readonly StepPlan[], changes: Partial<Plan> & { readonly input?: Json } = {}): Play {
  const play = playOf(steps, changes);
  play.give({ on: 'admitted' });
  return play;
}

export const succeeded = (output: Json = {}): Answer => ({ kind: 'succeeded', data: { output } });
export const accepted: Answer = { kind: 'accepted', data: {} };

type Class = Extract<Answer, { kind: 'failed' }>['data']['class'];
export const failed = (kind: Class, more: { effects?: 'none' | 'unknown'; retryAfterMs?: number } = {}): Answer => ({
  kind: 'failed',
  data: { class: kind, code: kind, message: '', effects: 'unknown', ...more },
});
export const undoFailed = (kind: Class): Answer => ({
  kind: 'undo_failed',
  data: { class: kind, code: kind, message: '' },
});
