import { encodeId } from '@sentral/contracts/ids';
import type { Import } from '@sentral/contracts/inventory/import';
import type { ImportRow } from './sql.js';

/** An import as the contract shows it. */
export function toImport(row: ImportRow): Import {
  const done =
    row.state === 'succeeded'
      ? 100
      : row.rowsTotal === 0
        ? 0
        : Math.min(99, Math.floor((row.rowsDone / row.rowsTotal) * 100));
  return {
    id: encodeId('imp', row.id),
    type: 'import',
    version: row.version,
    source: row.source,
    format: row.format,
    atomic: row.atomic,
    dryRun: row.dryRun,
    state: row.state,
    rowsTotal: row.rowsTotal,
    rowsDone: row.rowsDone,
    percent: done,
    counts: row.counts,
    ...(row.problem == null ? {} : { problem: row.problem }),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    ...(row.startedAt === null ? {} : { startedAt: row.startedAt.toISOString() }),
    ...(row.endedAt === null ? {} : { endedAt: row.endedAt.toISOString() }),
  };
}
