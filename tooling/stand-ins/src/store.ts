import { subjects } from '@sentral/contracts/services/message';
import { kindOf, type Reply } from '@sentral/contracts/services/message';
import type { Id } from '@sentral/contracts/ids';
import type { Entry, StepStore } from '@sentral/contracts/services/serve';
import type { Bus } from '@sentral/kernel/bus/port';
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Faults } from './faults.js';

interface Outgoing {
  readonly faults: Faults;
  readonly draw: () => number;
  /** Told of each commit that has left a reply to be sent. */
  readonly stored: () => void;
}

/** The journal of a stand-in; faults of replies happen as they are put into the outbox. */
export function storeOf(db: Database, service: string, { faults, draw, stored }: Outgoing): StepStore {
  const find = async (on: Database | Tx, op: string): Promise<Entry | undefined> => {
    const [found] = await on.unsafe(`select entry from ${service}.operation where op = $1`, [op]);
    return found?.['entry'] as Entry | undefined;
  };
  return {
    change: async (op, decide) => {
      const left = await inTransaction(db, async (tx) => {
        // Stands for the row that is not there yet.
        await tx.unsafe('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${service} ${op}`]);
        const { entry, replies } = decide(await find(tx, op));
        if (entry === undefined) return 0;
        await tx.unsafe(
          `insert into ${service}.operation (op, state, entry) values ($1, $2, $3)
           on conflict (op) do update set state = excluded.state, entry = excluded.entry`,
          [op, entry.operation.state, json(entry)],
        );
        for (const reply of replies) await putReply(tx, service, { reply, entry, faults, draw: draw() });
        return replies.length;
      });
      if (left > 0) stored();
    },
    find: (op) => find(db, op),
    unfinished: async () => {
      const rows = await db.unsafe(
        `select op from ${service}.operation where state in ('doing', 'undoing') order by op`,
      );
      return rows.map(({ op }) => op as Id<'stp'>);
    },
  };
}

async function putReply(
  tx: Tx,
  service: string,
  { reply, entry, faults, draw }: { reply: Reply; entry: Entry; faults: Faults; draw: number },
): Promise<void> {
  const { work, undoWork } = entry.operation;
  const action = (reply.direction === 'do' ? work : undoWork)?.action ?? '';
  const fault = await faults.take(tx, {
    kinds: ['lose', 'duplicate', 'reorder', 'late'],
    action,
    reply: kindOf(reply.type),
    draw,
  });
  if (fault?.kind === 'lose') return;
  // The same reply under another id of the bus: its duplicate window would keep the second one away.
  const ids = fault?.kind === 'duplicate' ? [reply.id, `${reply.id}:again`] : [reply.id];
  const later = fault?.kind === 'late' || fault?.kind === 'reorder' ? fault.ms : 0;
  for (const id of ids)
    await tx.unsafe(
      `insert into ${service}.outbox (message_id, subject, body, due_at) values ($1, $2, $3, now() + make_interval(secs => $4::float8 / 1000))`,
      [id, subjects.reply(service, reply.stepid), json(reply), later],
    );
}

/** Sends what is due; what the bus did not take is sent again. */
export async function sendReplies(db: Database, service: string, bus: Bus): Promise<void> {
  const rows = await db.unsafe(
    `select id, message_id as "messageId", subject, body from ${service}.outbox where due_at <= now() order by due_at, id limit 100`,
  );
  if (rows.length === 0) return;
  await bus.publish(
    rows.map(({ messageId, subject, body }) => ({
      id: String(messageId),
      subject: String(subject),
      data: JSON.stringify(body),
    })),
  );
  await db.unsafe(`delete from ${service}.outbox where id = any($1::bigint[])`, [rows.map(({ id }) => id)]);
}
