import type { Tx } from '@sentral/kernel/database';
import type { ResourceType } from '../change-set.js';
import { refusal, type Known, type Refusal } from './plan.js';
import { deleteParts } from './parts.js';
import { endRows, listInUse, listLeaves, lockRows, unnameRows } from './rows-sql.js';
import { listShown } from './shown.js';
import { tables } from './tables.js';
import type { Written } from './write.js';

/** A row that is to end. */
export interface Ending extends Known {
  readonly key: string;
}

export interface Ended {
  readonly written: readonly Written[];
  readonly refused: ReadonlyMap<string, Refusal>;
}

/** What goes before anything comes: edges, holds, blocks and ranges free what the set may hand to another. */
const endedFirst: readonly ResourceType[] = [
  'edge',
  'rackReservation',
  'address',
  'number',
  'numberRange',
  'addressRange',
  'addressBlock',
  'deviceType',
];

async function endAll(tx: Tx, source: string, endings: readonly Ending[]): Promise<Written[]> {
  const written: Written[] = [];
  const ids = endings.map(({ id }) => id);
  const byType = new Map(
    [...new Set(endings.map(({ type }) => type))].map((type) => [
      type,
      endings.filter((each) => each.type === type).map(({ id }) => id),
    ]),
  );
  // Read under the lock and with their parts, which go first.
  const before = new Map<string, string>();
  for (const [type, these] of byType) {
    await lockRows(tx, tables[type], these);
    for (const [id, shown] of await listShown(tx, type, these)) before.set(id, JSON.stringify(shown));
  }
  await deleteParts(tx, ids);
  for (const [type, these] of byType) {
    for (const { id, version } of await endRows(tx, tables[type], these))
      written.push({
        type,
        id: String(id),
        version: Number(version),
        happened: 'ended',
        before: before.get(String(id)),
      });
  }
  await unnameRows(tx, source, ids);
  return written;
}

const inUse = refusal('has-dependents', 'something is allocated from it');

/** Ends everything but nodes, spaces and domains; what is given out stays and is reported. */
export async function endFirst(tx: Tx, source: string, endings: readonly Ending[]): Promise<Ended> {
  const these = endings.filter(({ type }) => endedFirst.includes(type));
  const used = new Set(
    await listInUse(
      tx,
      these.filter(({ type }) => type === 'addressBlock').map(({ id }) => id),
    ),
  );
  const written = await endAll(
    tx,
    source,
    these.filter(({ id }) => !used.has(id)),
  );
  return { written, refused: new Map(these.filter(({ id }) => used.has(id)).map(({ key }) => [key, inUse])) };
}

/** Ends what others stood on, from the leaves inwards, after everything has found its new place; what still carries something stays. */
export async function endLast(tx: Tx, source: string, endings: readonly Ending[]): Promise<Ended> {
  const written: Written[] = [];
  let nodes = endings.filter(({ type }) => type === 'node');
  while (nodes.length > 0) {
    const leaves = new Set(
      await listLeaves(
        tx,
        nodes.map(({ id }) => id),
      ),
    );
    if (leaves.size === 0) break;
    written.push(
      ...(await endAll(
        tx,
        source,
        nodes.filter(({ id }) => leaves.has(id)),
      )),
    );
    nodes = nodes.filter(({ id }) => !leaves.has(id));
  }
  const holders = endings.filter(({ type }) => type === 'addressSpace' || type === 'numberDomain');
  const full = new Set(
    await listHolding(
      tx,
      holders.map(({ id }) => id),
    ),
  );
  written.push(
    ...(await endAll(
      tx,
      source,
      holders.filter(({ id }) => !full.has(id)),
    )),
  );
  const refused = new Map<string, Refusal>();
  for (const { key } of nodes)
    refused.set(key, refusal('has-dependents', 'something that stays stands on it or is connected to it'));
  for (const { key } of holders.filter(({ id }) => full.has(id)))
    refused.set(key, refusal('has-dependents', 'something that stays lies in it'));
  return { written, refused };
}

async function listHolding(tx: Tx, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const rows = await tx.sql<{ id: string }>`
    select space_id as id from address_block where space_id = any(${ids}::uuid[]) and ended_at is null
    union select space_id from address where space_id = any(${ids}::uuid[]) and ended_at is null
    union select space_id from address_range where space_id = any(${ids}::uuid[]) and ended_at is null
    union select domain_id from number where domain_id = any(${ids}::uuid[]) and ended_at is null
    union select domain_id from number_range where domain_id = any(${ids}::uuid[]) and ended_at is null`;
  return [...rows.map(({ id }) => id), ...(await listInUse(tx, ids))];
}
