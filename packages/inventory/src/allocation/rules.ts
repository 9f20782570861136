import type { Caller } from '@sentral/contracts/contract';
import type { AllocationSelectingItem } from '@sentral/contracts/inventory/allocation';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { QuotaDimension } from '@sentral/contracts/quota';
import type { AllocationRow } from './sql.js';
import { forGood, type Window } from './window.js';

/** An amount of a class at a node. */
export interface WantedCapacity {
  readonly what: 'capacity';
  readonly providerId: string;
  readonly class: string;
  readonly amount: number;
  readonly ordinal: number;
  readonly asked: number;
  readonly chosen?: boolean;
}

/** One thing to take, with its provider: the thing whose takers stand in line. */
export type Wanted =
  | WantedCapacity
  | {
      readonly what: 'node';
      readonly providerId: string;
      readonly ordinal: number;
      readonly asked: number;
      /** Not named but chosen a moment before the locks. */
      readonly chosen?: boolean;
    }
  | {
      readonly what: 'number';
      readonly providerId: string;
      readonly ordinal: number;
      readonly asked: number;
      readonly number: number | undefined;
      readonly rangeId: string | null;
    }
  | {
      readonly what: 'address';
      readonly providerId: string;
      readonly ordinal: number;
      readonly asked: number;
      readonly address: string | undefined;
    }
  | {
      readonly what: 'block';
      readonly providerId: string;
      readonly ordinal: number;
      readonly asked: number;
      readonly length: number | undefined;
      readonly cidr: string | undefined;
    };

/** Where in the request something is wrong. */
export interface ItemFault {
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
}

/** How many things one allocation may hold. */
export const thingsMax = 256;

/**
 * Reads items into single things, ids as the database has them; `count` becomes that many.
 * `domainOf` tells the domain of a range, as read before the transaction: it never changes.
 */
export function readItems(
  items: readonly AllocationSelectingItem[],
  domainOf: (rangeId: string) => string | undefined,
): { readonly wanted: readonly Wanted[] } | { readonly faults: readonly ItemFault[] } {
  const faults: ItemFault[] = [];
  const wanted: Wanted[] = [];
  const add = (times: number, thing: (ordinal: number) => Wanted) => {
    for (let i = 0; i < times; i++) wanted.push(thing(wanted.length));
  };
  for (const [asked, item] of items.entries()) {
    const fault = (field: string, code: string, message: string) =>
      faults.push({ pointer: `/items/${asked}/${field}`, code, message });
    const stated = statedField(item);
    if (stated !== undefined && 'count' in item && item.count > 1)
      fault('count', 'contradiction', `must be 1 when ${stated} is stated`);
    switch (item.what) {
      case 'place':
        break;
      case 'node':
        add(1, (ordinal) => ({ what: 'node', providerId: decodeId('nod', item.nodeId), ordinal, asked }));
        break;
      case 'capacity':
        add(1, (ordinal) => ({
          what: 'capacity',
          providerId: decodeId('nod', item.nodeId),
          class: item.class,
          amount: item.amount,
          ordinal,
          asked,
        }));
        break;
      case 'number': {
        const rangeId = item.rangeId === undefined ? null : decodeId('rng', item.rangeId);
        const ofRange = rangeId === null ? undefined : domainOf(rangeId);
        const domainId = item.domainId === undefined ? ofRange : decodeId('ndm', item.domainId);
        if (item.domainId === undefined && rangeId === null)
          fault('domainId', 'required', 'name a domainId or a rangeId');
        else if (domainId === undefined) fault('rangeId', 'unknown', 'no such range');
        else if (ofRange !== undefined && ofRange !== domainId)
          fault('rangeId', 'contradiction', 'is a range of another domain');
        else
          add(item.count, (ordinal) => ({
            what: 'number',
            providerId: domainId,
            ordinal,
            asked,
            number: item.number,
            rangeId,
          }));
        break;
      }
      case 'address':
        add(item.count, (ordinal) => ({
          what: 'address',
          providerId: decodeId('blk', item.blockId),
          ordinal,
          asked,
          address: item.address,
        }));
        break;
      case 'block':
        if ((item.prefixLength === undefined) === (item.cidr === undefined))
          fault('prefixLength', 'contradiction', 'name either prefixLength or cidr');
        add(item.count, (ordinal) => ({
          what: 'block',
          providerId: decodeId('blk', item.blockId),
          ordinal,
          asked,
          length: item.prefixLength,
          cidr: item.cidr,
        }));
        break;
    }
  }
  if (wanted.length > thingsMax)
    faults.push({ pointer: '/items', code: 'max_length', message: `must ask for at most ${thingsMax} things in all` });
  return faults.length > 0 ? { faults } : { wanted };
}

