import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { ResourceType } from '../change-set.js';
import type { Planned, RackShape } from './plan.js';
import {
  claimParts,
  deleteParts,
  endParts,
  insertClaims,
  insertEnds,
  partText,
  takeHosts,
  takeNumbers,
  upsertRacks,
} from './parts.js';
import { amendRows, insertRows, lockChanged, nameRows, type Cells } from './rows-sql.js';
import { listShown, type Shown } from './shown.js';
import { tables, writeOrder, type Resolve } from './tables.js';

/** One change of one resource, for the feed. */
export interface Written {
  readonly type: ResourceType;
  readonly id: string;
  readonly version: number;
  readonly happened: 'made' | 'changed' | 'ended';
  /** As it was shown before; what was made was not there. */
  readonly before: Shown | undefined;
}

export interface Writing {
  readonly source: string;
  readonly planned: readonly Planned[];
  readonly resolve: Resolve;
  /** Parts as they are in the database. */
  readonly parts: ReadonlyMap<string, string>;
  readonly racks: ReadonlyMap<string, RackShape>;
  readonly newId: () => string;
  readonly progress: (rows: number) => Promise<void>;
}

/** Rows a statement: few enough for its time limit, enough to hide the round trip. */
const chunkRows = 1000;

function* chunks<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += chunkRows) yield list.slice(at, at + chunkRows);
}

/** Writes all that stands, set-wise: what is as it should be is not touched, so it moves no version and writes no feed row. */
export async function writePlanned(tx: Tx, writing: Writing): Promise<Written[]> {
  const { planned, resolve, parts } = writing;
  const cells = (row: Planned): Cells => ({ id: row.id, ...tables[row.resource.type].values(row, resolve) });
  const forced = (row: Planned): boolean => partText(row, resolve) !== parts.get(row.id);
  const written: Written[] = [];
  const changed = new Map<ResourceType, { rows: Planned[]; before: ReadonlyMap<string, Shown> }>();

  for (const type of writeOrder) {
    const ids: string[] = [];
    const known = planned.filter((row) => row.resource.type === type && row.known !== undefined);
    for (const chunk of chunks(known)) {
      const rows = await lockChanged(
        tx,
        tables[type],
        chunk.map((row) => ({ ...cells(row), force: (type === 'node' || type === 'edge') && forced(row) })),
      );
      for (const { id } of rows) ids.push(String(id));
    }
    const before = await listShown(tx, type, ids);
    changed.set(type, { rows: known.filter(({ id }) => before.has(id)), before });
  }
  for (const chunk of chunks([...changed.values()].flatMap(({ rows }) => rows.map(({ id }) => id))))
    await deleteParts(tx, chunk);

  for (const type of writeOrder) {
    const table = tables[type];
    const made = planned.filter((row) => row.resource.type === type && row.known === undefined);
    const { rows, before } = changed.get(type) ?? { rows: [], before: new Map<string, Shown>() };
    for (const chunk of chunks(made)) {
      const all = chunk.map(cells);
      await insertRows(tx, table, all);
      await nameRows(
        tx,
        writing.source,
        chunk.map(({ key, id }) => ({ key, type, id })),
      );
      for (const { id } of all) written.push({ type, id: String(id), version: 1, happened: 'made', before: undefined });
      await writing.progress(chunk.length);
    }
    for (const chunk of chunks(rows)) {
      for (const { id, version } of await amendRows(tx, table, chunk.map(cells)))
        written.push({
          type,
          id: String(id),
          version: Number(version),
          happened: 'changed',
          before: before.get(String(id)),
        });
    }
    await writing.progress(planned.filter((row) => row.resource.type === type).length - made.length);
    await writeParts(tx, writing, [...made, ...rows]);
  }
  return written;
}

async function writeParts(tx: Tx, { resolve, racks, newId }: Writing, rows: readonly Planned[]): Promise<void> {
  await upsertRacks(tx, rows);
  const startingUnitOf = (key: string): number => racks.get(key)?.startingUnit ?? 1;
  for (const chunk of chunks(rows.flatMap((row) => endParts(row, resolve)))) await insertEnds(tx, chunk);
  for (const chunk of chunks(rows.flatMap((row) => claimParts(row, resolve, { newId, startingUnitOf }))))
    await insertClaims(tx, chunk);
  for (const [type, take] of [
    ['address', takeHosts],
    ['number', takeNumbers],
  ] as const) {
    for (const chunk of chunks(
      rows.filter(({ id, resource }) => resource.type === type && !resolve.isBeside(id)).map(({ id }) => id),
    )) {
      // Somebody was given one of them since it was looked up: judge again.
      if ((await take(tx, chunk)) !== chunk.length)
        throw problem('operation-in-progress', { resourceType: type }, 'An allocation was quicker.');
    }
  }
}
