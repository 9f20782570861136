import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { QuotaDimension } from '@sentral/contracts/quota';
import type { Tx } from '@sentral/kernel/database';
import { recordBlockCreated } from './events.js';
import {
  findAddressHolder,
  findBlock,
  findBlockHolder,
  findFreeBlock,
  findNextHost,
  insertAddressHold,
  insertTakenBlock,
  judgeHost,
  type BlockRow,
} from './address-sql.js';
import { amendNodeFence, listNodeHolders, windowOfHolder, type NodeToTake } from './node-sql.js';
import { findDomain, findNextNumber, findNumberHolder, insertNumberHold, isInRange } from './number-sql.js';
import { seenIds, sightOf, type Sight } from '../reading.js';
import { asSeen, exhausted, taken, takenNode, unknownReference } from './refusals.js';
import {
  dimensionOfAddress,
  dimensionOfBlock,
  dimensionOfNode,
  dimensionOfNumber,
  judgeNode,
  type Wanted,
  type WantedCapacity,
} from './rules.js';
import { insertItem, type NewItem } from './sql.js';
import { overlap, withCleaning, type Window } from './window.js';

export interface Taker {
  readonly tx: Tx;
  readonly caller: Caller;
  /** What may be given to the environment. */
  readonly sight: Sight;
  readonly window: Window;
  readonly allocationId: string;
  readonly tenantId: string;
  readonly newId: () => string;
  /** Where the things of this operation begin among those of its allocation. */
  readonly firstOrdinal: number;
}

export type WantedThing = Exclude<Wanted, WantedCapacity>;

/** A recorded address or an import can slip in between the search and the key; so often it is tried again before it counts as full. */
const nextFreeTries = 8;

/**
 * Takes one item under the locks that reserve holds; the key or the exclusion of the thing has the last word.
 * @returns what one unit of it counts as
 * @throws Problem reference-not-found | state-conflict | allocation-conflict | capacity-exhausted
 */
export async function take(
  taker: Taker,
  wanted: WantedThing,
  nodes: ReadonlyMap<string, NodeToTake>,
): Promise<QuotaDimension> {
  const item: NewItem = {
    id: taker.newId(),
    allocationId: taker.allocationId,
    tenantId: taker.tenantId,
    ordinal: taker.firstOrdinal + wanted.ordinal,
    what: wanted.what,
  };
  if (wanted.what !== 'node' && taker.window.startsAt !== null) throw notAhead(wanted);
  switch (wanted.what) {
    case 'node': {
      const { nodeId, dimension, cleaningSeconds } = await takeNode(taker, wanted, nodes);
      await insertItem(taker.tx, { ...item, nodeId, dimension, cleaningSeconds });
      await amendNodeFence(taker.tx, wanted.providerId);
      return dimension;
    }
    case 'number':
      return takeNumber(taker, wanted, item);
    case 'address':
      return takeAddress(taker, wanted, item);
    case 'block':
      return takeBlock(taker, wanted, item);
  }
}

const notAhead = ({ asked, what }: WantedThing) =>
  problem('validation-failed', {
    errors: [{ pointer: `/items/${asked}/what`, code: 'unsupported', message: `a ${what} cannot be booked ahead` }],
  });

async function takeNode(
  { tx, caller, window }: Taker,
  wanted: WantedThing,
  nodes: ReadonlyMap<string, NodeToTake>,
): Promise<{ nodeId: string; dimension: QuotaDimension; cleaningSeconds: number }> {
  const node = nodes.get(wanted.providerId);
  if (node === undefined) throw unknownReference(wanted.asked, 'nodeId', 'node');
  const nodeId = encodeId('nod', node.id);
  const verdict = judgeNode(node, window);
  if (!verdict.ok) {
    throw problem('state-conflict', { nodeId, state: verdict.state, allowedStates: verdict.allowedStates });
  }
  const holders = await listNodeHolders(tx, [node.id]);
  const { cleaningSeconds } = node;
  const occupied = withCleaning(window, cleaningSeconds);
  const holder = holders.find((each) => overlap(occupied, windowOfHolder(each)));
  if (holder !== undefined) throw takenNode(caller, nodeId, holder);
  return { nodeId: node.id, dimension: dimensionOfNode(node.kind), cleaningSeconds };
}

async function takeNumber(taker: Taker, wanted: Wanted & { what: 'number' }, item: NewItem): Promise<QuotaDimension> {
  const domain = await findDomain(taker.tx, taker.sight, wanted.providerId);
  if (domain === undefined || !domain.pooled) throw unknownReference(wanted.asked, 'domainId', 'numberDomain');
  const domainId = encodeId('ndm', domain.id);
  const dimension = dimensionOfNumber(domain.kind);
  const among = { domainId: domain.id, rangeId: wanted.rangeId };
  const span = { allocationId: taker.allocationId, itemId: item.id };
  if (wanted.number !== undefined) {
    if (!(await isInRange(taker.tx, among, wanted.number))) {
      throw problem(
        'allocation-conflict',
        { requested: { domainId, number: wanted.number }, conflicts: [{ value: wanted.number }], retryable: false },
        'The number lies in no range of this domain.',
      );
    }
    if (!(await insertNumberHold(taker.tx, { domain, number: wanted.number, span }))) {
      throw taken(
        { domainId, number: wanted.number },
        wanted.number,
        asSeen(taker.caller, await findNumberHolder(taker.tx, domain.id, wanted.number)),
      );
    }
    await insertItem(taker.tx, { ...item, dimension, domainId: domain.id, number: wanted.number });
    return dimension;
  }
  for (let tries = 0; tries < nextFreeTries; tries++) {
    const number = await findNextNumber(taker.tx, among);
    if (number === undefined) break;
    if (!(await insertNumberHold(taker.tx, { domain, number, span }))) continue;
    await insertItem(taker.tx, { ...item, dimension, domainId: domain.id, number });
    return dimension;
  }
  throw exhausted(domainId, domain.kind);
}

