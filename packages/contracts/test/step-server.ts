import type { StepServer } from '../src/services/conformance.js';
import {
  inputOf,
  journal,
  type JournalAct,
  type JournalInput,
  type Operation,
  type Work,
} from '../src/services/journal.js';
import { kindOf, replyMessage, type Answer, type Command, type Reply } from '../src/services/message.js';
import { describeOperation } from '../src/services/query.js';

export interface Flaws {
  readonly journal?: typeof journal;
  /** S4: makes without looking. */
  readonly blind?: boolean;
  /** S5: forgets at the start what it was doing. */
  readonly forgetful?: boolean;
  /** S3: writes the row only after the effect. */
  readonly late?: boolean;
}

type Job = { readonly op: string } & Extract<JournalAct, { act: 'run' | 'takeBack' }>;

/** The rules on a map: a journal and a world that outlive the process, jobs that do not. With flaws, to see each caught. */
export function memoryServer(flaws: Flaws = {}): StepServer {
  const decide = flaws.journal ?? journal;
  const rows = new Map<string, Operation>();
  const world = new Map<string, number>();
  const replies: Reply[] = [];
  const commands = new Map<string, Command>();
  let jobs: Job[] = [];
  let crash: 'beforeEffect' | 'afterEffect' | undefined;

  function apply(op: string, input: JournalInput): void {
    const { row, acts } = decide(rows.get(op), input);
    const runs = acts.some((each) => each.act === 'run');
    if (row !== undefined && !(flaws.late === true && runs)) rows.set(op, row);
    for (const act of acts) {
      if (act.act === 'reply') {
        const to = { command: commands.get(op)!, service: 'nett', time: '2026-01-01T00:00:01.000Z', ...act };
        replies.push(replyMessage(to, act.answer));
      } else if (act.act !== 'abort') jobs.push({ ...act, op });
    }
    if (flaws.late === true && runs) {
      work();
      if (row !== undefined && jobs.length === 0) rows.set(op, row);
    }
  }

  function restart(): void {
    jobs = [];
    crash = undefined;
    if (flaws.forgetful !== true) for (const op of rows.keys()) apply(op, { on: 'boot' });
  }

  function work(): void {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const before = crash === 'beforeEffect';
      if (before) {
        restart();
        continue;
      }
      const there = world.get(job.op) ?? 0;
      const end: Answer =
        job.act === 'run' ? run(job.op, job.work, there) : { kind: 'undone', data: { found: there > 0 } };
      if (job.act === 'takeBack') world.delete(job.op);
      if (crash === 'afterEffect') {
        restart();
        continue;
      }
      apply(job.op, { on: job.act === 'run' ? 'ran' : 'tookBack', end } as JournalInput);
    }
  }

  function run(op: string, asked: Work, there: number): Answer {
    const failed = (kind: 'invalid' | 'permanent', code: string): Answer => ({
      kind: 'failed',
      data: { class: kind, code, message: 'not here', effects: 'none' },
    });
    if (asked.contract !== 1) return failed('invalid', 'contract_unsupported');
    if (asked.action === 'port.break') return failed('permanent', 'port_broken');
    world.set(op, flaws.blind === true ? there + 1 : 1);
    return { kind: 'succeeded', data: { output: { port: op } } };
  }

  return {
    deliver: async (command) => {
      commands.set(command.stepid, command);
      apply(command.stepid, inputOf(command, Date.now()));
      // A process that is about to die does so in its first work.
      if (crash !== undefined && jobs.length > 0) work();
    },
    settle: async () => work(),
    replies: async (step) => replies.filter((reply) => reply.stepid === step && kindOf(reply.type) !== undefined),
    effects: async (step) => world.get(step) ?? 0,
    describe: async (step) => describeOperation(rows.get(step)),
    crashNext: async (when) => {
      crash = when;
    },
  };
}
