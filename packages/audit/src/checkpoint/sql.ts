// What is asked and called to take checkpoints. The functions lock: the log of heads, then logs by id.
import type { Database, Tx } from '@sentral/kernel/database';

/**
 * Whether a checkpoint is due: ten seconds after the last one when a log has grown or heads were taken and never signed, an hour after it
 * otherwise, so that a time without changes is vouched for too.
 */
export async function isCheckpointDue(on: Pick<Database, 'unsafe'>, afterSeconds: number): Promise<boolean> {
  const [row] = await on.unsafe(
    `select exists (select from audit.log where kind = 'heads') and (
       case when exists (select from audit.log where size > head_size)
           or (select size from audit.log where kind = 'heads') > coalesce((select max(size) from audit.checkpoint), 0)
         then last.at is null or last.at <= now() - $1 * interval '1 second'
         else last.at <= now() - interval '1 hour' end) as due
     from (select max(signed_at) as at from audit.checkpoint) last`,
    [afterSeconds],
  );
  return row?.['due'] === true;
}

export interface Heads {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  readonly at: Date;
}

/** Takes the head of every log that has grown; what is signed is the log of heads as it is after that. */
export async function takeHeads(tx: Tx): Promise<Heads> {
  const [row] = await tx.unsafe(
    `select l.origin, h.size, h.root, now() as at from audit.take_heads() h, audit.log l where l.kind = 'heads'`,
  );
  return row as unknown as Heads;
}

export async function keepCheckpoint(
  tx: Tx,
  kept: { readonly id: string; readonly size: number; readonly root: Buffer; readonly note: string },
): Promise<void> {
  await tx.unsafe('select audit.keep_checkpoint($1, $2, $3, $4)', [kept.id, kept.size, kept.root, kept.note]);
}
