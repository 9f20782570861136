// The import's own row is locked last and for short: progress is written to it from outside of the applying transaction.
import { json, type Database, type Tx } from '@sentral/kernel/database';
import type { Import } from '@sentral/contracts/inventory/import';

export interface ImportRow {
  readonly id: string;
  readonly source: string;
  readonly format: Import['format'];
  readonly atomic: Import['atomic'];
  readonly dryRun: boolean;
  readonly state: Import['state'];
  readonly chunks: number;
  readonly bytes: number;
  readonly rowsTotal: number;
  readonly rowsDone: number;
  readonly counts: Record<string, number>;
  readonly problem: Import['problem'] | null;
  readonly principalId: string;
  readonly mayMakeTenants: boolean;
  readonly epoch: number;
  readonly tries: number;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

export const selectImport = `select id, source, format, atomic, dry_run as "dryRun", state, chunks, bytes, rows_total as "rowsTotal", rows_done as "rowsDone",
  counts, problem, principal_id as "principalId", may_make_tenants as "mayMakeTenants", epoch, tries, version, created_at as "createdAt", updated_at as "updatedAt", started_at as "startedAt",
  ended_at as "endedAt" from import`;

export async function findImport(db: Database | Tx, id: string): Promise<ImportRow | undefined> {
  const [row] = await db.unsafe(`${selectImport} where id = $1`, [id]);
  return row as ImportRow | undefined;
}

export async function lockImport(tx: Tx, id: string): Promise<ImportRow | undefined> {
  const [row] = await tx.unsafe(`${selectImport} where id = $1 for no key update`, [id]);
  return row as ImportRow | undefined;
}

export async function insertImport(
  tx: Tx,
  row: Pick<ImportRow, 'id' | 'source' | 'format' | 'atomic' | 'dryRun' | 'principalId' | 'mayMakeTenants'>,
): Promise<void> {
  await tx.sql`
    insert into import (id, source, format, atomic, dry_run, principal_id, may_make_tenants)
    values (${row.id}, ${row.source}, ${row.format}, ${row.atomic}, ${row.dryRun}, ${row.principalId}, ${row.mayMakeTenants})`;
}

/** Adds a piece of the file; the same ordinal again replaces it, so a repeated call is the same call. */
export async function putChunk(
  tx: Tx,
  chunk: { importId: string; ordinal: number; content: string; bytes: number },
): Promise<void> {
  const [before] = await tx.sql<{
    bytes: number;
  }>`select octet_length(content)::integer as bytes from import_chunk where import_id = ${chunk.importId} and ordinal = ${chunk.ordinal}`;
  await tx.sql`
    insert into import_chunk (import_id, ordinal, content) values (${chunk.importId}, ${chunk.ordinal}, ${chunk.content})
    on conflict (import_id, ordinal) do update set content = excluded.content`;
  await tx.sql`
    update import set chunks = chunks + ${before === undefined ? 1 : 0}, bytes = bytes + ${chunk.bytes - (before?.bytes ?? 0)}, version = version + 1, updated_at = now()
    where id = ${chunk.importId}`;
}

/** The file again as it came, a piece at a time. */
export async function* chunksOf(tx: Tx, importId: string, count: number): AsyncGenerator<Uint8Array> {
  for (let ordinal = 0; ordinal < count; ordinal += 1) {
    const [row] = await tx.sql<{
      content: string;
    }>`select content from import_chunk where import_id = ${importId} and ordinal = ${ordinal}`;
    if (row !== undefined) yield Buffer.from(row.content);
  }
}

export interface StagedRow {
  readonly line: number;
  readonly op: 'upsert' | 'delete' | 'skip';
  readonly external_id: string;
  readonly resource_type: string | null;
  readonly if_match: number | null;
  readonly resource: unknown;
  readonly outcome: 'skipped' | 'refused' | null;
  readonly problem: unknown;
}

export async function insertImportRow(tx: Tx, importId: string, rows: readonly StagedRow[]): Promise<void> {
  await tx.sql`
    insert into import_row (import_id, line, op, external_id, resource_type, if_match, resource, outcome, problem)
    select ${importId}::uuid, line, op, external_id, resource_type, if_match, resource, outcome, problem
    from jsonb_to_recordset(${json(rows)}) as d (line integer, op text, external_id text, resource_type text, if_match integer, resource jsonb, outcome text, problem jsonb)`;
}

/** Says that the file is read: its pieces go, the worker may begin. */
export async function queueImport(tx: Tx, id: string, rowsTotal: number): Promise<void> {
  await tx.sql`delete from import_chunk where import_id = ${id}`;
  await tx.sql`update import set state = 'queued', rows_total = ${rowsTotal}, version = version + 1, updated_at = now() where id = ${id}`;
}

/** Takes an import of the file away with everything staged for it. */
export async function deleteImport(tx: Tx, id: string): Promise<void> {
  await tx.sql`delete from import_row where import_id = ${id}`;
  await tx.sql`delete from import where id = ${id} and state = 'staging'`;
}

/** Takes the oldest import that waits or whose worker has gone, with an epoch above every earlier one. */
export async function claimImport(db: Database, holdMs: number): Promise<ImportRow | undefined> {
  const [row] = await db.sql<{ id: string }>`
    update import set state = 'running', epoch = epoch + 1, tries = tries + 1, problem = null, rows_done = 0,
      claimed_until = now() + ${holdMs}::integer * interval '1 millisecond', started_at = coalesce(started_at, now()), version = version + 1, updated_at = now()
    where id = (select id from import where state in ('queued', 'running') and (claimed_until is null or claimed_until < now()) order by id limit 1 for update skip locked)
    returning id`;
  return row === undefined ? undefined : findImport(db, row.id);
}

/** Progress and heartbeat, seen while the applying transaction is open; false when another worker or a cancel has taken it. */
export async function noteProgress(
  db: Database,
  claim: { id: string; epoch: number; rowsDone: number; holdMs: number },
): Promise<boolean> {
  const rows = await db.sql`
    update import set rows_done = least(rows_total, ${claim.rowsDone}), claimed_until = now() + ${claim.holdMs}::integer * interval '1 millisecond'
    where id = ${claim.id} and epoch = ${claim.epoch} and state = 'running' returning 1 as one`;
  return rows.length === 1;
}

/** Puts a run that is still ours back: what it waits for is told, and nobody tries it before the pause is over. */
export async function postponeImport(
  db: Database,
  wait: { id: string; epoch: number; pauseMs: number; problem: unknown },
): Promise<void> {
  await db.sql`
    update import set state = 'queued', tries = 0, problem = ${json(wait.problem)}, claimed_until = now() + ${wait.pauseMs}::integer * interval '1 millisecond',
      version = version + 1, updated_at = now()
    where id = ${wait.id} and epoch = ${wait.epoch} and state = 'running'`;
}

/** Ends a run that is still ours; false when it is not, and then nothing of it may be committed. */
export async function endImport(
  tx: Tx,
  end: { id: string; epoch: number; state: 'succeeded' | 'failed'; problem: unknown },
): Promise<boolean> {
  const rows = await tx.sql`
    update import set state = ${end.state}, problem = ${json(end.problem ?? null)}, rows_done = rows_total, claimed_until = null, ended_at = now(), version = version + 1,
      updated_at = now(),
      counts = coalesce((select jsonb_object_agg(name, rows) from (
        select outcome as name, sum(coalesce((resource ->> 'count')::bigint, 1)) as rows from import_row
          where import_id = ${end.id} and outcome is not null and line > 0 group by 1
        union all
        select split_part(external_id, ':', 1) || '.' || outcome, sum(coalesce((resource ->> 'count')::bigint, 1)) from import_row
          where import_id = ${end.id} and outcome is not null and line > 0
            and external_id ~ case op when 'skip' then '^[a-z]+\\.[a-z]+$' else '^[a-z]+\\.[a-z]+:\\d+$' end group by 1) c), '{}'::jsonb)
    where id = ${end.id} and epoch = ${end.epoch} and state = 'running' returning 1 as one`;
  return rows.length === 1;
}

export async function findHead(tx: Tx, importId: string): Promise<{ complete: boolean } | undefined> {
  const [row] = await tx.sql<{
    resource: { complete: boolean };
  }>`select resource from import_row where import_id = ${importId} and line = 0`;
  return row?.resource;
}
