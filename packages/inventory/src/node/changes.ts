import type { Caller } from '@sentral/contracts/contract';
import { decodeId, parseId, type Prefix } from '@sentral/contracts/ids';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { changedTypes, changesMax } from '@sentral/contracts/inventory/node-changes';
import { problem } from '@sentral/contracts/problem';
import { changedKeys } from '@sentral/kernel/change';
import { toBlock } from '../address-block/sql.js';
import { heldThen } from '../allocation/past.js';
import { toAllocation } from '../allocation/resource.js';
import { allocationColumns, listItems, type AllocationRow } from '../allocation/sql.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { toEdge } from '../edge/sql.js';
import { readingAt, type Reading } from '../past.js';
import { page, readCursor, readingAs, seenIds, sightOf, type Asks, type Sight } from '../reading.js';
import { findNode } from './sql.js';
import { toNode } from './row.js';
import {
  listBlocksById,
  listEdgesById,
  listHoldersOf,
  listNodesById,
  listThingsIn,
  type Thing,
} from './changes-sql.js';

type Asked = Command<'node', 'changes'>;
type State = NonNullable<Result<'node', 'changes'>['items'][number]['after']>;

/** A node at one instant, and how allocations are read of then. */
interface Moment {
  readonly at: Reading;
  readonly instant: string;
  readonly held: (on: Asks) => Asks;
}

