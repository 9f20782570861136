// The mailbox's statements. Every one is a transaction of its own in READ COMMITTED. Lock order: mailbox_seen by (stream, id),
// then mailbox commands by subject, then the others by arrival; claims skip what is locked, so they never wait. All times are
// the database's, as the consumers of one queue may sit on machines whose clocks differ. Only a message that is stored waits for the
// disk (docs/adr/0025): who takes, ends or delays it loses nothing when that is undone.
import type { Database } from '../database.js';
import type { BusMessage, ConsumeSpec, Delivery, Headers, StreamName } from './port.js';
import { streamNamed, streams, subjectPattern, type StreamDefinition } from './subjects.js';

export interface Claimed {
  /** Row number; together with the message id it names one delivery, so that the ack of a superseded one removes nothing. */
  readonly row: number;
  readonly message: Delivery;
}

/** Stores what the duplicate window has not seen and returns the ids that were new. */
export async function insertMessages(
  db: Database,
  messages: readonly { readonly message: BusMessage; readonly stream: StreamDefinition }[],
): Promise<ReadonlySet<string>> {
  const rows = await db.sql<{ key: string }>`
    with incoming as (
      select * from unnest(
        ${messages.map(({ stream }) => stream.name)}::text[], ${messages.map(({ message }) => message.subject)}::text[],
        ${messages.map(({ message }) => message.id)}::text[], ${messages.map(({ message }) => message.data)}::text[],
        ${messages.map(({ message }) => JSON.stringify(message.headers ?? {}))}::text[],
        ${messages.map(({ stream }) => stream.duplicateWindowSeconds)}::int[],
        ${messages.map(({ stream }) => (stream.supersedes ? 1 : 0))}::int[],
        ${messages.map(({ stream }) => (stream.retention === 'limits' ? 1 : 0))}::int[]
      ) with ordinality as message (stream, subject, message_id, data, headers, window_seconds, supersedes, fans_out, place)
    ), fresh as (
      insert into bus.mailbox_seen as seen (stream, message_id, expires_at)
      select stream, message_id, now() + window_seconds * interval '1 second' from incoming order by stream, message_id
      on conflict (stream, message_id) do update set expires_at = excluded.expires_at where seen.expires_at <= now()
      returning stream, message_id
    ), accepted as materialized (
      select incoming.*, max(place) over (partition by incoming.stream, subject) as last_place
      from incoming join fresh using (stream, message_id)
    ), command as (
      insert into bus.mailbox as waiting (queue, stream, subject, message_id, data, headers, supersedes)
      select stream, stream, subject, message_id, data, headers::jsonb, true
      from accepted where supersedes = 1 and place = last_place order by subject
      on conflict (queue, subject) where supersedes do update
      set id = excluded.id, message_id = excluded.message_id, data = excluded.data, headers = excluded.headers,
          deliveries = 0, visible_at = excluded.visible_at, created_at = excluded.created_at
    ), other as (
      insert into bus.mailbox (queue, stream, subject, message_id, data, headers, supersedes)
      select target.queue, accepted.stream, subject, message_id, data, headers::jsonb, false
      from accepted cross join lateral (
        select accepted.stream as queue where fans_out = 0
        union all
        select consumer.stream || '/' || consumer.durable from bus.mailbox_consumer consumer
        where fans_out = 1 and consumer.stream = accepted.stream and subject ~ consumer.pattern
      ) target
      where supersedes = 0 order by place
      on conflict (queue, message_id) where not supersedes do nothing
    )
    select stream || ' ' || message_id as key from fresh`;
  return new Set(rows.map((row) => row.key));
}

/** Notes that a consumer exists, so that events published from now on are kept for it. */
export async function insertConsumer(db: Database, spec: ConsumeSpec): Promise<void> {
  await db.sql`
    insert into bus.mailbox_consumer as known (stream, durable, filter, pattern)
    values (${spec.stream}, ${spec.durable}, ${spec.filter}, ${subjectPattern(spec.filter)})
    on conflict (stream, durable) do update set filter = excluded.filter, pattern = excluded.pattern
    where known.filter <> excluded.filter`;
}

/** The other consumers of a stream. */
export async function listRivals(
  db: Database,
  spec: ConsumeSpec,
): Promise<readonly { readonly durable: string; readonly filter: string }[]> {
  return await db.sql<{ durable: string; filter: string }>`
    select durable, filter from bus.mailbox_consumer where stream = ${spec.stream} and durable <> ${spec.durable}`;
}

