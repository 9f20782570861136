// The inbox. Prevents: a message that the bus delivers twice from having two effects.
import type { Database, Tx } from './database.js';
import { quoteName } from './tables.js';

/** True the first time this consumer sees the message, false ever after; call it first in the transaction of the effect. */
export const once = async (
  tx: Tx,
  schema: string,
  { consumer, messageId }: { readonly consumer: string; readonly messageId: string },
): Promise<boolean> => (await onceEach(tx, schema, { consumer, messageIds: [messageId] })).has(messageId);

/** The same of several: those of them that are seen for the first time. */
export async function onceEach(
  tx: Tx,
  schema: string,
  { consumer, messageIds }: { readonly consumer: string; readonly messageIds: readonly string[] },
): Promise<Set<string>> {
  const rows = await tx.unsafe(
    `insert into ${quoteName(schema)}.inbox (consumer, message_id) select $1, m from unnest($2::text[]) m order by m
     on conflict on constraint inbox_message_once do nothing returning message_id as id`,
    [consumer, [...messageIds]],
  );
  return new Set(rows.map((row) => row['id'] as string));
}

/** Forgets messages that no stream still holds: the longest keeps them 7 days, and a dead letter is sent again by hand. */
export async function purgeInbox(db: Database, schema: string): Promise<number> {
  const name = quoteName(schema);
  const gone = await db.unsafe(
    `delete from ${name}.inbox where (consumer, message_id) in (
       select consumer, message_id from ${name}.inbox where received_at < now() - interval '30 days' limit 5000)`,
  );
  return gone.count;
}
