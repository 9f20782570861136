// Exports, and what is read for them. Lock order: the name of the tenant's exports, the row of the operation that writes one (kernel), the export, then its bookkeeping.
import { fromBase64, toBase64 } from '@sentral/contracts/audit-note';
import type { AuditExport } from '@sentral/contracts/audit/export';
import type { AuditRecord } from '@sentral/contracts/audit/record';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { json, type Tx } from '@sentral/kernel/database';
import { query } from '@sentral/kernel/page';
import { filter } from '../record/list.js';
import type { RecordRow } from '../record/sql.js';
import type { On, Visible } from '../reading.js';

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

export interface ExportRow {
  readonly id: string;
  readonly version: number;
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly environmentId: string | null;
  readonly state: AuditExport['state'];
  readonly filter: AuditExport['filter'];
  readonly format: AuditExport['format'];
  readonly personal: boolean;
  readonly createdBy: string;
  readonly records: number;
  readonly bytes: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt: Date;
}

const columns = `e.id, e.version, e.tenant_id as "tenantId", e.project_id as "projectId", e.environment_id as "environmentId", e.state, e.filter, e.format, e.personal,
  e.created_by as "createdBy", e.records, e.bytes, e.created_at as "createdAt", e.updated_at as "updatedAt", e.expires_at as "expiresAt"`;
/** Of one that waits: what is written by now. */
const shownColumns = columns
  .replace('e.records', 'coalesce(p.records, e.records) as records')
  .replace('e.bytes', 'coalesce(p.bytes, e.bytes) as bytes');
const from = 'audit.export e left join audit.export_progress p on p.export_id = e.id';

const seen =
  '($1 or e.tenant_id = any($2::uuid[]) or e.project_id = any($3::uuid[]) or e.environment_id = any($4::uuid[]))';
const seenParams = (visible: Visible): readonly unknown[] =>
  visible === 'all' ? [true, [], [], []] : [false, visible.tenantIds, visible.projectIds, visible.environmentIds];

export async function findExport(on: On, id: string, visible: Visible): Promise<ExportRow | undefined> {
  const rows = await on.unsafe(`select ${shownColumns} from ${from} where ${seen} and e.id = $5`, [
    ...seenParams(visible),
    id,
  ]);
  return rows[0] as unknown as ExportRow | undefined;
}

export async function listExportRows(
  on: On,
  {
    visible,
    states,
    before,
    limit,
  }: { visible: Visible; states: readonly string[] | undefined; before: string | undefined; limit: number },
): Promise<readonly ExportRow[]> {
  const rows = await on.unsafe(
    `select ${shownColumns} from ${from} where ${seen} and ($5::text[] is null or e.state = any($5)) and ($6::uuid is null or e.id < $6) order by e.id desc limit $7`,
    [...seenParams(visible), states ?? null, before ?? null, limit],
  );
  return rows as unknown as readonly ExportRow[];
}

/** For no key update: its state is about to move. */
export async function lockExport(tx: Tx, id: string, visible: Visible = 'all'): Promise<ExportRow | undefined> {
  const rows = await tx.unsafe(`select ${columns} from audit.export e where ${seen} and e.id = $5 for no key update`, [
    ...seenParams(visible),
    id,
  ]);
  return rows[0] as unknown as ExportRow | undefined;
}

/** Exports whose time is over, as far as nobody else has them. */
export async function claimExportsDue(tx: Tx, limit: number): Promise<readonly ExportRow[]> {
  const rows = await tx.unsafe(
    `select ${columns} from audit.export e where e.expires_at <= now() and e.state in ('waiting', 'ready') order by e.expires_at limit $1 for no key update skip locked`,
    [limit],
  );
  return rows as unknown as readonly ExportRow[];
}

export async function countLiveExports(tx: Tx, tenantId: string): Promise<number> {
  const [row] = await tx.unsafe(
    `select count(*)::int as live from audit.export where tenant_id = $1 and state in ('waiting', 'ready')`,
    [tenantId],
  );
  return Number(row?.['live']);
}

export type NewExport = Pick<
  ExportRow,
  'id' | 'tenantId' | 'projectId' | 'environmentId' | 'filter' | 'format' | 'personal' | 'createdBy'
>;

/** It is given up when nobody has written it within a day. */
export async function insertExport(tx: Tx, row: NewExport): Promise<ExportRow> {
  const rows = await tx.unsafe(
    `insert into audit.export as e (id, tenant_id, project_id, environment_id, filter, format, personal, created_by, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, now() + interval '1 day') returning ${columns}`,
    [row.id, row.tenantId, row.projectId, row.environmentId, json(row.filter), row.format, row.personal, row.createdBy],
  );
  return rows[0] as unknown as ExportRow;
}

