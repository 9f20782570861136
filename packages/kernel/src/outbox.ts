// The outbox. Prevents: a command sent for a decision that was rolled back, or decided and never sent. Rows are deleted only
// after the bus acknowledged them, in a transaction that the lane's epoch fences; no cursor, so nothing can be passed over.
import type { Bus, BusMessage } from './bus/port.js';
import { isPublishFailure } from './bus/port.js';
import { type Database, json, type Tx } from './database.js';
import type { Lease } from './lease.js';
import { lockLease } from './lease.js';
import { leadership, type Loop, startLoop } from './relay.js';
import { quoteName } from './tables.js';
import type { Telemetry } from './telemetry.js';
import { inTransaction } from './transaction.js';

export interface OutboxMessage {
  readonly subject: string;
  readonly messageId: string;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whose messages keep their order, such as one task. */
  readonly aggregate: string;
  /** One operation has one message waiting: a newer one takes its place. */
  readonly operation?: string;
}

export interface OutboxLetter extends OutboxMessage {
  readonly tries: number;
  readonly reason: string;
}

export interface OutboxOptions {
  readonly db: Database;
  readonly schema: string;
  readonly bus: Bus;
  readonly log: Telemetry['log'];
  /** Keeps what cannot be sent, in the transaction that takes it out of the outbox. */
  readonly deadLetter: (tx: Tx, letter: OutboxLetter) => Promise<void>;
  readonly pollMs?: readonly [lowest: number, highest: number];
  readonly holdMs?: number;
  readonly triesMax?: number;
}

interface OutboxRow extends Omit<OutboxMessage, 'operation'> {
  readonly id: number;
  readonly lane: number;
  readonly operation: string | null;
  readonly tries: number;
}

const batch = 200;

/** Puts a message in the outbox of the deciding transaction, after it has locked the aggregate: ids then rise per aggregate. */
export async function enqueue(
  tx: Tx,
  schema: string,
  messages: OutboxMessage | readonly OutboxMessage[],
): Promise<void> {
  const rows = [messages].flat().map((message) => ({ headers: {}, ...message }));
  // A replaced message gets a new id: it goes to the end of its lane, and an acknowledgement of the old one cannot delete it.
  await tx.unsafe(
    `insert into ${quoteName(schema)}.outbox (lane, aggregate, operation, subject, message_id, headers, body)
     select hashtext(m.aggregate) & 7, m.aggregate, m.operation, m.subject, m."messageId", m.headers, m.body
     from jsonb_to_recordset($1) as m(aggregate text, operation text, subject text, "messageId" text, headers jsonb, body jsonb)
     on conflict (operation) where operation is not null do update set id = default, lane = excluded.lane,
       aggregate = excluded.aggregate, subject = excluded.subject, message_id = excluded.message_id, headers = excluded.headers,
       body = excluded.body, tries = 0, last_error = null, not_before = now(), created_at = now()`,
    [json(rows)],
  );
}

