// What exports read. Nothing here locks or writes.
import type { AuditRecord } from '@sentral/contracts/audit/record';
import { encodeId } from '@sentral/contracts/ids';
import type { On } from '../reading.js';

export interface SignedHead {
  readonly logId: string;
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  /** Its place in the log of heads. */
  readonly index: number;
}

export interface Signed {
  readonly note: string;
  /** How many heads the note vouches for. */
  readonly size: number;
  readonly heads: ReadonlyMap<string, SignedHead>;
}

/** The last note that was signed, and the last head of each of these logs that it vouches for; undefined before the first. */
export async function findSigned(on: On, logIds: readonly string[]): Promise<Signed | undefined> {
  const [note] = await on.unsafe('select note, size from audit.checkpoint order by size desc, id desc limit 1');
  if (note === undefined) return undefined;
  const rows = await on.unsafe(
    `select distinct on (h.log_id) h.log_id as "logId", l.origin, h.size, h.root, h.seq as index
     from audit.head h join audit.log l on l.id = h.log_id where h.log_id = any($1::uuid[]) and h.seq < $2 order by h.log_id, h.size desc`,
    [logIds, note['size']],
  );
  const heads = rows as unknown as readonly SignedHead[];
  return {
    note: String(note['note']),
    size: Number(note['size']),
    heads: new Map(heads.map((head) => [encodeId('log', head.logId), head])),
  };
}

/** Where a reader of records goes on: the log and the place in it of the last one. */
export type After = readonly [logId: string, seq: number];

/** A page of a month in the order of logs and of places in them. The name of its table is the database's own. */
export async function listMonthRecords(
  on: On,
  part: string,
  { after, limit }: { after: After; limit: number },
): Promise<readonly AuditRecord[]> {
  if (!/^record_(policy_)?p\d{6}$/.test(part)) throw new TypeError(`no month: ${part}`);
  const rows = await on.unsafe(
    `select record from audit.${part} where (log_id, seq) > ($1::uuid, $2::bigint) order by log_id, seq limit $3`,
    [...after, limit],
  );
  return rows.map((row) => row['record'] as AuditRecord);
}