/** What it holds by now it keeps for so many days, which is told of one that is ready alone. */
export async function amendExport(
  tx: Tx,
  id: string,
  to: {
    readonly state: ExportRow['state'];
    readonly ready?: { readonly records: number; readonly bytes: number; readonly days: number };
  },
): Promise<ExportRow> {
  const rows = await tx.unsafe(
    `update audit.export e set version = version + 1, state = $2, updated_at = now(), records = coalesce($3, records), bytes = coalesce($4, bytes),
       expires_at = case when $5::int is null then expires_at else now() + $5 * interval '1 day' end where e.id = $1 returning ${columns}`,
    [id, to.state, to.ready?.records ?? null, to.ready?.bytes ?? null, to.ready?.days ?? null],
  );
  return rows[0] as unknown as ExportRow;
}

/** Whether there was anything. */
export async function deleteExportFiles(tx: Tx, id: string): Promise<boolean> {
  const progress = await tx.unsafe('delete from audit.export_progress where export_id = $1 returning 1', [id]);
  const files = await tx.unsafe('delete from audit.export_file where export_id = $1 returning 1', [id]);
  return progress.length + files.length > 0;
}

export interface Progress {
  readonly logId: string;
  readonly signed: Signed;
  readonly nextSeq: number;
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  readonly parts: number;
  readonly records: number;
  readonly bytes: number;
}

interface Kept extends Pick<Signed, 'note' | 'size'> {
  readonly head: Omit<SignedHead, 'root'> & { readonly root: string };
}

export async function findProgress(tx: Tx, exportId: string): Promise<Progress | undefined> {
  const [row] = await tx.unsafe(
    `select log_id as "logId", signed, next_seq as "nextSeq", first_seq as "firstSeq", last_seq as "lastSeq", parts, records, bytes
     from audit.export_progress where export_id = $1`,
    [exportId],
  );
  if (row === undefined) return undefined;
  const { note, size, head } = row['signed'] as Kept;
  const root = Buffer.from(fromBase64(head.root) ?? []);
  const heads = new Map([[encodeId('log', head.logId), { ...head, root }]]);
  return { ...(row as unknown as Progress), signed: { note, size, heads } };
}

/** Begins with the first record that is still there. */
export async function insertProgress(
  tx: Tx,
  exportId: string,
  { note, size, head }: Pick<Signed, 'note' | 'size'> & { readonly head: SignedHead },
): Promise<void> {
  const signed: Kept = { note, size, head: { ...head, root: toBase64(head.root) } };
  await tx.unsafe(
    `insert into audit.export_progress (export_id, log_id, signed, next_seq) select $1, id, $3, floor from audit.log where id = $2`,
    [exportId, head.logId, json(signed)],
  );
}

export async function amendProgress(tx: Tx, exportId: string, to: Omit<Progress, 'logId' | 'signed'>): Promise<void> {
  await tx.unsafe(
    `update audit.export_progress set next_seq = $2, first_seq = $3, last_seq = $4, parts = $5, records = $6, bytes = $7 where export_id = $1`,
    [exportId, to.nextSeq, to.firstSeq, to.lastSeq, to.parts, to.records, to.bytes],
  );
}

/** Where the record of an export's own making stands, once it does: what comes before it was there when it was asked for. */
export async function findOwnRecord(tx: Tx, exportId: string): Promise<{ logId: string; seq: number } | undefined> {
  const rows = await tx.unsafe(
    `select r.log_id as "logId", r.seq from audit.record r where r.resource_id = $1 and r.resource_type = 'audit.export' and r.resource_version = 1 and r.outcome = 'success' and r.class = 'change'`,
    [exportId],
  );
  return rows[0] as unknown as { logId: string; seq: number } | undefined;
}

/** What an export wants of a stretch of its log, in its order: at most `limit` of the places from `fromSeq` up to `beforeSeq`. */
export async function listExportRecords(
  on: On,
  of: ExportRow,
  at: { readonly logId: string; readonly fromSeq: number; readonly beforeSeq: number; readonly limit: number },
): Promise<readonly Pick<RecordRow, 'record' | 'sealed'>[]> {
  const q = query();
  q.and(`r.log_id = ${q.value(at.logId)}::uuid`);
  q.and(`r.seq >= ${q.value(at.fromSeq)}::bigint and r.seq < ${q.value(at.beforeSeq)}::bigint`);
  if (of.environmentId !== null) q.and(`r.environment_id = ${q.value(of.environmentId)}::uuid`);
  else if (of.projectId !== null) q.and(`r.project_id = ${q.value(of.projectId)}::uuid`);
  filter(q, of.filter);
  const rows = await on.unsafe(
    `select r.record, r.sealed from audit.record r ${q.where()} order by r.seq limit ${at.limit}`,
    q.params,
  );
  return rows as unknown as readonly Pick<RecordRow, 'record' | 'sealed'>[];
}

/** Steps that are at work here, as they say themselves alive. */
export async function listWriting(
  on: On,
): Promise<readonly { readonly op: string; readonly direction: 'do' | 'undo'; readonly attempt: number }[]> {
  const rows = await on.unsafe(
    `select op, case state when 'doing' then 'do' else 'undo' end as direction, case state when 'doing' then attempt else undo_attempt end as attempt
     from audit.operation where state in ('doing', 'undoing') limit 100`,
  );
  return rows as unknown as readonly { op: string; direction: 'do' | 'undo'; attempt: number }[];
}
