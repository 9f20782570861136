import { commandId, replyId, type Direction } from '@sentral/contracts/services/message';
import { isTerminal, type Aggregate } from '../../src/decide/aggregate.js';
import type { decide as decideRule } from '../../src/decide/decide.js';
import { apply, type Decision, type Input, type SentCommand, type Timer } from '../../src/decide/decision.js';
import type { Faults, Message } from './bus.js';
import { watch, type Watch } from './invariants.js';
import type { Clock, Random } from './random.js';
import type { Reply } from './service.js';

export interface SentralRules {
  readonly decide: typeof decideRule;
  /** R1 */
  readonly inbox: boolean;
  /** R2: the message id names the attempt. */
  readonly idsNameAttempts: boolean;
  /** R8: timers outlive the process. */
  readonly durableTimers: boolean;
}

const timerKey = (timer: { ownerId: string; direction: Direction; kind: string }): string =>
  `${timer.ownerId} ${timer.direction} ${timer.kind}`;

/** Sentral with a store that outlives its process: one transaction a decision, an outbox, an inbox, timer rows. */
export function sentralOf(options: {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults: Faults;
  readonly rules: SentralRules;
  readonly aggregate: Aggregate;
  readonly publish: (message: Message<SentCommand>) => void;
  readonly watch: Watch;
  readonly ended?: () => void;
  /** Asks the service what became of an operation, and gives it as the reply that was lost. */
  readonly describe: (op: string) => Reply | undefined;
}) {
  const { clock, random, faults, rules } = options;
  let aggregate = options.aggregate;
  let up = true;
  const inbox = new Set<string>();
  /** Idempotency keys: who asks again after a lost answer asks the same thing. */
  const asked = new Set<Input>();
  const timers = new Map<string, Timer>();
  const outbox: Message<SentCommand>[] = [];
  const paused = new Set<string>();

  function crash(): void {
    up = false;
    if (!rules.durableTimers) timers.clear();
    clock.after(random.between(100, 10_000), () => {
      up = true;
      relay();
    });
  }

  function relay(): void {
    while (up && outbox.length > 0) {
      options.publish(outbox[0]!);
      // Published, and gone before the row was deleted.
      if (random.chance(faults.crash / 4)) return crash();
      outbox.shift();
    }
  }

  /** One transaction; false when it was rolled back or its acknowledgement got lost, so that what caused it comes again. */
  function transact(input: Input, messageId?: string): boolean {
    if (!up) return false;
    if (random.chance(faults.crash / 4)) {
      crash();
      return false;
    }
    const known = asked.has(input) || (rules.inbox && messageId !== undefined && inbox.has(messageId));
    if (!known) {
      if (messageId !== undefined) inbox.add(messageId);
      else asked.add(input);
      const context = { now: clock.now(), jitter: random.next(), paused };
      write(input, rules.decide(aggregate, input, context));
    }
    if (random.chance(faults.crash / 4)) {
      crash();
      return false;
    }
    clock.after(1, relay);
    return true;
  }

  function write(input: Input, decision: Decision): void {
    const before = aggregate;
    aggregate = apply(before, decision);
    if (decision.ended) timers.clear();
    if (decision.ended) options.ended?.();
    for (const op of decision.describe) clock.after(5, () => hearOf(op));
    for (const key of decision.timersClear) timers.delete(timerKey(key));
    for (const timer of decision.timersSet) {
      timers.set(timerKey(timer), timer);
      clock.after(timer.dueAt - clock.now(), () => fire(timer));
    }
    for (const command of decision.commands) {
      const id = commandId(command.stepId, command.direction, rules.idsNameAttempts ? command.attempt : 1);
      outbox.push({ id, operation: command.stepId, body: command });
    }
    watch(options.watch, { before, input, decision, after: aggregate, timers: timers.size });
  }

  function fire(timer: Timer): void {
    // The row is looked at again under the lock: it may have been cleared, or set anew.
    if (timers.get(timerKey(timer)) !== timer) return;
    if (!up) return clock.after(500, () => fire(timer));
    timers.delete(timerKey(timer));
    const { ownerId, direction, kind, attempt } = timer;
    const version = aggregate;
    if (!transact({ on: 'timer', ownerId, direction, kind, attempt }) && version === aggregate && rules.durableTimers) {
      timers.set(timerKey(timer), timer);
      clock.after(500, () => fire(timer));
    }
  }

  function hearOf(op: string): void {
    const reply = random.chance(faults.loss) ? undefined : options.describe(op);
    if (reply === undefined) return;
    const { stepId, direction, attempt, answer } = reply;
    transact({ on: 'reply', stepId, direction, attempt, answer }, `describe:${op}:${attempt}:${answer.kind}`);
  }

  return {
    aggregate: (): Aggregate => aggregate,
    ended: (): boolean => isTerminal(aggregate.task.state),
    paused,
    setDeadline(inMs: number): void {
      const timer: Timer = {
        ownerId: aggregate.task.id,
        direction: 'do',
        kind: 'deadline',
        attempt: 0,
        dueAt: clock.now() + inMs,
      };
      timers.set(timerKey(timer), timer);
      clock.after(inMs, () => fire(timer));
    },
    /** What people and other loops ask; they ask again while nobody answers. */
    ask(input: Input, answered: () => void = () => undefined): void {
      if (transact(input)) answered();
      else clock.after(1_000, () => this.ask(input, answered));
    },
    take(reply: Reply): boolean {
      const { stepId, direction, attempt, answer } = reply;
      const id = replyId(commandId(stepId, direction, attempt), answer.kind);
      return transact({ on: 'reply', stepId, direction, attempt, answer }, id);
    },
    beat(beat: Omit<Reply, 'answer'>): void {
      if (up && !random.chance(faults.loss)) transact({ on: 'beat', ...beat });
    },
  };
}
