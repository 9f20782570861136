import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { AllocationSelectingItem } from '@sentral/contracts/inventory/allocation';
import { isProblem, problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { findTenantOf } from '../projection/sql.js';
import { takingSight, type Sight } from '../reading.js';
import { findDomainsOfRanges } from './number-sql.js';
import { placesOf, thingsOf, type WantedPlace } from './place.js';
import { readItems, thingsMax, type Wanted } from './rules.js';
import { findAllocation } from './sql.js';
import { expectEnd, readWindow, type Window } from './window.js';

export type Reserve = Command<'allocation', 'reserve'>;

export interface Create {
  readonly op: 'create';
  readonly id: string;
  readonly requestId: string;
  readonly command: Reserve;
  readonly wanted: readonly Wanted[];
  readonly places: readonly WantedPlace[];
  readonly window: Window | undefined;
}
interface Replace {
  readonly op: 'replace';
  readonly id: string;
  readonly version: number | undefined;
  readonly wanted: readonly Wanted[];
  readonly places: readonly WantedPlace[];
  /** It keeps all that it holds. */
  readonly keeps: boolean;
  /** What of its window shall change; an end of null is for good. */
  readonly moves:
    | { readonly startsAt?: Date; readonly endsAt?: Date | null; readonly noticeSeconds?: number | null }
    | undefined;
  /** Not asked for: what it lost with a node that failed is looked for elsewhere (elsewhere.ts), and its scope and policies are not judged anew. */
  readonly heals?: true;
}
export interface Release {
  readonly op: 'release';
  readonly id: string;
  readonly version: number | undefined;
  readonly fence: number | undefined;
}

/** What a transaction does with one holder. */
export type Operation = Create | Replace | Release;

/** Ids are minted here, before the transaction: a retry is the same attempt. */
export async function toCreate(deps: Deps, caller: Caller, command: Reserve): Promise<Create> {
  const tenant = () => findTenantOf(deps.db.app, decodeId('env', command.environmentId));
  const window = readWindow(command);
  if (window !== undefined) refuseHolding(command);
  if (command.noticeSeconds !== undefined) expectEnd(window?.endsAt ?? null);
  const places = placesOf(command.items);
  const wanted = await wantedOf(deps, command.items, async () => takingSight(caller, await tenant()));
  expectFew(wanted, places);
  return {
    op: 'create',
    id: deps.newId(),
    requestId: command.requestId ?? encodeId('req', deps.newId()),
    command,
    wanted,
    places,
    window,
  };
}

/** @throws Problem validation-failed: a booking is firm, a hold runs out */
function refuseHolding({ ttlSeconds, maxTtlSeconds, hold }: Reserve): void {
  const field = ttlSeconds !== undefined ? 'ttlSeconds' : maxTtlSeconds !== undefined ? 'maxTtlSeconds' : undefined;
  if (field === undefined && hold === undefined) return;
  throw problem('validation-failed', {
    errors: [
      { pointer: `/${field ?? 'startsAt'}`, code: 'contradiction', message: 'what has a window is booked, not held' },
    ],
  });
}

export const toRelease = (command: {
  id: string;
  version?: number | undefined;
  fence?: number | undefined;
}): Release => ({ op: 'release', id: decodeId('alc', command.id), version: command.version, fence: command.fence });

/** Another set or another window instead of the old one; an empty set gives everything back. */
export async function toReplace(
  deps: Deps,
  caller: Caller,
  command: {
    id: string;
    version?: number | undefined;
    items?: readonly AllocationSelectingItem[] | undefined;
    startsAt?: string | undefined;
    endsAt?: string | null | undefined;
    noticeSeconds?: number | null | undefined;
  },
): Promise<Replace | Release> {
  const { items, startsAt, endsAt, noticeSeconds } = command;
  const moved = startsAt !== undefined || endsAt !== undefined || noticeSeconds !== undefined;
  if (items === undefined && !moved)
    throw problem('validation-failed', {
      errors: [{ pointer: '/items', code: 'required', message: 'name items, startsAt or endsAt' }],
    });
  if (items?.length === 0) return toRelease({ id: command.id, version: command.version });
  const id = decodeId('alc', command.id);
  const tenant = async () => (await findAllocation(deps.db.app, id))?.tenantId;
  const wanted = await wantedOf(deps, items ?? [], async () => takingSight(caller, await tenant()));
  const places = placesOf(items ?? []);
  expectFew(wanted, places);
  const moves = !moved
    ? undefined
    : {
        ...(startsAt === undefined ? {} : { startsAt: new Date(startsAt) }),
        ...(endsAt === undefined ? {} : { endsAt: endsAt === null ? null : new Date(endsAt) }),
        ...(noticeSeconds === undefined ? {} : { noticeSeconds }),
      };
  return { op: 'replace', id, version: command.version, wanted, places, keeps: items === undefined, moves };
}

/**
 * What may be given is asked as far as it is known before the transaction that decides.
 * @throws Problem validation-failed
 */
async function wantedOf(
  deps: Deps,
  items: readonly Reserve['items'][number][],
  sight: () => Promise<Sight>,
): Promise<readonly Wanted[]> {
  const rangeIds = items.flatMap((item) =>
    item.what === 'number' && item.rangeId !== undefined ? [decodeId('rng', item.rangeId)] : [],
  );
  const domains =
    rangeIds.length === 0 ? new Map<string, string>() : await findDomainsOfRanges(deps.db.app, await sight(), rangeIds);
  const read = readItems(items, (rangeId) => domains.get(rangeId));
  if ('faults' in read) throw problem('validation-failed', { errors: read.faults });
  return read.wanted;
}

/** @throws Problem validation-failed */
function expectFew(wanted: readonly Wanted[], places: readonly WantedPlace[]): void {
  if (places.reduce((sum, place) => sum + thingsOf(place), wanted.length) <= thingsMax) return;
  throw problem('validation-failed', {
    errors: [{ pointer: '/items', code: 'max_length', message: `must ask for at most ${thingsMax} things in all` }],
  });
}

/** In a batch a refusal says which operation it is about; alone there is nothing to tell. */
export async function inOperation<R>(index: number | undefined, work: () => R | Promise<R>): Promise<R> {
  if (index === undefined) return work();
  try {
    return await work();
  } catch (error) {
    if (!isProblem(error)) throw error;
    throw problem(error.code, { ...error.facts, operationIndex: index }, error.detail);
  }
}