/** Starts to send the outbox of one context; any number of processes may, each lane has one leader at a time. */
export function startOutbox(options: OutboxOptions): Loop {
  const { db, schema, log } = options;
  const name = quoteName(schema);
  const lanes = Array.from({ length: 8 }, (_, lane) =>
    leadership(db, schema, { name: `outbox.${lane}`, holdMs: options.holdMs ?? 5_000 }),
  );

  /** All lanes that are ours at once: a lane's turn is not behind the round trips of the others. */
  async function round(): Promise<void> {
    for (;;) {
      // With a parameter it is planned once, as what has none never is.
      const due = await db.unsafe(`select distinct lane from ${name}.outbox where not_before <= now() limit $1`, [
        lanes.length,
      ]);
      const held = await Promise.all(due.map(async ({ lane }) => lanes[Number(lane)]?.hold()));
      const leases = new Map(due.flatMap(({ lane }, n) => (held[n] ? [[Number(lane), held[n]] as const] : [])));
      if (leases.size === 0) return;
      // A message that waits for its next try holds back those behind it of its aggregate, and no other.
      const rows = (await db.unsafe(
        `select id, lane, aggregate, operation, subject, message_id as "messageId", headers, body, tries from ${name}.outbox o
         where lane = any($1::int[]) and not exists (select from ${name}.outbox e where e.lane = o.lane and e.aggregate = o.aggregate and e.id <= o.id and e.not_before > now())
         order by id limit ${batch}`,
        [[...leases.keys()]],
      )) as unknown as readonly OutboxRow[];
      if (rows.length === 0) return;
      const { sent, failed } = await send(options.bus, rows);
      if (sent.length + failed.length === 0) return;
      if (!(await settle(leases, sent, failed))) return;
      if (failed.length === 0 && rows.length < batch) return;
    }
  }

  async function settle(
    leases: ReadonlyMap<number, Lease>,
    sent: readonly OutboxRow[],
    failed: readonly Failure[],
  ): Promise<boolean> {
    const dead = failed.filter((each) => each.row.tries + 1 >= (options.triesMax ?? 10));
    const again = failed.filter((each) => !dead.includes(each));
    for (const each of failed)
      log('error', 'a message cannot be sent', {
        subject: each.row.subject,
        messageId: each.row.messageId,
        tries: each.row.tries + 1,
        reason: each.reason,
      });
    return inTransaction(db, async (tx) => {
      const locked = await Promise.all(
        [...leases].map(async ([lane, lease]) => ((await lockLease(tx, schema, lease)) ? lane : undefined)),
      );
      // Another leads there now, and sends what we have sent once more.
      const ours = ({ lane }: OutboxRow) => locked.includes(lane);
      const gone = [...sent, ...dead.map((each) => each.row)].filter(ours).map((row) => row.id);
      await tx.unsafe(`delete from ${name}.outbox where id in (select e::bigint from jsonb_array_elements($1) e)`, [
        json(gone),
      ]);
      for (const { row, reason } of dead.filter((each) => ours(each.row))) {
        const { id: _, lane: _lane, operation, ...message } = row;
        await options.deadLetter(tx, {
          ...message,
          ...(operation === null ? {} : { operation }),
          tries: row.tries + 1,
          reason,
        });
      }
      if (again.length > 0)
        await tx.unsafe(
          `update ${name}.outbox o set tries = tries + 1, last_error = left(e.reason, 2000), not_before = now() + least(tries + 1, 10) * interval '1 second'
         from jsonb_to_recordset($1) as e(id bigint, reason text) where o.id = e.id`,
          [json(again.filter((each) => ours(each.row)).map(({ row, reason }) => ({ id: row.id, reason })))],
        );
      return locked.every((lane) => lane !== undefined);
    });
  }

  return startLoop(round, {
    pollMs: options.pollMs ?? [250, 750],
    failed: (error) => log('error', 'the outbox failed and will try again', { schema, error }),
    ended: async () => void (await Promise.all(lanes.map((leader) => leader.release()))),
  });
}

interface Failure {
  readonly row: OutboxRow;
  readonly reason: string;
}

/** All at once, in order; when that is refused, one by one, and an aggregate stops at its first failure. */
async function send(
  bus: Bus,
  rows: readonly OutboxRow[],
): Promise<{ sent: readonly OutboxRow[]; failed: readonly Failure[] }> {
  try {
    await bus.publish(rows.map(messageOf));
    return { sent: rows, failed: [] };
  } catch {
    // Which one it was shows below.
  }
  const sent: OutboxRow[] = [];
  const failed: Failure[] = [];
  const stopped = new Set<string>();
  for (const row of rows) {
    if (stopped.has(row.aggregate)) continue;
    try {
      await bus.publish([messageOf(row)]);
      sent.push(row);
    } catch (error) {
      const permanent = isPublishFailure(error) && error.failed.some((each) => each.permanent);
      // While the bus is away no message is to blame; the next round begins where this one ended.
      if (!permanent && !bus.health().connected) return { sent, failed };
      stopped.add(row.aggregate);
      failed.push({ row, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { sent, failed };
}

const messageOf = (row: OutboxRow): BusMessage => ({
  subject: row.subject,
  id: row.messageId,
  data: JSON.stringify(row.body),
  ...(row.headers === undefined ? {} : { headers: row.headers }),
});
