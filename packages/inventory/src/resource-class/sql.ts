// Classes never change while the application runs: no locks.
import type { ResourceClass } from '@sentral/contracts/inventory/resource-class';
import type { Database, Tx } from '@sentral/kernel/database';

export interface ClassRow extends Omit<ResourceClass, 'type' | 'createdAt' | 'updatedAt'> {
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const selectClass = `select key, title, unit, dimension, version, created_at as "createdAt", updated_at as "updatedAt" from resource_class`;

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

export function toClass({ createdAt, updatedAt, ...row }: ClassRow): ResourceClass {
  return { type: 'resourceClass', ...row, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
