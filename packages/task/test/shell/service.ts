import { describeOperation } from '@sentral/contracts/services/query';
import { journal, type JournalInput, type Operation, type Work } from '@sentral/contracts/services/journal';
import {
  readCommand,
  replyMessage,
  subjects,
  type Answer,
  type Command,
  type Direction,
} from '@sentral/contracts/services/message';
import type { Bus, Subscription } from '@sentral/kernel/bus/port';

type End<D extends Direction> = Extract<
  Answer,
  { kind: D extends 'do' ? 'succeeded' | 'failed' : 'undone' | 'undo_failed' }
>;

/** What a service of the tests makes of its work; `hold` never ends by itself. */
export interface Behaviour {
  run(work: Work, op: string): End<'do'> | 'hold';
  takeBack?(op: string): End<'undo'>;
}

/** A service that obeys S1 to S9 with a journal in memory; its world is what has an effect now, by operation. */
export function startService(bus: Bus, name: string, behaviour: Behaviour) {
  const rows = new Map<string, Operation>();
  const commands = new Map<string, Command>();
  const world = new Map<string, string>();
  /** Every effect that was ever made and every one taken back, in order. */
  const story: string[] = [];
  let silent = false;

  async function commit(op: string, input: JournalInput): Promise<void> {
    const command = commands.get(op);
    if (command === undefined) return;
    const { row, acts } = journal(rows.get(op), input);
    if (row !== undefined) rows.set(op, row);
    for (const act of acts) if (act.act === 'reply') await reply(command, act.direction, act.attempt, act.answer);
    for (const act of acts) {
      if (act.act === 'run') {
        const end = behaviour.run(act.work, op);
        if (end === 'hold') continue;
        if (end.kind === 'succeeded' && !world.has(op)) {
          world.set(op, act.work.action);
          story.push(act.work.action);
        }
        await commit(op, { on: 'ran', end });
      }
      if (act.act === 'takeBack') {
        const end = behaviour.takeBack?.(op) ?? { kind: 'undone', data: { found: world.has(op) } };
        if (end.kind === 'undone' && world.has(op)) {
          story.push(`undo ${world.get(op)}`);
          world.delete(op);
        }
        await commit(op, { on: 'tookBack', end });
      }
    }
  }

  async function reply(command: Command, direction: Direction, attempt: number, answer: Answer): Promise<void> {
    if (silent) return;
    const time = new Date().toISOString();
    const message = replyMessage({ command, service: name, direction, attempt, time }, answer);
    await bus.publish([
      { subject: subjects.reply(name, command.stepid), id: message.id, data: JSON.stringify(message) },
    ]);
  }

  const spec = { ackWaitMs: 2_000, maxDeliver: 20, concurrency: 8, backoffMs: [50] };
  const subscription: Subscription = bus.consume(
    { stream: 'DV_CMD', durable: `${name}-steps`, filter: subjects.commandsOf(name), ...spec },
    async (message) => {
      const read = readCommand(message.data);
      if (!read.ok) return 'term';
      const command = read.message;
      const { stepid: op, attempt, data } = command;
      commands.set(op, command);
      if (command.direction === 'do') {
        const { action, contract, input } = command.data;
        const expired = Date.parse(command.expires) < Date.now();
        await commit(op, { on: 'do', op, attempt, work: { action, contract, input }, expired });
      } else {
        const { action, contract } = data;
        const input = 'input' in data ? data.input : null;
        await commit(op, {
          on: 'undo',
          op,
          attempt,
          ...(action === undefined ? {} : { work: { action, contract, input } }),
        });
      }
      return 'ack';
    },
  );
  const answering = bus.respond(subjects.describe(name), async (data) =>
    JSON.stringify(describeOperation(rows.get((JSON.parse(data) as { op: string }).op))),
  );

  return {
    world,
    story,
    rows,
    /** Ends what was held. */
    end: (op: string, end: End<'do'>) => {
      const command = commands.get(op);
      if (end.kind === 'succeeded' && command?.direction === 'do') {
        world.set(op, command.data.action);
        story.push(command.data.action);
      }
      return commit(op, { on: 'ran', end });
    },
    /** Says the end of an operation once more, under its own id or under another one. */
    repeat: async (op: string, answer: Answer, more: { id?: string; as?: string } = {}) => {
      const command = commands.get(op);
      if (command === undefined) throw new Error(`${op} was never asked`);
      const to = { command, service: name, direction: 'do' as const, attempt: command.attempt };
      const message = replyMessage({ ...to, time: new Date().toISOString() }, answer);
      await bus.publish([
        {
          subject: subjects.reply(more.as ?? name, command.stepid),
          id: more.id ?? message.id,
          data: JSON.stringify(message),
        },
      ]);
    },
    beSilent: (now: boolean) => (silent = now),
    stop: () => Promise.all([subscription.stop(), answering.stop()]),
  };
}
