import type { Caller } from '@sentral/contracts/contract';
import type { RefusalFilter } from '@sentral/contracts/inventory/refusal';
import type { Tx } from '@sentral/kernel/database';
import {
  contains,
  hostOf,
  placesOfLength,
  readNet,
  sizeOf,
  subtract,
  type Net,
  type Span,
} from '../address-block/net.js';
import { findAddressHolder, findBlock, findBlockHolder, judgeHost, type BlockRow } from '../allocation/address-sql.js';
import { findDomain, findNumberHolder, isInRange, type HolderRow } from '../allocation/number-sql.js';
import { dimensionOfAddress, dimensionOfBlock, dimensionOfNumber, isNext, type Wanted } from '../allocation/rules.js';
import { seenIds, sightOf, takingSight } from '../reading.js';
import { countedFor, type Draft } from './draft.js';
import { findPoolSize, findPoolUse, listFenced, listHeldHosts, type Pool, type PoolUse } from './pool-sql.js';
import type { Candidates, Shortfall } from './rules.js';

/** What values are judged by, and what of each pool earlier items of the request take. */
export interface Values {
  readonly tx: Tx;
  readonly caller: Caller;
  /** Items that the request gives back. */
  readonly given: readonly string[];
  readonly taken: Map<string, number>;
}

type Of<W extends Wanted['what']> = Extract<Wanted, { what: W }>;

const countMax = BigInt(Number.MAX_SAFE_INTEGER);
const counted = (size: bigint): number => Number(size < countMax ? size : countMax);

const held: readonly Shortfall[] = [{ filter: 'held' }];
const resting: readonly Shortfall[] = [{ filter: 'resting' }];

/** The candidates of "next free": what is free less what the request itself has taken by then. */
function freeOf(total: number, use: PoolUse, before: number): Candidates[] {
  const free = Math.max(0, total - use.held - use.resting);
  const left = Math.max(0, free - before);
  return [
    { count: left, fails: [] },
    { count: use.held + free - left, fails: held },
    { count: use.resting, fails: resting },
  ];
}

function stated(value: number | string, of: { gives: boolean; use: PoolUse; again: boolean; until?: Date | null }) {
  const at = of.until == null ? {} : { until: of.until.toISOString() };
  const fails: Shortfall[] = [
    ...(of.gives ? [] : [{ filter: 'value' } as const]),
    ...(of.use.held > 0 || of.again ? [{ filter: 'held', ...at } as const] : []),
    ...(of.use.resting > 0 ? [{ filter: 'resting' } as const] : []),
  ];
  return [{ count: 1, value, fails }] satisfies Candidates[];
}

/** Counts what is taken under a name, and tells what was before. */
function take({ taken }: Values, name: string, amount: number): number {
  const before = taken.get(name) ?? 0;
  taken.set(name, before + amount);
  return before;
}

const heldBy = (holder: HolderRow | undefined, use: PoolUse): Pick<Draft, 'relief'> =>
  use.held === 0 || holder?.allocationId == null ? {} : { relief: { filter: 'held', of: { from: 'holder', holder } } };

const fromPool = (pool: Pool, seen: boolean, { needed, candidates }: Draft): Pick<Draft, 'relief'> => {
  const free = candidates.find(({ fails }) => fails.length === 0)?.count ?? 0;
  if (free >= needed) return {};
  return { relief: { filter: 'held', of: { from: 'pool', pool, count: needed - free, seen } } };
};

const ofPool: readonly RefusalFilter[] = ['held', 'resting'];
const ofValue: readonly RefusalFilter[] = ['value', 'held', 'resting'];

export async function judgeNumbers(values: Values, draft: Draft, wanted: Of<'number'>): Promise<Draft> {
  const { tx, caller, given } = values;
  const domain = await findDomain(tx, takingSight(caller, draft.move.scope.tenantId), wanted.providerId);
  if (domain === undefined || !domain.pooled) return draft;
  const { rangeId } = wanted;
  const seen = (await seenIds(tx, sightOf(caller), { noun: 'numberDomain', ids: [domain.id] })).has(domain.id);
  const judged: Draft = { ...draft, dimension: dimensionOfNumber(domain.kind) };
  const pool: Pool = { of: 'number', domainId: domain.id, rangeId };
  if (wanted.number !== undefined) {
    const use = await findPoolUse(tx, { ...pool, value: wanted.number }, given);
    const holder = await findNumberHolder(tx, domain.id, wanted.number);
    const again = take(values, `number ${domain.id} ${wanted.number}`, 1) > 0;
    const gives = await isInRange(tx, pool, wanted.number);
    const candidates = stated(wanted.number, { gives, use, again, until: holder?.expiresAt ?? null });
    return { ...judged, filters: ofValue, candidates, ...heldBy(holder, use) };
  }
  const total = await findPoolSize(tx, domain.id, rangeId);
  const before = take(values, `number ${domain.id} ${rangeId ?? ''}`, draft.needed);
  const candidates = freeOf(total, await findPoolUse(tx, pool, given), before);
  const next = { ...judged, filters: ofPool, candidates };
  return { ...countedFor(seen, next), ...fromPool(pool, seen, next) };
}

async function homeOf({ tx, caller }: Values, draft: Draft, id: string) {
  const block = await findBlock(tx, takingSight(caller, draft.move.scope.tenantId), id);
  const net = block === undefined ? undefined : readNet(block.cidr);
  if (block === undefined || net === undefined) return undefined;
  const seen = (await seenIds(tx, sightOf(caller), { noun: 'addressBlock', ids: [id] })).has(id);
  return { block, net, seen };
}