/** The queue that a consumer reads: a stream's own where a message exists once, its own where each consumer has a copy. */
export function queueOf(spec: ConsumeSpec): string {
  return streamNamed(spec.stream).retention === 'workQueue' ? spec.stream : `${spec.stream}/${spec.durable}`;
}

/** Takes up to `limit` visible messages for one ack wait; the CTE is materialized, or its LIMIT could be applied per row. */
export async function claimMessages(db: Database, spec: ConsumeSpec, limit: number): Promise<readonly Claimed[]> {
  const rows = await db.sql<ClaimRow>`
    with taken as materialized (
      select id from bus.mailbox
      where queue = ${queueOf(spec)} and visible_at <= now() and subject ~ ${subjectPattern(spec.filter)}
      order by id limit ${limit} for update skip locked
    )
    update bus.mailbox waiting
    set visible_at = now() + ${spec.ackWaitMs}::float8 * interval '1 millisecond', deliveries = deliveries + 1
    from taken where waiting.id = taken.id and (select set_config('synchronous_commit', 'off', true)) = 'off'
    returning waiting.id as row, waiting.stream, waiting.subject, waiting.message_id as "id", waiting.data,
      waiting.headers, waiting.deliveries`;
  // UPDATE … RETURNING promises no order.
  return rows.map(({ row, ...message }) => ({ row, message })).toSorted((a, b) => a.row - b.row);
}

interface ClaimRow extends Record<string, unknown> {
  row: number;
  stream: StreamName;
  subject: string;
  id: string;
  data: string;
  headers: Headers;
  deliveries: number;
}

/**
 * Removes messages that were handled, but those that a newer one took the place of. Locked in the order in which they are stored
 * (see above): several processes acknowledge and supersede at once.
 */
export async function endMessages(db: Database, claimed: readonly Claimed[]): Promise<void> {
  const rows = claimed.map(({ row }) => row);
  await db.sql`
    delete from bus.mailbox where (select set_config('synchronous_commit', 'off', true)) = 'off' and id = any(array(
      select waiting.id from bus.mailbox waiting
      join unnest(${rows}::bigint[], ${claimed.map(({ message }) => message.id)}::text[])
        as handled (id, message_id) on waiting.id = handled.id and waiting.message_id = handled.message_id
      where waiting.id = any(${rows}::bigint[])
      order by waiting.supersedes desc, case when waiting.supersedes then waiting.subject end, waiting.id
      for update of waiting))`;
}

/** Shows a message again after the delay, unless it was delivered anew meanwhile. */
export async function amendVisibility(db: Database, claimed: Claimed, delayMs: number): Promise<void> {
  await db.sql`
    update bus.mailbox set visible_at = now() + ${delayMs}::float8 * interval '1 millisecond'
    where id = ${claimed.row} and message_id = ${claimed.message.id} and deliveries = ${claimed.message.deliveries}
      and (select set_config('synchronous_commit', 'off', true)) = 'off'`;
}

/** Moves a message to the dead letters in one step, so that it is always in exactly one of the two. */
export async function moveToDeadLetters(
  db: Database,
  claimed: Claimed,
  { durable, reason }: { durable: string; reason: string },
): Promise<void> {
  await db.sql`
    with gone as (
      delete from bus.mailbox where id = ${claimed.row} and message_id = ${claimed.message.id}
      returning stream, subject, message_id, data, headers, deliveries
    )
    insert into bus.dead_letter (stream, durable, subject, message_id, data, headers, deliveries, reason)
    select stream, ${durable}::text, subject, message_id, data, headers, deliveries, ${reason.slice(0, 2000)}::text from gone`;
}

/** Forgets ids past the duplicate window and messages past their stream's age, a bounded number at a time. */
export async function endExpired(db: Database): Promise<void> {
  await db.sql`
    delete from bus.mailbox_seen where (stream, message_id) in (
      select stream, message_id from bus.mailbox_seen where expires_at <= now() limit 5000 for update skip locked)`;
  await db.sql`
    delete from bus.mailbox where id in (
      select waiting.id from bus.mailbox waiting
      join unnest(${streams.map((each) => each.name)}::text[], ${streams.map((each) => each.maxAgeSeconds)}::int[])
        as kept (stream, max_age_seconds) using (stream)
      where waiting.created_at <= now() - kept.max_age_seconds * interval '1 second'
      limit 1000 for update of waiting skip locked)`;
}
