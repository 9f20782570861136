import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId, type Id } from '@sentral/contracts/ids';
import type { Explanation } from '@sentral/contracts/inventory/refusal';
import { isProblem } from '@sentral/contracts/problem';
import { defaultProjectId } from '@sentral/contracts/tenancy';
import { newId } from '@sentral/kernel/id';
import { expect } from 'vitest';
import type { Item, Outcome, Stand } from './stand.js';

/** What is in the way of a request, as one filter says, and how it is lifted. */
interface Situation {
  readonly filter: string;
  readonly code: string;
  readonly make: () => Promise<{ items: Item[]; lift: () => unknown; item?: object; unblock?: object[] }>;
}

/** How the tests of refusals ask. The stand is there when the first of them runs. */
export function asking(stand: () => Stand) {
  const amount = (nodeId: Id<'nod'>, of: number, what = 'vcpu'): Item => ({
    what: 'capacity',
    nodeId,
    class: what,
    amount: of,
  });
  /** Each principal of its own: ten a second are explained. */
  const someone = (changes: Partial<Caller> = {}): Caller => ({
    ...stand().caller,
    principal: { id: `usr-${newId()}`, type: 'user' },
    ...changes,
  });
  const dry = (items: Item[]) => stand().ask(items, {}, someone({ dryRun: true }));
  const explanationOf = (outcome: Outcome): Explanation => {
    if (!isProblem(outcome)) throw new Error('it was not refused');
    return outcome.facts['explanation'] as Explanation;
  };

  /** Changes a scope of the caller's path, as tenancy would tell. */
  async function rescope(id: string, change: object): Promise<void> {
    stand().caller.scopes = stand().caller.scopes.map((scope) =>
      scope.id === id ? { ...scope, ...change, version: scope.version + 1 } : scope,
    );
    await stand().inventory.projection.apply(stand().caller, {});
  }

  async function vlans(start: number, end: number, coolDownSeconds = 0) {
    const domain = await stand().inventory.numberDomain.create(stand().caller, {
      name: newId(),
      kind: 'vlan',
      coolDownSeconds,
    });
    await stand().inventory.numberRange.create(stand().caller, { domainId: domain.id, start, end });
    return domain.id;
  }
  async function prefix(cidr: string, coolDownSeconds = 0) {
    const space = await stand().inventory.addressSpace.create(stand().caller, { name: newId(), coolDownSeconds });
    return stand().inventory.addressBlock.create(stand().caller, { spaceId: space.id, cidr, isPool: true });
  }
  const release = (held: { id: Id<'alc'> }) => stand().inventory.allocation.release(stand().caller, { id: held.id });
  const amend = (nodeId: Id<'nod'>, patch: object) =>
    stand().inventory.capacity.amend(stand().caller, { nodeId, class: 'vcpu', patch });
  const rested = (text: string) =>
    stand()
      .admin.unsafe(text)
      .then(() => undefined);
  return { amount, someone, dry, explanationOf, rescope, vlans, prefix, release, amend, rested };
}

