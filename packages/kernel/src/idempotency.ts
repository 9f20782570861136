// Idempotency keys. Prevents: a retried request that acts twice, and an answer that is stored although nothing was committed.
import { type Problem, problem } from '@sentral/contracts/problem';
import { type Database, json, type Tx } from './database.js';
import { tryLockKeys } from './lease.js';
import { quoteName } from './tables.js';

/** What the facade computed: scope = principal, method and path; fingerprint = of the whole request. */
export interface IdempotencyKey {
  readonly scope: string;
  readonly key: string;
  readonly fingerprint: string;
}

export type KeyVerdict =
  | { readonly state: 'new'; readonly mintedId?: string }
  | { readonly state: 'done'; readonly result: unknown }
  | { readonly state: 'refused'; readonly problem: Problem };

/**
 * Runs the work once for its key, in the transaction of the change; a repetition gets the stored result.
 * @throws Problem idempotency-in-progress, idempotency-key-reused
 */
export async function idempotent<R>(
  tx: Tx,
  schema: string,
  idempotency: IdempotencyKey | undefined,
  work: () => Promise<R>,
): Promise<{ readonly result: R; readonly replayed: boolean }> {
  if (idempotency === undefined) return { result: await work(), replayed: false };
  const [verdict] = await lookUpKeys(tx, schema, [idempotency]);
  if (verdict?.state === 'refused') throw verdict.problem;
  if (verdict?.state === 'done') return { result: verdict.result as R, replayed: true };
  const result = await work();
  await storeResults(tx, schema, [{ ...idempotency, result }]);
  return { result, replayed: false };
}

/**
 * Locks and looks up several keys at once, one verdict per key in order. The transaction must be READ COMMITTED: the look-up
 * has to see what the last holder of the lock committed. Equal keys are to be collapsed before (an advisory lock is
 * re-entrant, so it would let both through).
 */
export async function lookUpKeys(
  tx: Tx,
  schema: string,
  keys: readonly IdempotencyKey[],
): Promise<readonly KeyVerdict[]> {
  const names = keys.map(nameOf);
  if (new Set(names).size !== names.length)
    throw new TypeError('equal idempotency keys are collapsed before the look-up');
  // The look-up is a statement of its own, and so sees what the last holder of a lock has committed.
  const [locked, rows] = await Promise.all([
    tryLockKeys(tx, schema, names),
    tx.unsafe(
      `select i.scope, i.key, i.fingerprint, i.minted_id as "mintedId", i.result is not null as done, i.result
       from jsonb_to_recordset($1) as k(scope text, key text)
       join ${quoteName(schema)}.idempotency i on i.scope = k.scope and i.key = k.key
       where i.expires_at > now()`,
      [json(keys)],
    ),
  ]);
  const stored = new Map(rows.map((row) => [nameOf(row as unknown as IdempotencyKey), row]));
  return keys.map((each, place): KeyVerdict => {
    const facts = { idempotencyKey: each.key };
    if (locked[place] !== true) return { state: 'refused', problem: problem('idempotency-in-progress', facts) };
    const row = stored.get(nameOf(each));
    if (row === undefined) return { state: 'new' };
    if (row['fingerprint'] !== each.fingerprint) {
      return { state: 'refused', problem: problem('idempotency-key-reused', facts) };
    }
    if (row['done'] === true) return { state: 'done', result: row['result'] };
    const mintedId = row['mintedId'];
    return { state: 'new', ...(typeof mintedId === 'string' ? { mintedId } : {}) };
  });
}

/**
 * Stores results, or with `mintedId` alone an intent without one. The primary key judges last: a key that got its result
 * meanwhile takes the whole transaction back.
 * @throws Problem idempotency-in-progress
 */
export async function storeResults(
  tx: Tx,
  schema: string,
  stored: readonly (IdempotencyKey & { readonly result?: unknown; readonly mintedId?: string })[],
): Promise<void> {
  const rows = stored.map(({ scope, key, fingerprint, mintedId, ...rest }) => ({
    scope,
    key,
    fingerprint,
    mintedId,
    intent: mintedId !== undefined && !('result' in rest),
    result: rest.result ?? null,
  }));
  const kept = await tx.unsafe(
    `insert into ${quoteName(schema)}.idempotency as i (scope, key, fingerprint, minted_id, result)
     select e.item ->> 'scope', e.item ->> 'key', e.item ->> 'fingerprint', (e.item ->> 'mintedId')::uuid,
       case when (e.item -> 'intent')::boolean then null else e.item -> 'result' end
     from jsonb_array_elements($1) as e(item) order by 1, 2
     on conflict on constraint idempotency_key_once do update
       set fingerprint = excluded.fingerprint, result = excluded.result, minted_id = coalesce(excluded.minted_id, i.minted_id),
         created_at = excluded.created_at, expires_at = excluded.expires_at
       where i.expires_at <= now() or (i.result is null and i.fingerprint = excluded.fingerprint)
     returning i.key`,
    [json(rows)],
  );
  if (kept.length === rows.length) return;
  const won = new Set(kept.map((row) => row['key']));
  throw problem('idempotency-in-progress', { idempotencyKey: rows.find((row) => !won.has(row.key))?.key ?? '' });
}

/** Reads the stored result of a key whose COMMIT is unknown; undefined when there is none, and then the outcome stays so. */
export async function storedResult(
  db: Database | Tx,
  schema: string,
  key: IdempotencyKey,
): Promise<{ readonly result: unknown } | undefined> {
  const [row] = await db.unsafe(
    `select result from ${quoteName(schema)}.idempotency
     where scope = $1 and key = $2 and fingerprint = $3 and result is not null and expires_at > now()`,
    [key.scope, key.key, key.fingerprint],
  );
  return row === undefined ? undefined : { result: row['result'] };
}

/** Deletes a batch of expired keys; they answer nothing any more. */
export async function purgeIdempotency(db: Database, schema: string): Promise<number> {
  const name = quoteName(schema);
  const gone = await db.unsafe(
    `delete from ${name}.idempotency where (scope, key) in (
       select scope, key from ${name}.idempotency where expires_at <= now() order by expires_at limit 5000 for update skip locked)`,
  );
  return gone.count;
}

// Joined with a character that neither a path nor a header may hold.
const nameOf = (key: { readonly scope: string; readonly key: string }): string => `${key.scope}\n${key.key}`;
