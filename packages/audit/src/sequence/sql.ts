// What the sequencer reads and calls. It alone appends, held by its lease; nothing here locks but the functions of 0004_walls: producer, then
// logs by id. Isolation: read committed; `append` refuses whatever does not go on where the log ends.
import { json, type Database, type Tx } from '@sentral/kernel/database';

type On = Pick<Database, 'unsafe'>;

/** How far the feed of a context is on record; 0 before its first row. */
export async function findConfirmedPos(on: On, context: string): Promise<number> {
  const [row] = await on.unsafe('select confirmed_pos as pos from audit.producer where context = $1', [context]);
  return Number(row?.['pos'] ?? 0);
}

/** Why the feed of a context goes no further for now. */
export async function findStop(on: On, context: string): Promise<string | undefined> {
  const [row] = await on.unsafe('select reason from audit.feed_stop where context = $1', [context]);
  return row?.['reason'] as string | undefined;
}

/** For all replicas to tell, whoever of them leads. */
export async function upsertStop(on: On, context: string, reason: string): Promise<void> {
  await on.unsafe(
    `insert into audit.feed_stop as s (context, reason) values ($1, $2)
     on conflict (context) do update set reason = excluded.reason where s.reason <> excluded.reason`,
    [context, reason],
  );
}

export async function deleteStop(on: On, context: string): Promise<void> {
  await on.unsafe('delete from audit.feed_stop where context = $1', [context]);
}

export interface LogEnd {
  readonly id: string;
  readonly kind: 'tenant' | 'platform' | 'heads';
  readonly tenantId: string | null;
  readonly origin: string;
  readonly size: number;
}

/** The logs of these tenants, and the two that are of no tenant. */
export async function listLogEnds(on: On, tenantIds: readonly string[]): Promise<readonly LogEnd[]> {
  const rows = await on.unsafe(
    `select id, kind, tenant_id as "tenantId", origin, size from audit.log where tenant_id is null or tenant_id = any($1::uuid[])`,
    [tenantIds],
  );
  return rows as unknown as readonly LogEnd[];
}

/** Which of these are on record already. */
export async function listRecorded(on: On, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await on.unsafe('select id from audit.record where id = any($1::uuid[])', [ids]);
  return new Set(rows.map((row) => String(row['id'])));
}

/** Which of these requests have a record of their success already. */
export async function listRequests(on: On, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const rows = await on.unsafe(
    `select distinct request_id from audit.record where request_id = any($1::uuid[]) and outcome = 'success'`,
    [ids],
  );
  return rows.map((row) => String(row['request_id']));
}

/** The database's time, as records say it. */
export async function readNow(on: On): Promise<string> {
  const rows = (await on.unsafe('select now() as now')) as unknown as readonly [{ readonly now: Date }];
  return rows[0].now.toISOString();
}

export async function openLog(on: On, log: Omit<LogEnd, 'size'>): Promise<void> {
  await on.unsafe('select audit.open_log($1, $2, $3, $4)', [log.id, log.kind, log.tenantId, log.origin]);
}

/** Puts records behind those of their logs, and moves the context's position with them. */
export async function appendRecords(
  tx: Tx,
  batch: { readonly context: string; readonly afterPos: number; readonly lastPos: number; readonly records: object[] },
): Promise<void> {
  await tx.unsafe('select audit.append($1, $2, $3, $4)', [
    batch.context,
    batch.afterPos,
    batch.lastPos,
    json(batch.records),
  ]);
}
