import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { Search } from '../placement/host-sql.js';
import { expectReferences } from '../placement/refer.js';
import { listPlaces, needsOf, type PlaceRow } from '../placement/sql.js';
import { givingSight } from '../reading.js';
import { elsewhere } from './elsewhere.js';
import { inOperation, type Operation } from './operation.js';
import type { Part } from './part.js';
import type { WantedPlace } from './place.js';
import { allowedPlaces } from './policy.js';
import type { Wanted } from './rules.js';

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
    if (operation.op !== 'create' || operation.places.length === 0) {
      chosen.push(part);
      continue;
    }
    const wanted = [...operation.wanted];
    await inOperation(part.index, async () => {
      const allowed = await allowedPlaces(tx, part.path);
      const sight = givingSight(part.scope.tenantId);
      for (const place of operation.places) {
        await expectReferences(tx, { asked: place.asked, at: place.at, caller, sight });
        pending.hosts.length = 0;
        for (let n = 0; n < place.count * place.ask.count; n += 1) {
          const search = { ask: place.ask, sight, allowed, pending, ...windowed(part) };
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
        }
      }
    });
    chosen.push({ ...part, operation: { ...operation, wanted } });
  }
  return chosen;
}

const isDescribed = (operation: Operation): boolean =>
  operation.op === 'create' ? operation.places.length > 0 : operation.op === 'replace' && operation.heals === true;

const windowed = ({ window }: Part): Pick<Search, 'window'> => (window === undefined ? {} : { window });

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
