// How far logs are told on the bus. Locks: one row of publication, which only the loop that leads moves; the lease is looked at in the same transaction.
import type { AuditRecord } from '@sentral/contracts/audit/record';
import type { Tx } from '@sentral/kernel/database';
import type { On } from '../reading.js';

export interface Untold {
  readonly logId: string;
  /** The place of the next record that is to be told. */
  readonly nextSeq: number;
  readonly size: number;
}

/** Logs that hold what has not been told, those that have waited longest first; what was dropped meanwhile is not told any more. */
export async function listUntold(on: On, limit: number): Promise<readonly Untold[]> {
  const rows = await on.unsafe(
    `select l.id as "logId", greatest(coalesce(p.next_seq, 0), l.floor) as "nextSeq", l.size
     from audit.log l left join audit.publication p on p.log_id = l.id
     where l.kind <> 'heads' and l.size > greatest(coalesce(p.next_seq, 0), l.floor) order by l.size - coalesce(p.next_seq, 0), l.id limit $1`,
    [limit],
  );
  return rows as unknown as readonly Untold[];
}

export async function listFrom(
  on: On,
  { logId, nextSeq, limit }: { readonly logId: string; readonly nextSeq: number; readonly limit: number },
): Promise<readonly AuditRecord[]> {
  const rows = await on.unsafe(
    'select record from audit.record where log_id = $1 and seq >= $2 order by seq limit $3',
    [logId, nextSeq, limit],
  );
  return rows.map((row) => row['record'] as AuditRecord);
}

export async function upsertTold(tx: Tx, logId: string, nextSeq: number): Promise<void> {
  await tx.unsafe(
    `insert into audit.publication as p (log_id, next_seq) values ($1, $2)
     on conflict (log_id) do update set next_seq = excluded.next_seq where p.next_seq < excluded.next_seq`,
    [logId, nextSeq],
  );
}
