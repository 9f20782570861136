import { json, type Tx } from '@sentral/kernel/database';
import type { Json } from '../plan/template.js';

/** False when this message was heard before. */
export async function insertSignal(
  tx: Tx,
  taskId: string,
  signal: { readonly id: string; readonly name: string; readonly messageId: string; readonly data: Json },
): Promise<boolean> {
  const rows = await tx.unsafe(
    `insert into signal (id, task_id, name, message_id, data) values ($1, $2, $3, $4, $5)
     on conflict on constraint signal_message_once do nothing returning 1 as one`,
    [signal.id, taskId, signal.name, signal.messageId, json(signal.data)],
  );
  return rows.length === 1;
}
