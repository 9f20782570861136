// What is asked and kept while facts are counted against their records. One round a context, held by the lease of the keeper; nothing here locks.
import { json, type Database } from '@sentral/kernel/database';
import type { On } from '../reading.js';

/** A fact as its context tells it, by uuid. */
export interface Told {
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly changes: number;
}

export interface Counted extends Told {
  /** Records of its changes up to this version, those that were dropped with their month too. */
  readonly recorded: number;
  /** The highest version that is on record. */
  readonly last: number;
  /** The first version without a record; null where versions are not counted one by one. */
  readonly gap: number | null;
}

/** Those of which there are fewer records than changes, or records of versions that they do not have. */
export async function listMiscounted(on: On, told: readonly Told[]): Promise<readonly Counted[]> {
  const rows = await on.unsafe(
    `with counted as materialized (
       select t.*, coalesce(r.records, 0) + coalesce(f.changes, 0) as recorded, greatest(coalesce(r.last, 0), coalesce(f.version, 0)) as last, coalesce(f.version, 0) as floor
       from jsonb_to_recordset($1) t(type text, id uuid, version bigint, changes bigint)
       left join audit.resource_floor f on f.resource_type = t.type and f.resource_id = t.id
       left join lateral (
         select count(*) filter (where r.resource_version <= t.version) as records, max(r.resource_version) as last from audit.record r
         where r.resource_id = t.id and r.resource_type = t.type and r.class = 'change' and r.outcome = 'success') r on true
     ) select c.type, c.id, c.version, c.changes, c.recorded, c.last, case when c.changes = c.version then (
         select min(v) from generate_series(c.floor + 1, c.version) v where not exists (
           select from audit.record r where r.resource_id = c.id and r.resource_type = c.type and r.resource_version = v and r.class = 'change' and r.outcome = 'success')) end as gap
     from counted c where c.recorded < c.changes or c.last > c.version`,
    [json(told)],
  );
  return rows as unknown as readonly Counted[];
}

export interface Round {
  readonly cursor: string | null;
  readonly found: number;
  readonly checked: number;
}

/** The round of a context that is due or under way; undefined for one that was counted within twenty hours. */
export async function findRound(on: On, context: string): Promise<Round | undefined> {
  const [row] = await on.unsafe(
    `select cursor, found, checked from audit.completeness where context = $1 and cursor is null and finished_at > now() - interval '20 hours'`,
    [context],
  );
  if (row !== undefined) return undefined;
  const [begun] = await on.unsafe(
    'select cursor, found, checked from audit.completeness where context = $1 and cursor is not null',
    [context],
  );
  return (begun as unknown as Round | undefined) ?? { cursor: null, found: 0, checked: 0 };
}

/** Where the round goes on; without a cursor it has come to its end. */
export async function keepRound(db: Database, context: string, round: Round): Promise<void> {
  await db.unsafe(
    `insert into audit.completeness as c (context, cursor, found, checked, finished_at, missing)
     values ($1, $2, $3, $4, case when $2::text is null then now() end, case when $2::text is null then $3::bigint else 0 end)
     on conflict (context) do update set cursor = excluded.cursor, found = excluded.found, checked = excluded.checked,
       finished_at = coalesce(excluded.finished_at, c.finished_at), missing = case when excluded.cursor is null then excluded.missing else c.missing end`,
    [context, round.cursor, round.found, round.checked],
  );
}

/** Lets every round begin at once. */
export async function wantRounds(db: On): Promise<void> {
  await db.unsafe('update audit.completeness set cursor = null, finished_at = null');
}

/** Whether this was told before: once is enough for the record, the alarm stays. */
export async function wasReported(on: On, id: string, reason: string): Promise<boolean> {
  const rows = await on.unsafe(
    `select from audit.record where resource_id = $1 and class = 'integrity' and record ->> 'reason' = $2 limit 1`,
    [id, reason],
  );
  return rows.length > 0;
}