function statedField(item: AllocationSelectingItem): string | undefined {
  if (item.what === 'number' && item.number !== undefined) return 'number';
  if (item.what === 'address' && item.address !== undefined) return 'address';
  return item.what === 'block' && item.cidr !== undefined ? 'cidr' : undefined;
}

const rank = { capacity: 0, node: 1, number: 2, block: 3, address: 4 } as const;

/**
 * The order in which a request takes: kinds in a fixed order, things by id, stated values before "next free" of the same
 * thing (or the next free could be the stated one), then as asked. Never the request's own order: two requests that name
 * the same things in opposite order must not wait for each other.
 */
export const byTaking = (a: Wanted, b: Wanted): number =>
  rank[a.what] - rank[b.what] ||
  compare(a.providerId, b.providerId) ||
  Number(isNext(a)) - Number(isNext(b)) ||
  a.ordinal - b.ordinal;

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Whether any free one will do. */
export function isNext(item: Wanted): boolean {
  if (item.what === 'number') return item.number === undefined;
  if (item.what === 'address') return item.address === undefined;
  return item.what === 'block' && item.cidr === undefined;
}

type NodeVerdict = { ok: true } | { ok: false; state: string; allowedStates: readonly string[] };

/** May this node be given whole in this window, and if not, by which rule. */
export function judgeNode(
  node: { state: string; intent: string; allocMode: string },
  window: Window = forGood,
): NodeVerdict {
  if (node.allocMode !== 'exclusive')
    return { ok: false, state: `allocMode ${node.allocMode}`, allowedStates: ['allocMode exclusive'] };
  return judgeProvider(node, window);
}

/** A node that is being made ready for the next holder may be booked, and not be taken. */
const bookable = ['available', 'releasing', 'scrubbing'];

/** May anything of this node be given out in this window, and if not, by which rule. */
export function judgeProvider(node: { state: string; intent: string }, window: Window = forGood): NodeVerdict {
  if (node.intent !== 'in_service') return { ok: false, state: node.intent, allowedStates: ['in_service'] };
  const allowedStates = window.startsAt === null ? ['available'] : bookable;
  if (!allowedStates.includes(node.state)) return { ok: false, state: node.state, allowedStates };
  return { ok: true };
}

/**
 * What a task holds is changed by its steps and by loops, until it is active or given back.
 * @throws Problem state-conflict
 */
export function expectUnbound(caller: Caller, row: Pick<AllocationRow, 'state' | 'boundTaskId'>): void {
  if (row.state !== 'held' || row.boundTaskId === null || caller.principal.type === 'system') return;
  throw problem(
    'state-conflict',
    { state: 'bound', allowedStates: ['held', 'active'] },
    `It is held for ${encodeId('tsk', row.boundTaskId)}: cancel the task to give it back.`,
  );
}

/** What a state allows next: confirm and renew want a live hold, release wants anything live. */
export function judgeStep(
  row: Pick<AllocationRow, 'state' | 'overdue'>,
  allowed: readonly AllocationRow['state'][],
): 'ok' | 'lease-expired' | 'state-conflict' {
  // Who may step on from every state judges the ended ones itself.
  if (allowed.includes('expired')) return 'ok';
  if (row.state === 'expired' || row.overdue) return 'lease-expired';
  return allowed.includes(row.state) ? 'ok' : 'state-conflict';
}

/** What one exclusive node counts as. */
export const dimensionOfNode = (kind: string): QuotaDimension =>
  kind === 'server' || kind === 'machine' ? 'inventory.server' : 'inventory.device';

export const dimensionOfNumber = (domainKind: string): QuotaDimension =>
  domainKind === 'vlan' ? 'inventory.vlan' : 'inventory.number';

/** By the width of the family in bits. */
export const dimensionOfAddress = (width: number): QuotaDimension =>
  width === 32 ? 'inventory.ipv4' : 'inventory.ipv6';

export const dimensionOfBlock = (width: number): QuotaDimension =>
  width === 32 ? 'inventory.ipv4Block' : 'inventory.ipv6Block';
