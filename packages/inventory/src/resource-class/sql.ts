// One row a verb: its lock is the only one. Who offers a class, or takes of it, shares its key until commit.
import type { ResourceClass } from '@sentral/contracts/inventory/resource-class';
import type { Database, Tx } from '@sentral/kernel/database';

export interface ClassRow extends Omit<ResourceClass, 'type' | 'createdAt' | 'updatedAt'> {
  readonly id: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const selectClass = `select id, key, title, unit, dimension, version, created_at as "createdAt", updated_at as "updatedAt" from resource_class`;

export async function findClass(db: Database | Tx, key: string): Promise<ClassRow | undefined> {
  const [row] = await db.unsafe(`${selectClass} where key = $1`, [key]);
  return row as ClassRow | undefined;
}

export async function listClasses(
  db: Database,
  asked: { after: string | null; limit: number },
): Promise<readonly ClassRow[]> {
  const rows = await db.unsafe(`${selectClass} where ($1::text is null or key > $1) order by key limit $2`, [
    asked.after,
    asked.limit + 1,
  ]);
  return rows as unknown as readonly ClassRow[];
}

/** For update: nobody comes to offer it meanwhile, so who counts its uses counts all of them. */
export async function lockClass(tx: Tx, key: string): Promise<ClassRow | undefined> {
  const [row] = await tx.unsafe(`${selectClass} where key = $1 for update`, [key]);
  return row as ClassRow | undefined;
}

export async function insertClass(
  tx: Tx,
  { id, key, title, unit }: { id: string; key: string; title: string; unit: string },
): Promise<void> {
  await tx.sql`
    insert into resource_class (id, key, title, unit, dimension) values (${id}, ${key}, ${title}, ${unit}, ${`inventory.${key}`})`;
}

export async function amendClassRow(tx: Tx, key: string, to: { title: string; unit: string }): Promise<void> {
  await tx.sql`
    update resource_class set title = ${to.title}, unit = ${to.unit}, version = version + 1, updated_at = now() where key = ${key}`;
}

export async function deleteClass(tx: Tx, key: string): Promise<void> {
  await tx.sql`delete from resource_class where key = ${key}`;
}

/** Who offers it, and whether anything was ever taken of it: that one is told as one, since it may be millions. */
export async function countUsesOfClass(tx: Tx, key: string): Promise<readonly { type: string; count: number }[]> {
  return tx.sql<{ type: string; count: number }>`
    select 'capacity' as type, count(*)::int as count from capacity where class = ${key}
    union all
    select 'allocation', count(*)::int from (select from allocation_item where class = ${key} limit 1) taken`;
}

export function toClass({ id: _id, createdAt, updatedAt, ...row }: ClassRow): ResourceClass {
  return { type: 'resourceClass', ...row, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
