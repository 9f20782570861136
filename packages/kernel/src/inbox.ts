// The inbox. Prevents: a message that the bus delivers twice from having two effects.
import type { Database, Tx } from './database.js';
import { quoteName } from './tables.js';

/** True the first time this consumer sees the message, false ever after; call it first in the transaction of the effect. */
export async function once(
  tx: Tx,
  schema: string,
  message: { readonly consumer: string; readonly messageId: string },
): Promise<boolean> {
  const rows = await tx.unsafe(
    `insert into ${quoteName(schema)}.inbox (consumer, message_id) values ($1, $2)
     on conflict on constraint inbox_message_once do nothing returning 1 as one`,
    [message.consumer, message.messageId],
  );
  return rows.length === 1;
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
