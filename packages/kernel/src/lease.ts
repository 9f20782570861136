// Leader leases and advisory locks. Prevents: two workers that both believe they lead after a pause (every write of a leader
// carries its epoch), leases stolen by a fast clock (all times are the database's), and locks of two contexts that collide.
import type { Database, Tx } from './database.js';
import { quoteName } from './tables.js';

export interface Lease {
  readonly name: string;
  readonly epoch: number;
}

/** Takes the lease when nobody holds it, with an epoch above every earlier one; undefined when somebody does. */
export async function claimLease(
  db: Database,
  schema: string,
  name: string,
  options: { readonly holdMs: number },
): Promise<Lease | undefined> {
  const [row] = await db.unsafe(
    `insert into ${quoteName(schema)}.lease as l (name, epoch, until) values ($1, 1, now() + $2 * interval '1 millisecond')
     on conflict (name) do update set epoch = l.epoch + 1, until = excluded.until where l.until <= now()
     returning epoch`,
    [name, options.holdMs],
  );
  return row === undefined ? undefined : { name, epoch: Number(row['epoch']) };
}

/** Holds the lease longer; false when another epoch has begun, and then the caller must stop at once. */
export async function renewLease(
  db: Database,
  schema: string,
  lease: Lease & { readonly holdMs: number },
): Promise<boolean> {
  const rows = await db.unsafe(
    `update ${quoteName(schema)}.lease set until = now() + $3 * interval '1 millisecond'
     where name = $1 and epoch = $2 returning epoch`,
    [lease.name, lease.epoch, lease.holdMs],
  );
  return rows.length === 1;
}

/** Gives the lease up, so that the next one need not wait; does nothing when it is no longer ours. */
export async function releaseLease(db: Database, schema: string, lease: Lease): Promise<void> {
  await db.unsafe(`update ${quoteName(schema)}.lease set until = now() where name = $1 and epoch = $2`, [
    lease.name,
    lease.epoch,
  ]);
}

/**
 * Locks the lease row until commit and tells whether the epoch is still ours: a leader's transaction begins with this, and a
 * successor can only claim after it has ended.
 */
export async function lockLease(tx: Tx, schema: string, lease: Lease): Promise<boolean> {
  // FOR SHARE, not KEY SHARE: a claim updates no key column and would not wait for the weaker lock.
  const rows = await tx.unsafe(
    `select epoch from ${quoteName(schema)}.lease where name = $1 and epoch = $2 for share`,
    [lease.name, lease.epoch],
  );
  return rows.length === 1;
}

/** Writes how far the holder of this epoch came and holds the lease longer; false when another epoch has begun. */
export async function advanceLease(
  db: Database,
  schema: string,
  lease: Lease & { readonly holdMs: number; readonly position: number },
): Promise<boolean> {
  const rows = await db.unsafe(
    `update ${quoteName(schema)}.lease set position = $3, until = now() + $4 * interval '1 millisecond'
     where name = $1 and epoch = $2 and position <= $3 returning epoch`,
    [lease.name, lease.epoch, lease.position, lease.holdMs],
  );
  return rows.length === 1;
}

/** How far a loop came; 0 before its first step. */
export async function leasePosition(db: Database | Tx, schema: string, name: string): Promise<number> {
  const [row] = await db.unsafe(`select position from ${quoteName(schema)}.lease where name = $1`, [name]);
  return Number(row?.['position'] ?? 0);
}

/**
 * Waits for the context's lock of this name and holds it until commit. The first key is the context, so that contexts that
 * share a database never wait for each other's locks.
 */
export async function lockName(tx: Tx, schema: string, name: string): Promise<void> {
  await tx.unsafe('select pg_advisory_xact_lock(hashtext($1), hashtext($2))', [schema, name]);
}

/** The same beside others who share it, and against who holds it alone. */
export async function lockNameShared(tx: Tx, schema: string, name: string): Promise<void> {
  await tx.unsafe('select pg_advisory_xact_lock_shared(hashtext($1), hashtext($2))', [schema, name]);
}

/**
 * Tries to hold each key until commit, never waits: one answer per key, in order. 64 bits, seeded with the context, since
 * two of a day's idempotency keys must not meet by chance.
 */
export async function tryLockKeys(tx: Tx, schema: string, keys: readonly string[]): Promise<readonly boolean[]> {
  const rows = await tx.unsafe(
    `select pg_try_advisory_xact_lock(hashtextextended(k.key, hashtext($1))) as locked
     from jsonb_array_elements_text($2::text::jsonb) with ordinality as k(key, place) order by k.place`,
    [schema, JSON.stringify(keys)],
  );
  return rows.map((row) => row['locked'] === true);
}
