import type { Answer } from '@sentral/contracts/services/message';
import type { journal, JournalInput, JournalStep, Operation } from '@sentral/contracts/services/journal';
import { describeOperation, replyOf } from '@sentral/contracts/services/query';
import { runNext, takeBackNext, type Child, type Move } from '../../src/child/rules.js';
import { isTerminal, type Aggregate } from '../../src/decide/aggregate.js';
import type { SentCommand } from '../../src/decide/decision.js';
import type { Plan, StepPlan } from '../../src/plan/plan.js';
import type { Faults } from './bus.js';
import { judge, newWatch, type Watch } from './invariants.js';
import type { Clock, Random } from './random.js';
import type { sentralOf } from './sentral.js';
import type { Outbound, Reply } from './service.js';

export interface FamilyRules {
  readonly journal: typeof journal;
  readonly runNext: typeof runNext;
  readonly takeBackNext: typeof takeBackNext;
}
export const familyRules = { runNext, takeBackNext };

type Sentral = ReturnType<typeof sentralOf>;
interface Member extends Pick<Child, 'id' | 'direction' | 'index' | 'round'> {
  readonly op: string;
  readonly sentral: Sentral;
  readonly on: Watch;
}

/** A random step whose work are one or two tasks, each taken back by a task of its own where it has succeeded. */
export function childStep(random: Random): Partial<StepPlan> {
  const tasks = Array.from({ length: random.between(1, 2) }, () => ({ kind: 'test.child', input: {} }));
  const back = random.chance(0.1) ? [] : tasks;
  const undo = { action: 'child.cancel', input: { tasks: back } };
  return { kind: 'child', service: 'task', action: 'child.run', input: { tasks }, undo };
}

const isRevocable = ({ task, steps }: Aggregate): boolean =>
  (task.state === 'queued' ||
    task.state === 'running' ||
    (task.state === 'stuck' && steps.every(({ undoState }) => undoState === 'idle'))) &&
  !task.pivotPassed;

/**
 * Task as it serves children (src/child): each move of the rules is one transaction on one child, a process may die behind any of
 * them, and whoever looks next goes on.
 */
