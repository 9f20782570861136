// Keys of those whom records are about. Lock order: keys by subject, then what `append` locks (sequence/sql.ts). Isolation: read committed. Whoever
// seals holds its keys for share until commit, so that none is lost between its use and what was sealed with it.
import type { Database, Tx } from '@sentral/kernel/database';

type On = Pick<Database, 'unsafe'>;

export interface StoredKey {
  readonly subjectId: string;
  /** The key of the instance that wraps it; null once the subject was erased. */
  readonly keyId: string | null;
  readonly wrapped: string | null;
}

const columns = 'subject_id as "subjectId", key_id as "keyId", wrapped';

export async function listSubjectKeys(on: On, subjectIds: readonly string[]): Promise<readonly StoredKey[]> {
  if (subjectIds.length === 0) return [];
  const rows = await on.unsafe(`select ${columns} from audit.subject_key where subject_id = any($1::uuid[])`, [
    subjectIds,
  ]);
  return rows as unknown as readonly StoredKey[];
}

/** Leaves those that are there as they are, the erased ones above all. */
export async function insertSubjectKeys(on: On, keys: readonly StoredKey[]): Promise<void> {
  await on.unsafe(
    `insert into audit.subject_key (subject_id, key_id, wrapped)
     select * from unnest($1::uuid[], $2::text[], $3::text[]) on conflict (subject_id) do nothing`,
    [keys.map((key) => key.subjectId), keys.map((key) => key.keyId), keys.map((key) => key.wrapped)],
  );
}

/** Which of these may still be sealed for, for share: an erasure waits until what was sealed with them is committed, and ends it then. */
export async function lockLiveSubjects(tx: Tx, subjectIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (subjectIds.length === 0) return new Set();
  const rows = await tx.unsafe(
    `select subject_id as "subjectId" from audit.subject_key where subject_id = any($1::uuid[]) and erased_at is null order by subject_id for share`,
    [subjectIds],
  );
  return new Set(rows.map((row) => String(row['subjectId'])));
}

/** Ends their keys for good, whether they had one or not; when each was ended first. */
export async function eraseSubjectKeys(tx: Tx, subjectIds: readonly string[]): Promise<void> {
  await tx.unsafe(
    `insert into audit.subject_key as k (subject_id, erased_at) select id, now() from unnest($1::uuid[]) id order by id
     on conflict (subject_id) do update set key_id = null, wrapped = null, erased_at = now() where k.erased_at is null`,
    [subjectIds],
  );
}

/**
 * By when no copy on its way to audit is left: a day of a feed goes when it is eight days old, and a request that was running may have
 * written on the day after.
 */
export async function findErasureEnd(tx: Tx, subjectId: string): Promise<Date> {
  const [row] = await tx.unsafe(
    `select (date_trunc('day', erased_at at time zone 'UTC') + interval '10 days') at time zone 'UTC' as "completeBy" from audit.subject_key where subject_id = $1`,
    [subjectId],
  );
  return row?.['completeBy'] as Date;
}

/** Keys that another key of the instance wraps than the one that writes by now. */
export async function listKeysNotUnder(on: On, keyId: string, limit: number): Promise<readonly StoredKey[]> {
  const rows = await on.unsafe(`select ${columns} from audit.subject_key where key_id <> $1 limit $2`, [keyId, limit]);
  return rows as unknown as readonly StoredKey[];
}

/** Unless it was erased or wrapped by somebody else meanwhile. */
export async function amendWrapping(on: On, key: StoredKey, to: { keyId: string; wrapped: string }): Promise<void> {
  await on.unsafe(
    'update audit.subject_key set key_id = $3, wrapped = $4 where subject_id = $1 and key_id = $2 and erased_at is null',
    [key.subjectId, key.keyId, to.keyId, to.wrapped],
  );
}
