// One row a verb; access changes lock the installation row first (scope/sql.ts).
import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { partPersonal } from '@sentral/contracts/personal';
import { userSchema, type User } from '@sentral/contracts/tenancy/principal';
import { json, type Database, type Tx } from '@sentral/kernel/database';
import type { Seal } from '@sentral/contracts/audit-seal';
import { expectVersion, type Change } from '../change.js';
import { visibleOf } from '../reading.js';

type Reader = Pick<Database | Tx, 'unsafe'>;

export interface UserRow {
  readonly id: string;
  readonly issuer: string;
  readonly subject: string;
  readonly displayName: string | null;
  readonly state: User['state'];
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const selectUser = `select u.id, u.issuer, u.subject, u.display_name as "displayName", u.state, u.version,
  u.created_at as "createdAt", u.updated_at as "updatedAt" from tenancy.principal u`;

export function toUser(row: UserRow): User {
  return {
    id: encodeId('usr', row.id),
    type: 'user',
    version: row.version,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    ...(row.state === 'erased' ? {} : { issuer: row.issuer, subject: row.subject }),
    ...(row.displayName === null ? {} : { displayName: row.displayName }),
    state: row.state,
  };
}

/** False when this issuer's subject has a row already. */
export async function insertUser(
  tx: Tx,
  user: { id: string; issuer: string; subject: string; displayName: string | null },
): Promise<boolean> {
  const rows = await tx.sql`
    insert into tenancy.principal (id, kind, issuer, subject, display_name)
    values (${user.id}::uuid, 'user', ${user.issuer}, ${user.subject}, ${user.displayName})
    on conflict (issuer, subject) do nothing returning id`;
  return rows.length === 1;
}

export async function findUserRow(on: Reader, id: string): Promise<UserRow> {
  const [row] = await on.unsafe(`${selectUser} where u.id = $1::uuid and u.kind = 'user'`, [id]);
  if (row === undefined) throw problem('not-found', { resourceType: 'user' });
  return row as unknown as UserRow;
}

/**
 * Users belong to no tenant: for who sees tenants alone there are none.
 * @throws Problem not-found
 */
export function refuseTenants(caller: Caller): void {
  const visible = visibleOf(caller);
  if (visible !== null && !visible.platform) throw problem('not-found', { resourceType: 'user' });
}

/** For no key update: it is about to change. @throws Problem not-found | version-mismatch */
export async function lockUser(
  tx: Tx,
  caller: Caller,
  { id, version }: { id: string; version: number | undefined },
): Promise<UserRow> {
  refuseTenants(caller);
  const [row] = await tx.unsafe(`${selectUser} where u.id = $1::uuid and u.kind = 'user' for no key update`, [id]);
  if (row === undefined) throw problem('not-found', { resourceType: 'user' });
  const user = row as unknown as UserRow;
  await expectVersion(tx, { prefix: 'usr', id, version: user.version }, version);
  return user;
}

/** Of users and service accounts alike: how it is called, and whether it may come in. */
export async function amendPrincipal(
  tx: Tx,
  id: string,
  to: { displayName: string | null; state: 'active' | 'disabled' | 'removed' },
): Promise<void> {
  await tx.sql`
    update tenancy.principal set display_name = ${to.displayName}, state = ${to.state}, version = version + 1, updated_at = now()
    where id = ${id}::uuid`;
}

export interface PrincipalRef {
  readonly id: string;
  readonly kind: 'user' | 'service';
  readonly state: 'active' | 'disabled' | 'removed' | 'erased';
  readonly tenantId: string | null;
}

/** A principal of this kind, whatever its state. */
export async function findPrincipal(
  on: Reader,
  id: string,
  kind: 'user' | 'service',
): Promise<PrincipalRef | undefined> {
  const rows = await on.unsafe(
    `select id, kind, state, tenant_id as "tenantId" from tenancy.principal where id = $1::uuid and kind = $2`,
    [id, kind],
  );
  return rows[0] as PrincipalRef | undefined;
}

/** Leaves the id and nothing of the person; the key of its issuer's subject is free again. */
export async function eraseUserRow(tx: Tx, id: string): Promise<void> {
  await tx.sql`
    update tenancy.principal set issuer = 'sentral:erased', subject = id::text, display_name = null, state = 'erased',
      version = version + 1, updated_at = now() where id = ${id}::uuid`;
}

/** Answers that are kept a day for repeated keys show the person too: from now on they show what is left. */
export async function forgetAnswers(tx: Tx, left: User): Promise<void> {
  await tx.sql`update tenancy.idempotency set result = ${json(left)} where result ->> 'id' = ${left.id}`;
}

/**
 * The feed row of a change of a user. It names it by its reference alone, in the public event too; who it is, goes to audit sealed, and nowhere once
 * it is erased.
 */
export function userChange(
  seal: Seal,
  what: 'registered' | 'amended' | 'disabled' | 'enabled' | 'erased',
  { before, after }: { before: UserRow | null; after: UserRow },
): Change {
  const was = before === null ? null : partPersonal(userSchema, toUser(before));
  const is = partPersonal(userSchema, toUser(after));
  const marked = Object.entries(is.personal).map(([name, text]) => {
    const other = was !== null && (was.personal as Record<string, unknown>)[name] !== text;
    return [name, other ? `${sealedMark}, changed` : sealedMark];
  });
  return {
    what: `user.${what}`,
    id: after.id,
    version: after.version,
    before:
      was === null
        ? null
        : { ...was.open, ...Object.fromEntries(Object.keys(was.personal).map((name) => [name, sealedMark])) },
    after: { ...is.open, ...Object.fromEntries(marked) },
    event: is.open,
    ...(what === 'erased' ? {} : { personal: seal({ before: was?.personal ?? null, after: is.personal }) }),
  };
}

/** Stands in a record for what is sealed beside it, so that it shows which fields there were and which of them changed. */
const sealedMark = '<sealed>';