export function familyOf(
  clock: Clock,
  random: Random,
  faults: Faults,
  rules: FamilyRules,
  out: Outbound & { begin(plan: Plan, id: string, on: Watch): Sentral; parentEnded(): boolean },
) {
  const rows = new Map<string, Operation>();
  const members: Member[] = [];
  const awaited = new Set<string>();

  function write({ row, acts }: JournalStep): void {
    if (row === undefined) return;
    rows.set(row.op, row);
    for (const act of acts)
      if (act.act === 'reply')
        out.reply({ stepId: row.op, direction: act.direction, attempt: act.attempt, answer: act.answer });
  }

  /** So many moves as there are now; a process that dies leaves the rest to the next look. */
  function goOn(op: string): void {
    for (let moves = 0; moves < 20; moves += 1) {
      const { row, acts } = rules.journal(rows.get(op), { on: 'boot' });
      const [act] = acts;
      if (row === undefined || (act?.act !== 'run' && act?.act !== 'takeBack')) return;
      if (random.chance(faults.crash)) return later(op);
      const forward = act.act === 'run';
      const round = forward ? row.attempt : row.undoAttempt;
      const count = ((act.work?.input as { tasks?: unknown[] } | undefined)?.tasks ?? []).length;
      const children = members.filter((each) => each.op === op).map(childOf);
      const move = (forward ? rules.runNext : rules.takeBackNext)({ count, round, children });
      if (move.act === 'wait') return later(op);
      if (move.act === 'make' && out.parentEnded()) return end(row, forward, failure('parent_ended', forward));
      if (move.act === 'make') make(op, move, round);
      else if (move.act === 'revoke') members.find(({ id }) => id === move.child.id)!.sentral.ask({ on: 'revoked' });
      else return end(row, forward, answerOf(move, forward));
    }
    later(op);
  }
  function later(op: string): void {
    if (awaited.has(op)) return;
    awaited.add(op);
    clock.after(random.between(1_000, 60_000), () => {
      awaited.delete(op);
      goOn(op);
    });
  }
  const end = (row: Operation, forward: boolean, answer: Answer): void =>
    write(rules.journal(row, { on: forward ? 'ran' : 'tookBack', end: answer } as JournalInput));

  function make(op: string, { direction, index }: Move & { act: 'make' }, round: number): void {
    const id = `${op}/${direction}:${index}:${round}`;
    const back = members.findLast((each) => each.op === op && each.direction === 'do' && each.index === index);
    const own = { kind: 'command', service: 'nett', contract: 1, action: 'thing.make' } as const;
    const luck = () => ({ luck: random.chance(0.3) ? 0.5 : 1 });
    const remove = { undo: { action: 'thing.remove' }, onFailure: random.chance(0.1) ? 'hold' : 'unwind' } as const;
    const steps: StepPlan[] =
      direction === 'undo'
        ? [{ ...own, key: 'clear', undo: 'fence', input: { clear: `${back!.id}/` } }]
        : [
            { ...own, key: 'c0', input: luck(), ...remove },
            { ...own, key: 'c1', input: luck(), needs: random.chance(0.5) ? ['c0'] : [], ...remove },
          ];
    const on = newWatch();
    const plan = { kind: 'test.child', kindVersion: 1, claims: [], holdings: [], steps };
    members.push({ id, op, direction, index, round, on, sentral: out.begin(plan, id, on) });
  }

  return {
    members,
    take(command: SentCommand): boolean {
      if (random.chance(faults.crash / 2)) return false;
      const { stepId: op, attempt, contract, input, action, expiresAt } = command;
      const expired = expiresAt !== undefined && expiresAt < clock.now();
      const work = { action: action ?? '', contract, input };
      write(
        rules.journal(
          rows.get(op),
          command.direction === 'do'
            ? { on: 'do', op, attempt, work, expired }
            : { on: 'undo', op, attempt, ...(action === undefined ? {} : { work }) },
        ),
      );
      goOn(op);
      return !random.chance(faults.crash / 2);
    },
    describe(op: string): Reply | undefined {
      const said = replyOf(describeOperation(rows.get(op)));
      return said === undefined ? undefined : { stepId: op, ...said };
    },
    /** A child has ended: its process looks at once, if it lives. */
    ended(op: string): void {
      if (!random.chance(faults.crash)) clock.after(1, () => goOn(op));
    },
    judge(on: Watch, parent: Aggregate, world: ReadonlyMap<string, number>, doubles: ReadonlySet<string>): void {
      for (const member of members) {
        const aggregate = member.sentral.aggregate();
        const { task } = aggregate;
        const cleared = members.some(
          (each) =>
            each.op === member.op &&
            each.index === member.index &&
            each.direction === 'undo' &&
            member.direction === 'do',
        );
        if (!cleared) judge(member.on, aggregate, world, doubles);
        for (const what of member.on.violations) on.violations.add(what);
        const step = parent.steps.find(({ id }) => id === member.op)!;
        const let_go = parent.task.state === 'abandoned' || step.undoState === 'waived';
        if (isTerminal(parent.task.state) && !isTerminal(task.state) && !let_go)
          on.violations.add('a child outlived its parent');
        const back = parent.task.state === 'failed' || parent.task.state === 'cancelled';
        if (!back || let_go || member.direction === 'undo' || task.state !== 'succeeded') continue;
        const accepted = members.some(
          (each) =>
            each.op === member.op && each.index === member.index && each.sentral.aggregate().task.state === 'abandoned',
        );
        if (!accepted && aggregate.steps.some(({ id }) => (world.get(id) ?? 0) > 0))
          on.violations.add('orphaned effects');
      }
      for (const step of parent.steps.filter(({ kind, state }) => kind === 'child' && state === 'succeeded')) {
        const wanted = (step.input as { tasks: unknown[] }).tasks.length;
        const there = members.filter(
          ({ op, direction, sentral }) =>
            op === step.id && direction === 'do' && sentral.aggregate().task.state === 'succeeded',
        );
        if (there.length !== wanted) on.violations.add('a step succeeded without its children');
      }
    },
  };
}

const childOf = ({ id, direction, index, round, sentral }: Member): Child => {
  const aggregate = sentral.aggregate();
  const { state, cause } = aggregate.task;
  return { id, direction, index, round, state, cause, revocable: isRevocable(aggregate), output: null };
};

function failure(code: string, forward: boolean): Answer {
  const data = { class: 'permanent', code, message: '' } as const;
  return forward ? { kind: 'failed', data: { ...data, effects: 'unknown' } } : { kind: 'undo_failed', data };
}

function answerOf(move: Move, forward: boolean): Answer {
  if (move.act === 'succeed') return { kind: 'succeeded', data: { output: {} } };
  if (move.act === 'undone') return { kind: 'undone', data: { found: move.found } };
  return failure(move.act === 'fail' ? move.code : move.act, forward);
}
