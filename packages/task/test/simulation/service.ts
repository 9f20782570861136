import type { journal, JournalAct, JournalInput, Operation, Work } from '@sentral/contracts/services/journal';
import type { Answer, Direction } from '@sentral/contracts/services/message';
import type { SentCommand } from '../../src/decide/decision.js';
import type { Clock, Random } from './random.js';
import type { Faults } from './bus.js';

export interface Reply {
  readonly stepId: string;
  readonly direction: Direction;
  readonly attempt: number;
  readonly answer: Answer;
}

export interface ServiceRules {
  readonly journal: typeof journal;
  /** S3: the row is committed before the effect. */
  readonly logsFirst: boolean;
  /** S4: the effect carries the operation's id and is looked for before it is made. */
  readonly looks: boolean;
  /** S5 */
  readonly resumes: boolean;
  /** S7: says that nothing is left only after looking. */
  readonly honest: boolean;
}

export interface Outbound {
  reply(reply: Reply): void;
  beat(beat: Omit<Reply, 'answer'>): void;
}

type Job = Extract<JournalAct, { act: 'run' | 'takeBack' }>;

/** A domain service: a journal and a world that outlive its process, work that does not. */
export function serviceOf(clock: Clock, random: Random, faults: Faults, rules: ServiceRules, out: Outbound) {
  const rows = new Map<string, Operation>();
  const world = new Map<string, number>();
  const doubles = new Set<string>();
  let up = true;
  /** Work of a process that has ended does not go on in the next. */
  let life = 0;

  function crash(): void {
    up = false;
    life += 1;
    clock.after(random.between(100, 20_000), () => {
      up = true;
      if (rules.resumes) for (const op of rows.keys()) commit(op, { on: 'boot' });
    });
  }

  /** One transaction: the row and its replies. The work begins behind it. */
  function commit(op: string, input: JournalInput): void {
    const { row, acts } = rules.journal(rows.get(op), input);
    const starts = acts.find((each): each is Job => each.act === 'run' || each.act === 'takeBack');
    const early = starts?.act === 'run' && !rules.logsFirst;
    if (row !== undefined && !early) rows.set(op, row);
    for (const act of acts)
      if (act.act === 'reply')
        out.reply({ stepId: op, direction: act.direction, attempt: act.attempt, answer: act.answer });
    if (starts !== undefined) start(op, starts, early ? row : undefined);
  }

  function start(op: string, job: Job, unlogged: Operation | undefined): void {
    const mine = life;
    const long = random.chance(0.02);
    const first = long ? random.between(10_000, 120_000) : random.between(5, 3_000);
    if (long) beatFrom(op, mine);
    clock.after(first, () => {
      if (mine !== life) return;
      if (random.chance(faults.crash)) return crash();
      const end = job.act === 'run' ? run(op, job.work) : takeBack(op);
      if (random.chance(faults.crash)) return crash();
      clock.after(random.between(1, 500), () => {
        if (mine !== life) return;
        if (unlogged !== undefined && !rows.has(op)) rows.set(op, unlogged);
        commit(op, { on: job.act === 'run' ? 'ran' : 'tookBack', end } as JournalInput);
      });
    });
  }

  function beatFrom(op: string, mine: number): void {
    clock.after(20_000, () => {
      const row = rows.get(op);
      if (mine !== life || row === undefined || (row.state !== 'doing' && row.state !== 'undoing')) return;
      const direction = row.state === 'doing' && !row.wantUndo ? 'do' : 'undo';
      out.beat({ stepId: op, direction, attempt: direction === 'do' ? row.attempt : row.undoAttempt });
      beatFrom(op, mine);
    });
  }

  function run(op: string, work: Work): Answer {
    const there = world.get(op) ?? 0;
    const make = (): void => {
      if (rules.looks && there > 0) return;
      world.set(op, there + 1);
      if (there > 0) doubles.add(op);
    };
    const failed = (
      kind: 'transient' | 'throttled' | 'conflict' | 'permanent' | 'invalid',
      more: object = {},
    ): Answer => {
      const effects = !rules.honest || (world.get(op) ?? 0) === 0 ? 'none' : 'unknown';
      return { kind: 'failed', data: { class: kind, code: kind, message: '', effects, ...more } };
    };
    const luck = random.next() * ((work.input as { luck?: number } | null)?.luck ?? 1);
    if (luck < 0.03) return failed('transient');
    if (luck < 0.04) return failed('throttled', { retryAfterMs: random.between(1_000, 30_000) });
    if (luck < 0.05) return failed('conflict');
    if (luck < 0.08) return failed('permanent');
    if (luck < 0.083) return failed('invalid');
    make();
    const { clear } = work.input as { clear?: string };
    if (clear !== undefined) for (const each of world.keys()) if (each.startsWith(clear)) world.delete(each);
    // It was made, and then something went wrong.
    if (luck < 0.12) return failed('transient');
    if (luck < 0.14) return failed('permanent');
    return { kind: 'succeeded', data: { output: { id: op } } };
  }

  function takeBack(op: string): Answer {
    const luck = random.next();
    if (luck < 0.03) return { kind: 'undo_failed', data: { class: 'transient', code: 'busy', message: '' } };
    if (luck < 0.036) return { kind: 'undo_failed', data: { class: 'permanent', code: 'stuck', message: '' } };
    const found = (world.get(op) ?? 0) > 0;
    world.delete(op);
    return { kind: 'undone', data: { found } };
  }

  return {
    /** How many effects of each operation there are. */
    world,
    /** Operations that had two effects at one time. */
    doubles,
    take(command: SentCommand): boolean {
      if (!up) return false;
      if (random.chance(faults.crash / 2)) {
        crash();
        return false;
      }
      const { stepId: op, attempt, contract, input, action, expiresAt } = command;
      if (command.direction === 'do') {
        const work = { action: action!, contract, input };
        commit(op, { on: 'do', op, attempt, work, expired: expiresAt !== undefined && expiresAt < clock.now() });
      } else {
        commit(op, { on: 'undo', op, attempt, ...(action === undefined ? {} : { work: { action, contract, input } }) });
      }
      if (random.chance(faults.crash / 2)) {
        crash();
        return false;
      }
      return true;
    },
  };
}
