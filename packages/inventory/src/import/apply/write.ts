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
import { writeOffers } from './offers.js';
import { amendRows, insertRows, lockChanged, nameRows, type Cells } from './rows-sql.js';
import { listParts, listResources } from './load.js';
import { listShown } from './shown.js';
import { tables, writeOrder, type Resolve } from './tables.js';

/** One change of one resource, for the feed. */
export interface Written {
  readonly type: ResourceType;
  readonly id: string;
  readonly version: number;
  readonly happened: 'made' | 'changed' | 'ended';
  /** As it was shown before, as JSON, which is a third of the object; what was made was not there. */
  readonly before: string | undefined;
}

export interface Writing {
  readonly importId: string;
  readonly source: string;
  readonly planned: readonly Planned[];
  readonly resolve: Resolve;
  readonly racks: ReadonlyMap<string, RackShape>;
  /** Nodes that offer something else from now on; their counters are locked. */
  readonly offered: ReadonlySet<string>;
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
  const { planned } = writing;
  const written: Written[] = [];
  const changed = new Map<ResourceType, { rows: Planned[]; before: ReadonlyMap<string, string> }>();

  for (const type of writeOrder) {
    const before = new Map<string, string>();
    const known = planned.filter((row) => row.resource.type === type && row.known !== undefined);
    for (const chunk of chunks(known)) {
      const all = await cellsOf(tx, writing, chunk);
      const rows = await lockChanged(
        tx,
        tables[type],
        hasParts(type) ? await forced(tx, writing, { chunk, all }) : all,
      );
      const shown = await listShown(
        tx,
        type,
        rows.map(({ id }) => String(id)),
      );
      for (const [id, was] of shown) before.set(id, JSON.stringify(was));
    }
    changed.set(type, { rows: known.filter(({ id }) => before.has(id)), before });
  }
  for (const chunk of chunks([...changed.values()].flatMap(({ rows }) => rows.map(({ id }) => id))))
    await deleteParts(tx, chunk);

  for (const type of writeOrder) {
    const table = tables[type];
    const made = planned.filter((row) => row.resource.type === type && row.known === undefined);
    const { rows, before } = changed.get(type) ?? { rows: [], before: new Map<string, string>() };
    for (const chunk of chunks(made)) {
      const all = await cellsOf(tx, writing, chunk);
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
      for (const { id, version } of await amendRows(tx, table, await cellsOf(tx, writing, chunk)))
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

/** What each row's columns are to be, with what only the staged row says. */
async function cellsOf(tx: Tx, { importId, resolve }: Writing, rows: readonly Planned[]): Promise<readonly Cells[]> {
  const whole = await listResources(
    tx,
    importId,
    rows.map(({ line }) => line),
  );
  return rows.map(({ id, line, resource }) => ({
    id,
    ...tables[resource.type].values({ id, resource: whole.get(line) ?? resource }, resolve),
  }));
}

const hasParts = (type: ResourceType): boolean => type === 'node' || type === 'edge';

/** A row whose parts are other ones changes, also where its columns are as they were. */
async function forced(
  tx: Tx,
  { resolve, offered }: Writing,
  { chunk, all }: { readonly chunk: readonly Planned[]; readonly all: readonly Cells[] },
): Promise<readonly Cells[]> {
  const parts = await listParts(
    tx,
    chunk.map(({ id }) => id),
  );
  return all.map((cells, at) => {
    const row = chunk[at];
    return {
      ...cells,
      force: row !== undefined && (offered.has(row.id) || partText(row, resolve) !== parts.get(row.id)),
    };
  });
}

async function writeParts(
  tx: Tx,
  { resolve, racks, offered, newId }: Writing,
  rows: readonly Planned[],
): Promise<void> {
  await upsertRacks(tx, rows);
  await writeOffers(
    tx,
    rows.filter(({ id, known }) => known === undefined || offered.has(id)),
  );
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
