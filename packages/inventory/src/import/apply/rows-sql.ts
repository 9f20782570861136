// Lock order: rows of one table by id, tables in the order of `writeOrder`; the import's own row last.
import { json, type Tx } from '@sentral/kernel/database';
import type { Table } from './tables.js';

export type Cells = Readonly<Record<string, unknown>>;

const record = (table: Table): string =>
  `jsonb_to_recordset($1) as d (id uuid, force boolean, ${Object.entries(table.columns)
    .map(([column, type]) => `${column} ${type}`)
    .join(', ')})`;
const given = (table: Table, column: string): string =>
  table.kept.includes(column) ? `coalesce(d.${column}, t.${column})` : `d.${column}`;

/** Locks the rows that the set changes and names them; the others are left alone. */
export async function lockChanged(tx: Tx, table: Table, rows: readonly Cells[]): Promise<readonly Cells[]> {
  const columns = Object.keys(table.columns);
  return tx.unsafe(
    `select t.id from ${table.name} t join ${record(table)} on d.id = t.id
     where d.force or (${columns.map((column) => `t.${column}`).join(', ')}) is distinct from (${columns.map((column) => given(table, column)).join(', ')})
     order by t.id for no key update of t`,
    [json(rows)],
  );
}

export async function amendRows(tx: Tx, table: Table, rows: readonly Cells[]): Promise<readonly Cells[]> {
  const columns = Object.keys(table.columns);
  return tx.unsafe(
    `update ${table.name} t set ${columns.map((column) => `${column} = ${given(table, column)}`).join(', ')}, version = t.version + 1, updated_at = now()
     from ${record(table)} where d.id = t.id returning t.id, t.version`,
    [json(rows)],
  );
}

export async function insertRows(tx: Tx, table: Table, rows: readonly Cells[]): Promise<void> {
  const columns = Object.keys(table.columns);
  const empty: Readonly<Record<string, string>> = { labels: "'{}'::jsonb", traits: "'{}'::text[]" };
  const values = columns.map((column) =>
    table.kept.includes(column) ? `coalesce(d.${column}, ${empty[column]})` : `d.${column}`,
  );
  await tx.unsafe(
    `insert into ${table.name} (id, ${columns.join(', ')}) select d.id, ${values.join(', ')} from ${record(table)}`,
    [json(rows)],
  );
}

export async function lockRows(tx: Tx, table: Table, ids: readonly string[]): Promise<void> {
  await tx.unsafe(`select id from ${table.name} where id = any($1::uuid[]) order by id for no key update`, [ids]);
}

/** Ends those of the rows that live. */
export async function endRows(tx: Tx, table: Table, ids: readonly string[]): Promise<readonly Cells[]> {
  if (ids.length === 0) return [];
  return tx.unsafe(
    `update ${table.name} t set ${table.end}, version = t.version + 1, updated_at = now() where t.id = any($1::uuid[]) and t.${table.live} returning t.id, t.version`,
    [ids],
  );
}

export async function nameRows(
  tx: Tx,
  source: string,
  rows: readonly { readonly key: string; readonly type: string; readonly id: string }[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.sql`
    insert into external_id (source, external_id, resource_type, resource_id)
    select ${source}::text, key, type, id from jsonb_to_recordset(${json(rows)}) as d (key text, type text, id uuid)
    on conflict (source, external_id) do update set resource_type = excluded.resource_type, resource_id = excluded.resource_id`;
}

export async function unnameRows(tx: Tx, source: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.sql`delete from external_id where source = ${source} and resource_id = any(${ids}::uuid[])`;
}

/** Nodes on which nothing stands any more: no living child, no living edge, no allocation. */
export async function listLeaves(tx: Tx, ids: readonly string[]): Promise<readonly string[]> {
  const rows = await tx.sql<{ id: string }>`
    select n.id from node n where n.id = any(${ids}::uuid[])
      and not exists (select from node c where c.parent_id = n.id and c.state <> 'retired')
      and not exists (select from edge_end x where x.node_id = n.id and x.live)
      and not exists (select from rack_claim r where r.rack_id = n.id)
      and not exists (select from allocation_item i where i.node_id = n.id and i.ended_at is null)`;
  return rows.map(({ id }) => id);
}

/** Blocks, spaces and domains from which something is given out. */
export async function listInUse(tx: Tx, ids: readonly string[]): Promise<readonly string[]> {
  const rows = await tx.sql<{ id: string }>`
    select used.id from allocation_item i cross join lateral (values (i.block_id), (i.taken_block_id), (i.space_id), (i.domain_id)) as used (id)
    where i.ended_at is null and used.id = any(${ids}::uuid[])`;
  return rows.map(({ id }) => id);
}