/** A thing that differs: its versions where it lay in the node. */
interface Differing {
  readonly type: Thing['type'];
  readonly id: string;
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/**
 * What of a node and of all that lies in it is different between two instants, by type and id. Told is what the caller would have
 * seen at each, and sees still.
 * @throws Problem not-found, invalid-cursor, invalid-parameter, position-expired
 */
export async function changesOfNode(deps: Deps, caller: Caller, command: Asked): Promise<Result<'node', 'changes'>> {
  const keys = readCursor(command.cursor, ['text', 'number', 'uuid']);
  const to = String(keys?.[0] ?? command.to ?? (await now(deps)));
  if (Number.isNaN(Date.parse(to))) throw problem('invalid-cursor');
  if (Date.parse(command.from) >= Date.parse(to))
    throw problem('invalid-parameter', { parameter: 'to' }, 'It must lie after from.');
  const [first, second] = [await momentOf(deps, caller, command.from), await momentOf(deps, caller, to)];
  const sight = sightOf(caller);
  const id = decodeId('nod', command.id);
  if ((await findNode(deps.db.platform, sight, id)) === undefined) throw problem('not-found', { resourceType: 'node' });
  const [before, after] = await Promise.all(
    [first, second].map((moment) => thingsIn({ deps, caller, moment }, sight, { id, types: command.types })),
  );
  const differing = differences(before ?? [], after ?? []).filter((each) => isAfter(each, keys));
  const found = page(differing.slice(0, command.limit + 1), command.limit, {
    item: (each) => each,
    keys: (each) => [to, changedTypes.indexOf(each.type), each.id],
  });
  const shown = await seenStill(deps, sight, found.items);
  const [states, statesAfter] = await Promise.all(
    [first, second].map((moment) => statesOf(deps, caller, { moment, sight, shown })),
  );
  const items = shown.map((each) => told(each, states?.get(each.id), statesAfter?.get(each.id)));
  return { ...found, items, from: new Date(command.from).toISOString(), to: new Date(to).toISOString() };
}

async function now(deps: Deps): Promise<string> {
  const [row] = await deps.db.platform.unsafe('select now() as now');
  return (row as unknown as { now: Date }).now.toISOString();
}

async function momentOf(deps: Deps, caller: Caller, instant: string): Promise<Moment> {
  return { instant, at: await readingAt(deps, caller, instant), held: await heldThen(deps, instant) };
}

interface Ask {
  readonly deps: Deps;
  readonly caller: Caller;
  readonly moment: Moment;
}

async function thingsIn(
  { deps, caller, moment }: Ask,
  sight: Sight,
  { id, types }: { id: string; types: Asked['types'] },
): Promise<readonly Thing[]> {
  const limit = changesMax + 1;
  const things = await listThingsIn(moment.at.db, sight, { id, limit });
  const nodeIds = things.filter(({ type }) => type === 'node').map((each) => each.id);
  const holders =
    types.includes('allocation') && nodeIds.length > 0
      ? await readingAs(deps, caller, (on) =>
          listHoldersOf(moment.held(on), caller, { nodeIds, at: moment.instant, limit }),
        )
      : [];
  const all = [...things, ...holders];
  for (const type of changedTypes) {
    if (all.filter((each) => each.type === type).length <= changesMax) continue;
    const detail = `More than ${changesMax} things of type ${type} lie in it: ask for what lies in it, one after the other.`;
    throw problem('invalid-parameter', { parameter: 'id', allowed: changesMax }, detail);
  }
  return all.filter(({ type }) => types.includes(type));
}

function differences(before: readonly Thing[], after: readonly Thing[]): readonly Differing[] {
  const differing = new Map<string, Differing>(
    before.map(({ version, ...each }) => [each.id, { ...each, from: version, to: undefined }]),
  );
  for (const { id, type, version } of after) {
    const from = differing.get(id)?.from;
    if (from === version) differing.delete(id);
    else differing.set(id, { id, type, from, to: version });
  }
  return [...differing.values()].toSorted((a, b) => placeOf(a) - placeOf(b) || (a.id < b.id ? -1 : 1));
}

const placeOf = ({ type }: Pick<Thing, 'type'>): number => changedTypes.indexOf(type);

function isAfter(each: Differing, keys: readonly (string | number)[] | undefined): boolean {
  if (keys === undefined) return true;
  const place = placeOf(each) - Number(keys[1]);
  return place > 0 || (place === 0 && each.id > String(keys[2]));
}

/** Whose an allocation is never changes: who saw it then sees it still. */
async function seenStill(deps: Deps, sight: Sight, found: readonly Differing[]): Promise<readonly Differing[]> {
  const seen = new Set(found.flatMap(({ type, id }) => (type === 'allocation' ? [id] : [])));
  for (const noun of ['node', 'edge', 'addressBlock'] as const) {
    const ids = found.flatMap(({ type, id }) => (type === noun ? [id] : []));
    for (const id of await seenIds(deps.db.platform, sight, { noun, ids })) seen.add(id);
  }
  return found.filter(({ id }) => seen.has(id));
}

/** As they were, where they may be seen: one that was moved away is told where to, by who sees it there. */
async function statesOf(
  deps: Deps,
  caller: Caller,
  { moment, sight, shown }: { moment: Moment; sight: Sight; shown: readonly Differing[] },
): Promise<ReadonlyMap<string, State>> {
  const { at } = moment;
  const idsOf = async (noun: 'node' | 'edge' | 'addressBlock') => [
    ...(await seenIds(at.db, sight, { noun, ids: shown.flatMap(({ type, id }) => (type === noun ? [id] : [])) })),
  ];
  const [nodes, edges, blocks, allocations] = await Promise.all([
    idsOf('node').then((ids) => listNodesById(at.db, ids)),
    idsOf('edge').then((ids) => listEdgesById(at.db, ids)),
    idsOf('addressBlock').then((ids) => listBlocksById(at.db, ids)),
    readingAs(deps, caller, (on) => allocationsOf(moment.held(on), shown)),
  ]);
  const states = [
    ...(await at.conceal(nodes.map(toNode))),
    ...edges.map(toEdge),
    ...(await at.conceal(blocks.map(toBlock))),
    ...allocations,
  ] as State[];
  return new Map(states.map((state) => [parseId(state.id as `${Prefix}_${string}`).uuid, state]));
}

async function allocationsOf(on: Asks, shown: readonly Differing[]): Promise<Allocation[]> {
  const ids = shown.flatMap(({ type, id }) => (type === 'allocation' ? [id] : []));
  if (ids.length === 0) return [];
  const rows = (await on.unsafe(`select ${allocationColumns} from allocation a where a.id = any($1::uuid[])`, [
    ids,
  ])) as unknown as readonly AllocationRow[];
  const items = await listItems(on, ids);
  return rows.map((row) =>
    toAllocation(
      row,
      items.filter((item) => item.allocationId === row.id),
    ),
  );
}

function told({ type, id, from, to }: Differing, before: State | undefined, after: State | undefined) {
  return {
    type,
    id: (after ?? before)?.id ?? id,
    change: from === undefined ? ('added' as const) : to === undefined ? ('removed' as const) : ('changed' as const),
    changedFields:
      before === undefined || after === undefined
        ? []
        : changedKeys({ ...before }, { ...after })
            .toSorted()
            .map((key) => `/${key}`),
    ...(before === undefined ? {} : { fromVersion: before.version, before }),
    ...(after === undefined ? {} : { toVersion: after.version, after }),
  };
}