/** One situation for each filter: each takes a stand as it is and leaves nothing in the way of the others. */
export function situationsOf(stand: () => Stand): Record<string, Situation> {
  const { amount, rescope, vlans, prefix, release, amend, rested } = asking(stand);
  return {
    'a class that the node does not offer': {
      filter: 'class',
      code: 'class-not-offered',
      make: async () => {
        const host = await stand().host([{ class: 'vcpu', total: 4 }]);
        return {
          items: [amount(host, 1, 'diskGib')],
          lift: () =>
            stand().inventory.capacity.add(stand().caller, { nodeId: host, capacity: { class: 'diskGib', total: 1 } }),
          item: { waterfall: [{ filter: 'class', remaining: 0 }, {}, {}, {}, {}] },
          unblock: [],
        };
      },
    },
    'an amount between two steps': {
      filter: 'unit',
      code: 'amount-not-allowed',
      make: async () => {
        const host = await stand().host([{ class: 'vcpu', total: 40, step: 10, minUnit: 10 }]);
        return {
          items: [amount(host, 15)],
          lift: () => amend(host, { step: 5 }),
          item: {
            nearestMisses: [{ providerId: host, fails: [{ filter: 'unit', rule: 'step', bound: 10, requested: 15 }] }],
          },
        };
      },
    },
    'a node that is drained': {
      filter: 'service',
      code: 'state-conflict',
      make: async () => {
        const host = await stand().host([{ class: 'vcpu', total: 4 }]);
        const intent = (to: 'drain' | 'in_service') =>
          stand().inventory.node.amend(stand().caller, { id: host, patch: { intent: to } });
        await intent('drain');
        return {
          items: [amount(host, 1)],
          lift: () => intent('in_service'),
          item: { nearestMisses: [{ fails: [{ filter: 'service', state: 'drain', allowedStates: ['in_service'] }] }] },
        };
      },
    },
    'an amount of what is used up': {
      filter: 'capacity',
      code: 'capacity-exhausted',
      make: async () => {
        const host = await stand().host([{ class: 'vcpu', total: 10 }]);
        const [few, many] = [await stand().take([amount(host, 3)]), await stand().take([amount(host, 5)])];
        return {
          items: [amount(host, 4)],
          lift: () => release(few),
          item: {
            candidates: 1,
            needed: 1,
            waterfall: [
              ...['class', 'unit', 'service', 'held'].map((filter) => ({ filter, remaining: 1 })),
              ...['capacity', 'policy', 'quota'].map((filter) => ({ filter, remaining: 0 })),
            ],
            soleBlockers: [{ filter: 'capacity', passing: 1 }],
            nearestMisses: [{ providerId: host, fails: [{ filter: 'capacity', requested: 4, available: 2 }] }],
          },
          // The one that gives the least of what is enough.
          unblock: [{ type: 'release', filter: 'capacity', allocationIds: [many === few ? '' : few.id] }],
        };
      },
    },
    'a server that somebody has': {
      filter: 'held',
      code: 'allocation-conflict',
      make: async () => {
        const nodeId = await stand().host([], 'server');
        const held = await stand().take([{ what: 'node', nodeId }], { ttlSeconds: 600 });
        return {
          items: [{ what: 'node', nodeId }],
          lift: () => release(held),
          unblock: [
            { type: 'release', filter: 'held', allocationIds: [held.id] },
            { type: 'wait', filter: 'held', until: held.expiresAt },
          ],
        };
      },
    },
    'a server whole while a part of it is in use': {
      filter: 'held',
      code: 'allocation-conflict',
      make: async () => {
        const nodeId = await stand().host([{ class: 'vcpu', total: 4 }], 'server');
        const held = await stand().take([amount(nodeId, 1)]);
        return { items: [{ what: 'node', nodeId }], lift: () => release(held) };
      },
    },
    'a part of a server that somebody has': {
      filter: 'held',
      code: 'allocation-conflict',
      make: async () => {
        const nodeId = await stand().host([{ class: 'vcpu', total: 4 }], 'server');
        const held = await stand().take([{ what: 'node', nodeId }]);
        return { items: [amount(nodeId, 1)], lift: () => release(held) };
      },
    },
    'three numbers of ten with eight taken': {
      filter: 'held',
      code: 'capacity-exhausted',
      make: async () => {
        const domainId = await vlans(1, 10);
        await stand().take([{ what: 'number', domainId, count: 7 }]);
        const last = await stand().take([{ what: 'number', domainId }], { ttlSeconds: 600 });
        return {
          items: [{ what: 'number', domainId, count: 3 }],
          lift: () => release(last),
          item: {
            candidates: 10,
            needed: 3,
            waterfall: ['held', 'resting', 'policy', 'quota'].map((filter) => ({ filter, remaining: 2 })),
            soleBlockers: [{ filter: 'held', passing: 10 }],
          },
          unblock: [
            { type: 'release', filter: 'held', allocationIds: [last.id] },
            { type: 'wait', filter: 'held', until: last.expiresAt },
          ],
        };
      },
    },
    'a number while it rests': {
      filter: 'resting',
      code: 'allocation-conflict',
      make: async () => {
        const domainId = await vlans(1, 1, 600);
        await release(await stand().take([{ what: 'number', domainId }]));
        const id = decodeId('ndm', domainId);
        return {
          items: [{ what: 'number', domainId, number: 1 }],
          lift: () =>
            rested(`update inventory.number_hold set free_at = now() - interval '1 second' where domain_id = '${id}'`),
        };
      },
    },
    'the next number while all rest': {
      filter: 'resting',
      code: 'capacity-exhausted',
      make: async () => {
        const domainId = await vlans(1, 2, 600);
        await release(await stand().take([{ what: 'number', domainId, count: 2 }]));
        const id = decodeId('ndm', domainId);
        return {
          items: [{ what: 'number', domainId }],
          lift: () =>
            rested(`update inventory.number_hold set free_at = now() - interval '1 second' where domain_id = '${id}'`),
          item: { waterfall: [{ filter: 'held', remaining: 2 }, { filter: 'resting', remaining: 0 }, {}, {}] },
          unblock: [{ type: 'wait', until: expect.any(String) }],
        };
      },
    },
    'a number outside the ranges': {
      filter: 'value',
      code: 'allocation-conflict',
      make: async () => {
        const domainId = await vlans(1, 2);
        return {
          items: [{ what: 'number', domainId, number: 3 }],
          lift: () => stand().inventory.numberRange.create(stand().caller, { domainId, start: 3, end: 4 }),
        };
      },
    },
    'two addresses of four with three recorded': {
      filter: 'held',
      code: 'capacity-exhausted',
      make: async () => {
        const block = await prefix('10.70.0.0/30');
        const { spaceId } = block;
        const recorded: { id: Id<'adr'> }[] = [];
        for (const address of ['10.70.0.0', '10.70.0.1', '10.70.0.2'])
          recorded.push(await stand().inventory.address.record(stand().caller, { spaceId, address }));
        return {
          items: [{ what: 'address', blockId: block.id, count: 2 }],
          lift: () => stand().inventory.address.remove(stand().caller, { id: recorded[0]!.id }),
          item: { candidates: 4, needed: 2, soleBlockers: [{ filter: 'held', passing: 4 }] },
          unblock: [],
        };
      },
    },
    'a stated address that somebody has': {
      filter: 'held',
      code: 'allocation-conflict',
      make: async () => {
        const block = await prefix('10.71.0.0/30');
        const held = await stand().take([{ what: 'address', blockId: block.id, address: '10.71.0.2' }]);
        return {
          items: [{ what: 'address', blockId: block.id, address: '10.71.0.2' }],
          lift: () => release(held),
          item: { nearestMisses: [{ value: '10.71.0.2', fails: [{ filter: 'held' }] }] },
          unblock: [{ type: 'release', filter: 'held', allocationIds: [held.id] }],
        };
      },
    },
    'a block where no place is left': {
      filter: 'held',
      code: 'capacity-exhausted',
      make: async () => {
        const block = await prefix('10.72.0.0/29');
        const held = await stand().take([{ what: 'block', blockId: block.id, prefixLength: 30 }]);
        await stand().take([{ what: 'address', blockId: block.id, address: '10.72.0.5' }]);
        return {
          items: [{ what: 'block', blockId: block.id, prefixLength: 30 }],
          lift: () => release(held),
          item: { candidates: 2, soleBlockers: [{ filter: 'held', passing: 2 }] },
          unblock: [{ type: 'release', filter: 'held', allocationIds: [held.id] }],
        };
      },
    },
    'a block that rests': {
      filter: 'resting',
      code: 'allocation-conflict',
      make: async () => {
        const block = await prefix('10.73.0.0/29', 600);
        const items: Item[] = [{ what: 'block', blockId: block.id, cidr: '10.73.0.4/30' }];
        await release(await stand().take(items));
        const id = decodeId('blk', block.id);
        return {
          items,
          lift: () =>
            rested(`do $$ begin perform set_config('session_replication_role', 'replica', true);
              update inventory.address_block set reusable_at = now() - interval '1 second' where parent_id = '${id}'; end $$`),
        };
      },
    },
    'a label that a policy wants': {
      filter: 'policy',
      code: 'policy-violation',
      make: async () => {
        const host = await stand().host([{ class: 'vcpu', total: 4 }]);
        const binding = encodeId('plb', newId());
        const bound = {
          id: binding,
          key: 'inventory.requiredLabels',
          value: ['team'],
          lock: 'override',
          mode: 'enforce',
        };
        await rescope(defaultProjectId, { policyBindings: [bound] });
        return {
          items: [amount(host, 1)],
          lift: () => rescope(defaultProjectId, { policyBindings: [] }),
          unblock: [{ type: 'policy', scopeId: defaultProjectId, key: 'inventory.requiredLabels', binding }],
        };
      },
    },
    'a limit of the project': {
      filter: 'quota',
      code: 'quota-exceeded',
      make: async () => {
        const host = await stand().host([{ class: 'milliGpu', total: 10 }]);
        const limit = (of: number) =>
          rescope(defaultProjectId, { limits: [{ dimension: 'inventory.milliGpu', limit: of }] });
        await limit(3);
        return {
          items: [amount(host, 5, 'milliGpu')],
          lift: () => limit(5),
          unblock: [{ type: 'quota', scopeId: defaultProjectId, dimension: 'inventory.milliGpu', by: 2 }],
        };
      },
    },
  };
}
