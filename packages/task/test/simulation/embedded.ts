import type { journal, JournalInput, JournalStep, Operation } from '@sentral/contracts/services/journal';
import type { Answer } from '@sentral/contracts/services/message';
import type { SentCommand } from '../../src/decide/decision.js';
import { bindStep, confirmStep } from '../../src/plan/plan.js';
import type { Faults } from './bus.js';
import type { Clock, Random } from './random.js';
import type { Outbound } from './service.js';

export interface EmbeddedRules {
  readonly journal: typeof journal;
  /** What the facade has bound before the step was sent is found by its undo (task.md 12). */
  readonly ahead: boolean;
}

/** What a context changes in the transaction of a step. */
export interface EmbeddedWorld {
  /** False: it is refused for good. */
  run(action: string, op: string): boolean;
  /** Whether there was anything to take back. */
  takeBack(op: string): boolean;
  /** Gives what undoes all since. */
  begin(): () => void;
  /** As the other services count: one for each step whose effect is there. */
  count(): ReadonlyMap<string, number>;
}

/** Inventory: the facade has bound the allocation before any step. */
export function holdings(): EmbeddedWorld {
  let held: 'bound' | 'active' | 'released' = 'bound';
  return {
    run(action) {
      if (held === 'released') return false;
      if (action === confirmStep.action) held = 'active';
      return true;
    },
    takeBack() {
      const found = held !== 'released';
      held = 'released';
      return found;
    },
    begin() {
      const before = held;
      return () => void (held = before);
    },
    count: () =>
      new Map([
        ['bind', held === 'released' ? 0 : 1],
        ['confirm', held === 'active' ? 1 : 0],
      ]),
  };
}

/** Functions of `sentral`: the answer that stands is all that they leave. */
export function answers(): EmbeddedWorld {
  let standing: readonly string[] = [];
  return {
    run(_, op) {
      standing = [...standing, op];
      return true;
    },
    takeBack(op) {
      const found = standing.includes(op);
      standing = standing.filter((each) => each !== op);
      return found;
    },
    begin() {
      const before = standing;
      return () => void (standing = before);
    },
    count: () => new Map(standing.map((op) => [op, standing.filter((each) => each === op).length])),
  };
}

/** A context that serves steps (kernel/bus/operation): the work and its end are one transaction, and any process goes on with it. */
export function embeddedOf(
  clock: Clock,
  random: Random,
  faults: Faults,
  rules: EmbeddedRules,
  { world, ...out }: Pick<Outbound, 'reply'> & { readonly world: EmbeddedWorld },
) {
  const rows = new Map<string, Operation>();
  let up = true;

  function crash(): false {
    up = false;
    clock.after(random.between(100, 20_000), () => {
      up = true;
      resume();
    });
    return false;
  }

  function resume(): void {
    const left = [...rows.values()].filter(({ state }) => state === 'doing' || state === 'undoing');
    for (const { op } of left) if (up && !work(op)) clock.after(5_000, resume);
  }

  function write({ row, acts }: JournalStep): void {
    if (row === undefined) return;
    rows.set(row.op, row);
    for (const act of acts)
      if (act.act === 'reply')
        out.reply({ stepId: row.op, direction: act.direction, attempt: act.attempt, answer: act.answer });
  }

  /** One transaction; false when it was rolled back, with all that it had done. */
  function work(op: string): boolean {
    const begun = rules.journal(rows.get(op), { on: 'boot' });
    const [act] = begun.acts;
    if (act?.act !== 'run' && act?.act !== 'takeBack') return true;
    if (random.chance(faults.crash)) return crash();
    const undo = world.begin();
    const end = act.act === 'run' ? run(act.work.action, op) : takeBack(op);
    if (end === undefined || random.chance(faults.crash)) {
      undo();
      return end === undefined ? false : crash();
    }
    write(rules.journal(begun.row, { on: act.act === 'run' ? 'ran' : 'tookBack', end } as JournalInput));
    return true;
  }

  /** Undefined: a conflict or a bug, all of it is undone and gone on with. */
  function run(action: string, op: string): Answer | undefined {
    if (random.chance(0.02)) return undefined;
    const failed = (kind: 'transient' | 'permanent'): Answer => ({
      kind: 'failed',
      data: { class: kind, code: kind, message: '', effects: 'none' },
    });
    if (random.chance(0.03)) return failed('transient');
    if (!world.run(action, op)) return failed('permanent');
    return { kind: 'succeeded', data: { output: {} } };
  }

  function takeBack(op: string): Answer | undefined {
    if (random.chance(0.02)) return undefined;
    return { kind: 'undone', data: { found: world.takeBack(op) } };
  }

  return {
    take(command: SentCommand): boolean {
      if (!up) return false;
      if (random.chance(faults.crash / 2)) return crash();
      const { stepId: op, attempt, contract, input, action, expiresAt } = command;
      const asked = action === undefined ? {} : { work: { action, contract, input } };
      const expired = expiresAt !== undefined && expiresAt < clock.now();
      const given: JournalInput =
        command.direction === 'do'
          ? { on: 'do', op, attempt, work: { action: command.of.action, contract, input }, expired }
          : { on: 'undo', op, attempt, ...asked, ahead: rules.ahead };
      write(rules.journal(rows.get(op), given));
      // Acknowledged behind its work; what was not done is gone on with by the loop, and the command comes again.
      if (!work(op)) {
        clock.after(5_000, resume);
        return false;
      }
      return random.chance(faults.crash / 2) ? crash() : true;
    },
  };
}

export const isEmbedded = ({ service }: Pick<SentCommand, 'service'>): boolean => service === bindStep.service;