async function takeAddress(taker: Taker, wanted: Wanted & { what: 'address' }, item: NewItem): Promise<QuotaDimension> {
  const block = await blockOf(taker, wanted);
  const blockId = encodeId('blk', block.id);
  const span = { allocationId: taker.allocationId, itemId: item.id };
  const { spaceId } = block;
  const dimension = dimensionOfAddress(block.width);
  if (wanted.address !== undefined) {
    const verdict = await judgeHost(taker.tx, block, wanted.address);
    const requested = { blockId, address: wanted.address };
    if (verdict !== 'free') {
      throw problem(
        'allocation-conflict',
        { requested, conflicts: [{ value: wanted.address, reason: verdict }], retryable: false },
        whyNot[verdict],
      );
    }
    if (!(await insertAddressHold(taker.tx, { spaceId, host: wanted.address, span }))) {
      const holder = await findAddressHolder(taker.tx, spaceId, wanted.address);
      throw taken(requested, wanted.address, asSeen(taker.caller, holder));
    }
    await insertItem(taker.tx, { ...item, dimension, spaceId, blockId: block.id, address: wanted.address });
    return dimension;
  }
  for (let tries = 0; tries < nextFreeTries && !block.markUtilized; tries++) {
    const host = await findNextHost(taker.tx, block);
    if (host === undefined) break;
    if (!(await insertAddressHold(taker.tx, { spaceId, host, span }))) continue;
    await insertItem(taker.tx, { ...item, dimension, spaceId, blockId: block.id, address: host });
    return dimension;
  }
  throw exhausted(blockId, 'address');
}

const whyNot = {
  outside: 'The address is not one of those that this block gives (network, broadcast, or not in it).',
  in_range: 'The address lies in a range that is kept out.',
  in_child_block: 'The address lies in a block of its own; ask that block.',
} as const;

async function takeBlock(taker: Taker, wanted: Wanted & { what: 'block' }, item: NewItem): Promise<QuotaDimension> {
  const parent = await blockOf(taker, wanted);
  const parentId = encodeId('blk', parent.id);
  const length = wanted.length ?? Number(wanted.cidr?.split('/')[1]);
  if (length <= parent.length || length > parent.width) {
    const pointer = `/items/${wanted.asked}/${wanted.cidr === undefined ? 'prefixLength' : 'cidr'}`;
    throw problem('validation-failed', {
      errors: [
        {
          pointer,
          code: 'out_of_bounds',
          message: `must be longer than /${parent.length} of its parent and at most /${parent.width}`,
        },
      ],
    });
  }
  const cidr = parent.markUtilized
    ? undefined
    : await findFreeBlock(taker.tx, parent, { length, cidr: wanted.cidr ?? null });
  if (cidr === undefined) {
    if (wanted.cidr === undefined) throw exhausted(parentId, `block /${length}`);
    const holder = asSeen(taker.caller, await findBlockHolder(taker.tx, parent.id, wanted.cidr));
    throw taken({ blockId: parentId, cidr: wanted.cidr }, (await seenCidr(taker, holder)) ?? wanted.cidr, holder);
  }
  const block = { id: taker.newId(), parent, cidr, tenantId: taker.tenantId };
  await insertTakenBlock(taker.tx, block);
  await recordBlockCreated(taker.tx, block, taker.caller);
  const dimension = dimensionOfBlock(parent.width);
  await insertItem(taker.tx, {
    ...item,
    dimension,
    spaceId: parent.spaceId,
    blockId: parent.id,
    takenBlockId: block.id,
  });
  return dimension;
}

/** Which prefix is in the way, to who sees what holds it or the prefix itself. */
async function seenCidr({ tx, caller }: Taker, holder: Awaited<ReturnType<typeof findBlockHolder>>) {
  if (holder === undefined || holder.consumerId !== null) return holder?.cidr;
  const seen = await seenIds(tx, sightOf(caller), { noun: 'addressBlock', ids: [holder.blockId] });
  return seen.has(holder.blockId) ? holder.cidr : undefined;
}

async function blockOf({ tx, sight }: Taker, wanted: WantedThing): Promise<BlockRow> {
  const block = await findBlock(tx, sight, wanted.providerId);
  if (block === undefined) throw unknownReference(wanted.asked, 'blockId', 'addressBlock');
  return block;
}
