// What verification reads, as the owner. Nothing here locks or writes.
import { formatCheckpoint } from '@sentral/contracts/audit-note';
import { leafHash, type Hash } from '@sentral/contracts/audit-proof';
import type { Database } from '@sentral/kernel/database';
import type { AuditRecord } from '@sentral/contracts/audit/record';

/** One snapshot for all of it: logs grow while they are verified. */
export type On = Pick<Database, 'unsafe'>;

const hash = (bytes: unknown): Hash => new Uint8Array(bytes as Buffer);

export interface LogRow {
  readonly id: string;
  readonly kind: string;
  readonly origin: string;
  readonly size: number;
  readonly floor: number;
  readonly stack: readonly Hash[];
}

export async function listLogRows(on: On): Promise<readonly LogRow[]> {
  const rows = await on.unsafe(
    `select id, kind, origin, size, floor, array(select encode(part, 'hex') from unnest(stack) with ordinality s(part, at) order by at) as stack from audit.log order by id`,
  );
  return rows.map((row) => ({
    ...(row as unknown as LogRow),
    stack: (row['stack'] as string[]).map((text) => hash(Buffer.from(text, 'hex'))),
  }));
}

export interface RecordRow {
  readonly seq: number;
  readonly leaf: Hash;
  /** Undefined where only the leaf is left: the month of the record was dropped. */
  readonly record: AuditRecord | undefined;
  /** All columns of the row but the leaf and the record, times as records say them. */
  readonly columns: Readonly<Record<string, unknown>>;
}

export async function listRecordRows(
  on: On,
  { log, after, limit }: { log: Pick<LogRow, 'id' | 'floor'>; after: number; limit: number },
): Promise<readonly RecordRow[]> {
  const rows = await on.unsafe(`select * from audit.record where log_id = $1 and seq > $2 order by seq limit $3`, [
    log.id,
    after,
    limit,
  ]);
  const records = rows.map(({ leaf, record, recorded_at: at, ...columns }) => ({
    seq: Number(columns['seq']),
    leaf: hash(leaf),
    record: record as AuditRecord,
    columns: { ...columns, recorded_at: (at as Date).toISOString() },
  }));
  if (after + 1 >= log.floor) return records;
  const left = await on.unsafe(
    `select seq, hash from audit.leaf where log_id = $1 and seq > $2 and seq < $3 order by seq limit $4`,
    [log.id, after, log.floor, limit],
  );
  const leaves = left.map((row) => ({
    seq: Number(row['seq']),
    leaf: hash(row['hash']),
    record: undefined,
    columns: {},
  }));
  return [...records, ...leaves].toSorted((a, b) => a.seq - b.seq).slice(0, limit);
}

export interface HeadRow {
  readonly seq: number;
  readonly logId: string;
  readonly size: number;
  readonly root: Hash;
  readonly leaf: Hash;
  /** The leaf that the head has by what it says. */
  leafOf(): Promise<Hash>;
}

export async function listHeadRows(on: On): Promise<readonly HeadRow[]> {
  const rows = await on.unsafe(
    `select h.seq, h.log_id as "logId", h.size, h.root, h.leaf, l.origin from audit.head h join audit.log l on l.id = h.log_id order by h.seq`,
  );
  return rows.map((row) => {
    const [size, root, origin] = [Number(row['size']), hash(row['root']), String(row['origin'])];
    return {
      seq: Number(row['seq']),
      logId: String(row['logId']),
      size,
      root,
      leaf: hash(row['leaf']),
      leafOf: () => leafHash(new TextEncoder().encode(formatCheckpoint({ origin, size, root }))),
    };
  });
}

export async function listTiles(
  on: On,
  logId: string,
): Promise<readonly { level: number; index: number; hash: Hash }[]> {
  const rows = await on.unsafe('select level, index, hash from audit.tile where log_id = $1', [logId]);
  return rows.map((row) => ({ level: Number(row['level']), index: Number(row['index']), hash: hash(row['hash']) }));
}

/** Of these records those whose redaction is on record, or on its way there; of these subjects those that were erased. */
export async function listAccounted(
  on: On,
  of: { readonly records: readonly string[]; readonly subjects: readonly string[] },
): Promise<{ readonly redacted: ReadonlySet<string>; readonly erased: ReadonlySet<string> }> {
  const redacted = await on.unsafe(
    `select resource_id as id from audit.record where resource_id = any($1::uuid[]) and action = 'audit.record.redacted' and outcome = 'success'
     union select resource_id from audit.feed where resource_id = any($1::uuid[]) and type = 'audit.record.redacted'`,
    [of.records],
  );
  const erased = await on.unsafe(
    'select subject_id as id from audit.subject_key where subject_id = any($1::uuid[]) and erased_at is not null',
    [of.subjects],
  );
  const ids = (rows: typeof redacted) => new Set(rows.map((row) => String(row['id'])));
  return { redacted: ids(redacted), erased: ids(erased) };
}