/** What lies in a block, as spans. */
async function spansIn({ tx, given }: Values, block: BlockRow) {
  const { ranges, children } = await listFenced(tx, block);
  const rests = (child: (typeof children)[number]) =>
    child.resting || child.over || (child.itemId !== null && given.includes(child.itemId));
  // What the request gives back of a space without cool-down is free at once.
  const there = children.filter((child) => !rests(child) || child.resting || child.rest > 0);
  return {
    ranges: ranges.map(([first = '', last = '']): Span => [hostOf(first), hostOf(last)]),
    children: there.map((child) => ({ ...child, net: readNet(child.cidr) as Net, rests: rests(child) })),
  };
}

const spanOf = ({ first, last }: Net): Span => [first, last];

export async function judgeAddresses(values: Values, draft: Draft, wanted: Of<'address'>): Promise<Draft> {
  const { tx, given } = values;
  const home = await homeOf(values, draft, wanted.providerId);
  if (home === undefined) return draft;
  const { block, seen } = home;
  const judged: Draft = { ...draft, dimension: dimensionOfAddress(block.width) };
  const pool: Pool = { of: 'address', block };
  if (wanted.address !== undefined) {
    const use = await findPoolUse(tx, { ...pool, value: wanted.address }, given);
    const holder = await findAddressHolder(tx, block.spaceId, wanted.address);
    const again = take(values, `address ${block.spaceId} ${wanted.address}`, 1) > 0;
    const gives = (await judgeHost(tx, block, wanted.address)) === 'free';
    const candidates = stated(wanted.address, { gives, use, again, until: holder?.expiresAt ?? null });
    return { ...judged, filters: ofValue, candidates, ...heldBy(holder, use) };
  }
  const { ranges, children } = await spansIn(values, block);
  const fenced = [...ranges, ...children.filter(({ rests }) => !rests).map(({ net }) => spanOf(net))];
  const total = counted(sizeOf(subtract([hostOf(block.firstHost), hostOf(block.lastHost)], fenced)));
  const before = take(values, `address ${block.id}`, draft.needed);
  if (block.markUtilized) return countedFor(seen, utilized(judged, total));
  const next = { ...judged, filters: ofPool, candidates: freeOf(total, await findPoolUse(tx, pool, given), before) };
  return { ...countedFor(seen, next), ...fromPool(pool, seen, next) };
}

/** Marked as full by hand: nothing of it is given, whatever is free. */
const utilized = (draft: Draft, count: number): Draft => ({
  ...draft,
  filters: ['service'],
  candidates: [{ count, fails: [{ filter: 'service', state: 'markUtilized' }] }],
});

export async function judgeBlocks(values: Values, draft: Draft, wanted: Of<'block'>): Promise<Draft> {
  const { tx } = values;
  const home = await homeOf(values, draft, wanted.providerId);
  const length = wanted.length ?? Number(wanted.cidr?.split('/')[1]);
  if (home === undefined || length <= home.net.length || length > home.block.width) return draft;
  const { block, net, seen } = home;
  const judged: Draft = { ...draft, dimension: dimensionOfBlock(block.width) };
  const { ranges, children } = await spansIn(values, block);
  const hosts = (await listHeldHosts(tx, block)).map((row) => ({
    ...row,
    span: [hostOf(row.host), hostOf(row.host)] as Span,
  }));
  const spans = (rests: boolean): Span[] => [
    ...children.filter((child) => child.rests === rests).map((child) => spanOf(child.net)),
    ...hosts.filter((host) => host.resting === rests).map(({ span }) => span),
  ];
  const [live, rested] = [spans(false), spans(true)];
  const within = wanted.cidr === undefined ? net : (readNet(wanted.cidr) ?? net);
  const places = (taken: readonly Span[]): number => counted(placesOfLength(within, length, taken));
  const [all, given] = [places([]), contains(net, within) ? places(ranges) : 0];
  const free = given === 0 ? 0 : places([...ranges, ...live, ...rested]);
  const heldOnly = given === 0 ? 0 : places([...ranges, ...rested]) - free;
  const restingOnly = given === 0 ? 0 : places([...ranges, ...live]) - free;
  if (block.markUtilized) return countedFor(seen, utilized(judged, all));
  const before = isNext(wanted)
    ? take(values, `block ${block.id} ${length}`, draft.needed)
    : take(values, `block ${block.id} ${wanted.cidr}`, 1);
  const left = Math.max(0, free - before);
  const value = wanted.cidr === undefined ? {} : { value: wanted.cidr };
  const candidates: Candidates[] = [
    { count: left, fails: [], ...value },
    { count: heldOnly + free - left, fails: held, ...value },
    { count: restingOnly, fails: resting, ...value },
    { count: given - free - heldOnly - restingOnly, fails: [...held, ...resting], ...value },
    { count: all - given, fails: [{ filter: 'value' }], ...value },
  ];
  const next = { ...judged, filters: wanted.cidr === undefined ? ofPool : ofValue, candidates };
  const known = wanted.cidr === undefined ? countedFor(seen, next) : next;
  if (left >= draft.needed) return known;
  if (wanted.cidr !== undefined)
    return { ...known, ...heldBy(await findBlockHolder(tx, block.id, wanted.cidr), { held: heldOnly, resting: 0 }) };
  // One that is at least as large makes room for one.
  const making = children.filter((child) => !child.rests && child.net.length <= length && child.allocationId !== null);
  const until = making.flatMap((child) => (child.until === null ? [] : [child.until])).toSorted((a, b) => +a - +b)[0];
  const allocationIds = making.filter(({ rest }) => rest === 0).map((child) => child.allocationId as string);
  return draft.needed - left > 1
    ? known
    : {
        ...known,
        relief: { filter: 'held', of: { from: 'children', allocationIds, until: seen ? until : undefined } },
      };
}
