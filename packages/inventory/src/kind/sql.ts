// Kinds never change while the application runs: no locks.
import type { Kind } from '@sentral/contracts/inventory/kind';
import type { Database, Tx } from '@sentral/kernel/database';

export interface KindRow {
  readonly key: string;
  readonly title: string;
  readonly category: Kind['category'];
  readonly attributeSchema: Record<string, unknown>;
  readonly attributeVersion: number;
  readonly allowedParents: string[] | null;
  readonly allocMode: Kind['allocMode'];
  readonly isFailureDomain: boolean;
  readonly isConnectable: boolean;
  readonly allowedTraits: string[];
  readonly cleaningSeconds: number;
  readonly scrubs: boolean;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const selectKind = `select key, title, category, attribute_schema as "attributeSchema", attribute_version as "attributeVersion",
  allowed_parents as "allowedParents", alloc_mode as "allocMode", is_failure_domain as "isFailureDomain", is_connectable as "isConnectable",
  allowed_traits as "allowedTraits", cleaning_seconds as "cleaningSeconds", scrubs, version, created_at as "createdAt", updated_at as "updatedAt" from kind`;

export async function findKind(db: Database | Tx, key: string): Promise<KindRow | undefined> {
  const [row] = await db.unsafe(`${selectKind} where key = $1`, [key]);
  return row as KindRow | undefined;
}

export async function listKinds(
  db: Database,
  asked: { category: string | null; after: string | null; limit: number },
): Promise<readonly KindRow[]> {
  const rows = await db.unsafe(
    `${selectKind} where ($1::text is null or category = $1) and ($2::text is null or key > $2) order by key limit $3`,
    [asked.category, asked.after, asked.limit + 1],
  );
  return rows as unknown as readonly KindRow[];
}

export function toKind(row: KindRow): Kind {
  const { allowedParents, createdAt, updatedAt, ...same } = row;
  return {
    type: 'kind',
    ...same,
    ...(allowedParents === null ? {} : { allowedParents }),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
