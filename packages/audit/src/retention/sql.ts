// What retention asks and calls. `drop_month` is the retention role's alone; its locks stand at its head in 0007_keeping.
import { json, type Database } from '@sentral/kernel/database';
import type { On } from '../reading.js';

export interface Month {
  /** `2025-01-01` */
  readonly month: string;
  /** The table that holds what is left of it. */
  readonly part: string;
}

/** Months that are older than their retention, the oldest first. */
export async function listMonthsDue(on: On, retentionDays: number): Promise<readonly Month[]> {
  const rows = await on.unsafe(`select month::text, part from audit.months_due($1)`, [retentionDays]);
  return rows as unknown as readonly Month[];
}

/** Logs of which a month holds records. */
export async function listMonthLogs(on: On, part: string): Promise<readonly string[]> {
  const rows = await on.unsafe(
    `select l.id from audit.log l where exists (select from audit.${part} r where r.log_id = l.id)`,
  );
  return rows.map((row) => String(row['id']));
}

/** How many records went with it. */
export async function dropMonth(
  db: Database,
  drop: { readonly month: string; readonly id: string; readonly exported: readonly object[] },
): Promise<number> {
  const [row] = await db.unsafe('select audit.drop_month($1, $2, $3) as gone', [
    drop.month,
    drop.id,
    json(drop.exported),
  ]);
  return Number(row?.['gone']);
}
