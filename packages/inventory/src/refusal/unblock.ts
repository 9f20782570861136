import type { Caller } from '@sentral/contracts/contract';
import { encodeId, type Id } from '@sentral/contracts/ids';
import type { Explanation, RefusalFilter } from '@sentral/contracts/inventory/refusal';
import type { Tx } from '@sentral/kernel/database';
import { seesAllocation } from '../reading.js';
import type { Draft, Relief } from './draft.js';
import { findFreedAt, listGiving, type Giving } from './pool-sql.js';
import { findCapacityFreedAt, listCapacityGiving, listSeenAllocations } from './sql.js';

/** A limit that a request goes over. */
export interface Excess {
  /** On the wire, and in the database. */
  readonly scopeId: string;
  readonly uuid: string;
  readonly dimension: string;
  readonly used: number;
  readonly limit: number;
  readonly requested: number;
  readonly operation: number;
}

type Hint = Explanation['unblock'][number];

/** Of how many items it is looked up what would help; each is a few statements. */
const itemsMax = 8;
/** Of how many holders at most a release is made up. */
const holdersMax = 20;

/** What would let the request through, as far as the caller may see. */
export async function unblocking(
  tx: Tx,
  caller: Caller,
  { blocked, excesses }: { blocked: readonly Draft[]; excesses: readonly Excess[] },
): Promise<Hint[]> {
  const hints: Hint[] = [];
  for (const { relief } of blocked.slice(0, itemsMax))
    if (relief !== undefined) hints.push(...(await relieving(tx, caller, relief.filter, relief.of)));
  for (const { scopeId, dimension, used, limit, requested } of excesses)
    hints.push({ type: 'quota', scopeId: scopeId as Id<'env'>, dimension, by: used + requested - limit });
  for (const { key, scopeId, binding } of policiesOf(blocked))
    hints.push({
      type: 'policy',
      key: key ?? '',
      scopeId: scopeId as Id<'env'>,
      ...(binding === undefined ? {} : { binding: binding as Id<'plb'> }),
    });
  return [...new Map(hints.map((hint) => [JSON.stringify(hint), hint])).values()];
}

const policiesOf = (blocked: readonly Draft[]) =>
  blocked.flatMap(({ candidates }) =>
    candidates.flatMap(({ fails }) => fails.filter(({ filter }) => filter === 'policy')),
  );

async function relieving(tx: Tx, caller: Caller, filter: RefusalFilter, of: Relief): Promise<Hint[]> {
  switch (of.from) {
    case 'holder': {
      const { allocationId, tenantId, projectId, scopeId, expiresAt } = of.holder;
      const seen =
        tenantId !== null && scopeId !== null && seesAllocation(caller, { tenantId, projectId, scopeId })
          ? allocationId
          : null;
      return [...release(filter, seen === null ? [] : [seen]), ...wait(filter, expiresAt ?? undefined)];
    }
    case 'children':
      return [...release(filter, await listSeenAllocations(tx, caller, of.allocationIds)), ...wait(filter, of.until)];
    case 'capacity': {
      const { key, amount, window } = of;
      const givers = await listCapacityGiving(tx, key, { caller, window, limit: holdersMax });
      // Of a window to come others begin as well as end: when it would fit is another question.
      const waits = window.startsAt === null;
      const at = waits ? await findCapacityFreedAt(tx, key, { amount, whose: of.seen ? 'anyone' : caller }) : undefined;
      return [...release(filter, enough(givers, amount)), ...wait(filter, at)];
    }
    case 'pool': {
      const { pool, count } = of;
      const givers = await listGiving(tx, pool, { caller, given: [], limit: holdersMax });
      const at = await findFreedAt(tx, pool, { given: [], count, whose: of.seen ? 'anyone' : caller });
      return [...release(filter, enough(givers, count)), ...wait(filter, at)];
    }
  }
}

const release = (filter: RefusalFilter, ids: readonly string[]): Hint[] =>
  ids.length === 0 ? [] : [{ type: 'release', filter, allocationIds: ids.map((id) => encodeId('alc', id)) }];

const wait = (filter: RefusalFilter, until: Date | undefined): Hint[] =>
  until === undefined ? [] : [{ type: 'wait', filter, until: until.toISOString() }];

/** The one that gives the least of what is enough; else as few as it takes, the largest first; none when all are too little. */
export function enough(givers: readonly Giving[], amount: number): readonly string[] {
  const one = givers.findLast((giver) => giver.amount >= amount);
  if (one !== undefined) return [one.allocationId];
  const ids: string[] = [];
  let sum = 0;
  for (const giver of givers) {
    ids.push(giver.allocationId);
    if ((sum += giver.amount) >= amount) return ids;
  }
  return [];
}
