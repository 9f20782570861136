// Prevents: a transaction for each reply where hundreds come at once, and replies to one task that wait for each other's locks.
import { sharing } from '@sentral/kernel/bus/sharing';
import { onceEach } from '@sentral/kernel/inbox';
import { byKey, inTransaction } from '@sentral/kernel/transaction';
import { schemaName, system } from '../change.js';
import { decide } from '../decide/decide.js';
import type { Deps } from '../deps.js';
import { lockAndLoad } from '../store/aggregate.js';
import { lockTasks } from '../store/sql.js';
import { moveLanes, movedBy, writeMoves, type Move } from '../store/write.js';
import { announce, drawJitter, take, type News, type Taken } from './take.js';

/** News that a message brought. */
export type Heard = News & { readonly message: NonNullable<News['message']> };

/** Few: each keeps a connection busy. A task always comes through the same one, so it never waits for itself. */
const lanes = 2;

/**
 * Like `take`, with others: what comes while a transaction is under way shares the next one. Each has its own decision; what breaks
 * the transaction harms nobody else, as each is taken alone then.
 */
export function takingTogether(deps: Deps): (news: Heard) => Promise<Taken | undefined> {
  const open = Array.from({ length: lanes }, () => lane(deps));
  // The end of an id is random, its beginning is a time.
  return (news) => (open[Number.parseInt(news.taskId.slice(-4), 16) % lanes] as ReturnType<typeof lane>)(news);
}

const lane = (deps: Deps) =>
  sharing<Heard, Taken | undefined>({
    together: async (group) => {
      const taken = await decideAll(deps, group);
      for (const each of taken) if (each !== undefined) announce(deps, each);
      return taken;
    },
    alone: (news) => take(deps, news),
    broken: (error, replies) => deps.telemetry.log('info', 'replies are taken in one by one', { replies, error }),
  });

/** Undefined for who was heard before, or is told to a task that is not there. */
async function decideAll(deps: Deps, group: readonly Heard[]): Promise<readonly (Taken | undefined)[]> {
  const jitters = group.map(drawJitter);
  const consumer = group[0]?.message.consumer ?? '';
  return inTransaction(
    deps.db.app,
    async (tx) => {
      const messageIds = group.map(({ message }) => message.messageId);
      const taskIds = [...new Set(group.map(({ taskId }) => taskId))].toSorted();
      const [fresh, all] = await Promise.all([
        onceEach(tx, schemaName, { consumer, messageIds }),
        deps.telemetry.span('task.load', {}, () => lockAndLoad(tx, taskIds, () => lockTasks(tx, taskIds))),
      ]);
      const current = new Map(all.map((loaded) => [loaded.stored.id, loaded]));
      /** One after the other where several are of one task. */
      const rounds: Move[][] = [];
      const heard = new Map<string, number>();
      const answers: (Taken | undefined)[] = [];
      for (const [at, { taskId, message, input: inputOf }] of group.entries()) {
        const isFresh = fresh.delete(message.messageId);
        if (!isFresh) deps.telemetry.count('task.inbox.duplicates');
        const loaded = isFresh ? current.get(taskId) : undefined;
        const input = loaded === undefined ? undefined : await inputOf(loaded, tx);
        if (loaded === undefined || input === undefined) {
          answers.push(undefined);
          continue;
        }
        const context = { now: loaded.stored.now.getTime(), jitter: jitters[at] ?? 0, paused: loaded.paused };
        const decision = decide(loaded.aggregate, input, context);
        const move = movedBy(loaded, { decision, cause: { caller: system, causation: message.messageId } });
        const round = heard.get(taskId) ?? 0;
        heard.set(taskId, round + 1);
        (rounds[round] ??= []).push(move);
        current.set(taskId, move.after);
        answers.push({ was: decision.outcome, decision, loaded: move.after });
      }
      await deps.telemetry.span('task.write', {}, async () => {
        for (const round of rounds) await writeMoves(tx, deps, round);
        await moveLanes(tx, rounds.flat());
      });
      return answers;
    },
    { settings: byKey },
  );
}
