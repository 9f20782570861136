// One row a verb: its lock is the only one. Who gives a node a trait shares its key until commit (node_trait_is_registered).
import type { Trait } from '@sentral/contracts/inventory/trait';
import type { Database, Tx } from '@sentral/kernel/database';

export interface TraitRow extends Omit<Trait, 'type' | 'createdAt' | 'updatedAt'> {
  readonly id: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const selectTrait = `select t.id, t.key, t.title, t.version, t.created_at as "createdAt", t.updated_at as "updatedAt" from trait t`;

export async function findTrait(db: Database | Tx, key: string): Promise<TraitRow | undefined> {
  const [row] = await db.unsafe(`${selectTrait} where t.key = $1`, [key]);
  return row as TraitRow | undefined;
}

/** For update: nobody gives it to a node meanwhile, so who counts its nodes counts all of them. */
export async function lockTrait(tx: Tx, key: string): Promise<TraitRow | undefined> {
  const [row] = await tx.unsafe(`${selectTrait} where t.key = $1 for update`, [key]);
  return row as TraitRow | undefined;
}

export async function listTraitRows(
  db: Database,
  asked: { after: string | null; limit: number },
): Promise<readonly TraitRow[]> {
  const rows = await db.unsafe(`${selectTrait} where ($1::text is null or t.key > $1) order by t.key limit $2`, [
    asked.after,
    asked.limit + 1,
  ]);
  return rows as unknown as readonly TraitRow[];
}

/** Those of the keys that nobody has registered, as they were given. */
export async function unregistered(db: Pick<Database, 'unsafe'>, keys: readonly string[]): Promise<readonly string[]> {
  if (keys.length === 0) return [];
  const rows = await db.unsafe('select key from trait where key = any($1::text[])', [[...keys]]);
  const known = new Set(rows.map((row) => row['key'] as string));
  return keys.filter((key) => !known.has(key));
}

export async function insertTrait(tx: Tx, trait: { id: string; key: string; title: string }): Promise<void> {
  await tx.sql`insert into trait (id, key, title) values (${trait.id}, ${trait.key}, ${trait.title})`;
}

export async function amendTraitRow(tx: Tx, key: string, title: string): Promise<void> {
  await tx.sql`update trait set title = ${title}, version = version + 1, updated_at = now() where key = ${key}`;
}

export async function deleteTrait(tx: Tx, key: string): Promise<void> {
  await tx.sql`delete from trait where key = ${key}`;
}

/** Nodes that have it, twenty of them. */
export async function listNodesOfTrait(tx: Tx, key: string): Promise<readonly { id: string; count: number }[]> {
  return tx.sql<{ id: string; count: number }>`
    select node_id as id, count(*) over ()::int as count from node_trait where trait = ${key} order by node_id limit 20`;
}

export function toTrait({ id: _id, createdAt, updatedAt, ...row }: TraitRow): Trait {
  return { type: 'trait', ...row, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
