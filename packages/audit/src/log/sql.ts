// What is read of logs, their heads and their trees. Nothing here locks or writes.
import type { On, Visible } from '../reading.js';

export interface LogRow {
  readonly id: string;
  readonly kind: 'tenant' | 'platform' | 'heads';
  readonly tenantId: string | null;
  readonly origin: string;
  readonly size: number;
  /** Where its records begin. */
  readonly floor: number;
}

export const logColumns = 'l.id, l.kind, l.tenant_id as "tenantId", l.origin, l.size, l.floor';

/** Whether a log is seen: a tenant's by who sees the whole tenant. */
export const logIsVisible = (visible: Visible, log: LogRow): boolean =>
  visible === 'all' || (log.tenantId === null ? visible.platform : visible.tenantIds.includes(log.tenantId));

export async function findLog(on: On, id: string): Promise<LogRow | undefined> {
  const rows = await on.unsafe(`select ${logColumns} from audit.log l where l.id = $1`, [id]);
  return rows[0] as unknown as LogRow | undefined;
}

/** The one log of the heads of all others; it is there from the first record on. */
export async function findHeadsLog(on: On): Promise<LogRow> {
  const rows = await on.unsafe(`select ${logColumns} from audit.log l where l.kind = 'heads'`);
  return rows[0] as unknown as LogRow;
}

export interface HeadRow {
  readonly seq: number;
  readonly size: number;
  readonly root: Buffer;
  readonly takenAt: Date;
  readonly note: string | null;
  readonly signedSize: number | null;
  readonly signedAt: Date | null;
}

/** Heads of a log, the newest first, each with the first note that was signed after it. */
export async function listHeads(
  on: On,
  { logId, before, limit }: { logId: string; before: number | undefined; limit: number },
): Promise<readonly HeadRow[]> {
  const rows = await on.unsafe(
    `select h.seq, h.size, h.root, h.taken_at as "takenAt", c.note, c.size as "signedSize", c.signed_at as "signedAt"
     from audit.head h left join lateral (select * from audit.checkpoint k where k.size > h.seq order by k.size, k.id limit 1) c on true
     where h.log_id = $1 and ($2::bigint is null or h.size < $2) order by h.size desc limit $3`,
    [logId, before ?? null, limit],
  );
  return rows as unknown as readonly HeadRow[];
}

/** Where hashes of a tree are asked for: at level 0 leaves, above it the kept roots of subtrees of 256, 65,536, … leaves. */
export interface Stretch {
  readonly level: number;
  readonly first: number;
  readonly beyond: number;
}

/** The hashes of these stretches of a tree, in their order. */
export async function listHashes(
  on: On,
  log: Pick<LogRow, 'id' | 'kind'>,
  stretches: readonly Stretch[],
): Promise<readonly { readonly at: number; readonly hash: Buffer }[]> {
  const leaves =
    log.kind === 'heads'
      ? 'select r.seq as place, r.leaf as hash from audit.head r where n.level = 0 and r.seq >= n.first and r.seq < n.beyond'
      : 'select r.seq as place, r.leaf as hash from audit.record r where n.level = 0 and r.log_id = $1 and r.seq >= n.first and r.seq < n.beyond union all select d.seq, d.hash from audit.leaf d where n.level = 0 and d.log_id = $1 and d.seq >= n.first and d.seq < n.beyond';
  const rows = await on.unsafe(
    `select n.at::int as at, x.hash from unnest($2::int[], $3::bigint[], $4::bigint[]) with ordinality as n(level, first, beyond, at)
     cross join lateral (
       select t.index as place, t.hash from audit.tile t
       where n.level > 0 and t.log_id = $1 and t.level = n.level and t.index >= n.first and t.index < n.beyond
       union all ${leaves}
     ) x order by n.at, x.place`,
    [
      log.id,
      stretches.map(({ level }) => level),
      stretches.map(({ first }) => first),
      stretches.map(({ beyond }) => beyond),
    ],
  );
  return rows as unknown as readonly { at: number; hash: Buffer }[];
}
