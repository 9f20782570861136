import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { Search } from '../placement/host-sql.js';
import { expectReferences } from '../placement/refer.js';
import { listPlaces, needsOf, walk, type PlaceRow } from '../placement/sql.js';
import { givingSight } from '../reading.js';
import { elsewhere } from './elsewhere.js';
import { inOperation, type Operation } from './operation.js';
import { expectVersion, type Part } from './part.js';
import type { WantedPlace } from './place.js';
import { allowedPlaces } from './policy.js';
import type { Wanted } from './rules.js';
import { listItems, type ItemRow } from './sql.js';
import { windowOfRow } from './take-capacity.js';

type Pending = { -readonly [K in keyof Search['pending']]: Search['pending'][K][number][] };

/**
 * Turns what is described into what is named, before anything is locked: the counters are judged under their locks, and who was
 * outrun chooses anew. `tries` says how often; then any of the best few will do, or all who lost would meet again.
 * @throws Problem reference-not-found | validation-failed | capacity-exhausted
 */
export async function choose(
  tx: Tx,
  { caller, tries }: { caller: Caller; tries: number },
  parts: readonly Part[],
): Promise<readonly Part[]> {
  if (parts.every(({ operation }) => !isDescribed(operation))) return parts;
  await walk(tx);
  // What the transaction names or has chosen already is in no counter yet.
  const pending: Pending = { amounts: [], nodes: [], hosts: [] };
  for (const { operation } of parts)
    if (operation.op !== 'release') for (const item of operation.wanted) add(pending, item);
  const chosen: Part[] = [];
  for (const part of parts) {
    const { operation } = part;
    if (operation.op === 'replace' && operation.heals === true) {
      chosen.push(await elsewhere(tx, part, { tries, pending }));
      continue;
    }
    if (operation.op === 'release' || operation.places.length === 0) {
      chosen.push(part);
      continue;
    }
    const wanted = [...operation.wanted];
    await inOperation(part.index, async () => {
      const allowed = await allowedPlaces(tx, part.path);
      const sight = givingSight(part.scope.tenantId);
      const old = await replacedBy(tx, part);
      const window = windowed(part);
      for (const place of operation.places) {
        await expectReferences(tx, { asked: place.asked, at: place.at, caller, sight });
        pending.hosts.length = 0;
        for (let n = 0; n < place.count * place.ask.count; n += 1) {
          const beside = { ...pending, amounts: [...pending.amounts, ...old.gives] };
          const instead = old.instead === undefined ? {} : { instead: old.instead };
          const search = { ask: place.ask, sight, allowed, pending: beside, ...instead, ...window };
          const found = await listPlaces(tx, search, tries);
          const row = found[Math.floor(Math.random() * found.length)];
          if (row === undefined && n >= place.countMin * place.ask.count) {
            // A place of several nodes is given whole or not at all.
            const rest = n % place.ask.count;
            wanted.length -= rest;
            pending.nodes.length -= rest;
            break;
          }
          if (row === undefined) throw noPlace(place);
          for (const item of itemsOf(place, row, wanted.length)) {
            wanted.push(item);
            add(pending, item);
          }
          pending.hosts.push(row.host);
          old.keep(row.takers);
        }
      }
    });
    chosen.push({ ...part, operation: { ...operation, wanted } });
  }
  return chosen;
}

const isDescribed = (operation: Operation): boolean =>
  operation.op !== 'release' &&
  (operation.places.length > 0 || (operation.op === 'replace' && operation.heals === true));

/** What a replacement has: nobody else's, and rather kept than given back for the like of it. */
interface Old {
  readonly gives: Search['pending']['amounts'];
  /** What is not spoken for yet. */
  readonly instead: Search['instead'] | undefined;
  readonly keep: (takers: readonly string[]) => void;
}

/** @throws Problem version-mismatch */
async function replacedBy(tx: Tx, { operation, target }: Part): Promise<Old> {
  if (operation.op !== 'replace' || target === undefined)
    return { gives: [], instead: undefined, keep: () => undefined };
  // As it will be judged under the lock: whoever comes with an old version is told so, and not that there is no place.
  expectVersion(target, operation.version);
  const items = (await listItems(tx, [target.id])).filter(({ endedAt }) => endedAt === null);
  const held = new Set(items.flatMap(({ nodeId }) => nodeId ?? []));
  return {
    gives: givenBackBy(items),
    get instead() {
      return { allocationId: target.id, nodeIds: [...held].toSorted() };
    },
    keep: (takers: readonly string[]) => takers.forEach((id) => held.delete(id)),
  };
}

/** Amounts that are given back, for who searches in their place. */
export const givenBackBy = (items: readonly ItemRow[]): Search['pending']['amounts'] =>
  items.flatMap(({ what, nodeId, class: of, amount }) =>
    what === 'capacity' && nodeId !== null && of !== null ? [{ nodeId, class: of, amount: -amount }] : [],
  );

/** When it is wanted: as it is asked for, or as what it replaces has it; a hold may be confirmed, so it has no end. */
function windowed({ operation, target, window }: Part): Pick<Search, 'window'> {
  if (window !== undefined) return { window };
  if (operation.op !== 'replace' || target === undefined) return {};
  const { startsAt, endsAt } = { ...windowOfRow(target), ...operation.moves };
  return startsAt === null && endsAt === null ? {} : { window: { startsAt, endsAt } };
}

function add(pending: Pending, item: Wanted): void {
  if (item.what === 'node') pending.nodes.push(item.providerId);
  if (item.what === 'capacity')
    pending.amounts.push({ nodeId: item.providerId, class: item.class, amount: item.amount });
}

function itemsOf({ ask, ordinal: asked }: WantedPlace, { takers }: PlaceRow, from: number): Wanted[] {
  if (ask.kind !== undefined)
    return takers.map((providerId, n) => ({ what: 'node', providerId, ordinal: from + n, asked, chosen: true }));
  return needsOf(ask.units).map((need, n) => ({
    what: 'capacity',
    providerId: takers[n] as string,
    ...need,
    ordinal: from + n,
    asked,
    chosen: true,
  }));
}

/** None is left of what is described; why is told with the refusal (refusal/places.ts). */
function noPlace({ ask }: WantedPlace): Error {
  const [need] = needsOf(ask.units);
  return problem(
    'capacity-exhausted',
    { unit: need?.class ?? ask.kind ?? '', requested: need?.amount ?? 1, available: 0 },
    'No place is left for what is described.',
  );
}
