import type { Caller, Implements } from '../contract.js';
import { inventory } from '../inventory/index.js';
import { defaultEnvironmentId } from '../tenancy/index.js';
import { defaultScopes } from './inventory-allocation.js';
import { conformance, type Kit } from './kit.js';

type Inventory = Implements<typeof inventory>;
type Reshape = Parameters<Inventory['node']['reshape']>[1];
type Offers = Parameters<Inventory['capacity']['set']>[1]['capacities'];

const as = (kit: Kit, changes: Partial<Caller> = {}) => kit.caller({ scopes: defaultScopes, ...changes });

async function host(subject: Inventory, kit: Kit, capacities: Offers) {
  const node = await subject.node.register(as(kit), { kind: 'cluster', name: kit.name('host') });
  await subject.capacity.set(as(kit), { nodeId: node.id, capacities });
  return node.id;
}

const wish = (kit: Kit) => ({
  environmentId: defaultEnvironmentId,
  consumer: { service: 'conformance', kind: 'thing', id: kit.name('thing') },
});

/** What holds for amounts: what nodes offer, what is taken of it, and how holders change what they have. */
export const capacityCases = conformance(inventory, [
  {
    title: 'the base classes of capacity are there, each with what it counts as',
    async run(subject, kit) {
      const { items } = await subject.resourceClass.list(as(kit), {});
      const memory = items.find(({ key }) => key === 'memoryMib');
      kit.equals([memory?.unit, memory?.dimension], ['MiB', 'inventory.memoryMib'], 'memory is counted in MiB');
      kit.equals(await subject.resourceClass.get(as(kit), { key: 'memoryMib' }), memory, 'one is read as it is listed');
      await kit.refuses('not-found', subject.resourceClass.get(as(kit), { key: 'unicorns' }));
    },
  },
  {
    title: 'what a node offers is added, changed and taken away at the version that was read',
    async run(subject, kit) {
      const nodeId = await host(subject, kit, [{ class: 'vcpu', total: 10, heldBack: 2, overcommitPct: 150 }]);
      const { version, items } = await subject.capacity.list(as(kit), { nodeId });
      kit.equals([items[0]?.cap, items[0]?.free, items[0]?.version], [12, 12, version], 'the cap follows the total');
      const more = await subject.capacity.add(as(kit), { nodeId, version, capacity: { class: 'diskGib', total: 5 } });
      kit.equals([more.version, more.items.map((each) => each.class)], [version + 1, ['diskGib', 'vcpu']], 'one more');
      const late = subject.capacity.amend(as(kit), { nodeId, class: 'vcpu', version, patch: { total: 20 } });
      await kit.refuses('version-mismatch', late);
      const less = await subject.capacity.remove(as(kit), { nodeId, class: 'diskGib', version: more.version });
      kit.equals(less.items.length, 1, 'one less');
      await kit.refuses('not-found', subject.capacity.get(as(kit), { nodeId, class: 'diskGib' }));
    },
  },
  {
    title: 'an amount is given out of what is free, refused whole beyond it, and counts until it is given back',
    async run(subject, kit) {
      const nodeId = await host(subject, kit, [{ class: 'vcpu', total: 4, step: 2 }]);
      const take = (amount: number) =>
        subject.allocation.reserve(as(kit), {
          ...wish(kit),
          items: [{ what: 'capacity', nodeId, class: 'vcpu', amount }],
        });
      const held = await take(4);
      kit.equals([held.items[0]?.class, held.items[0]?.amount], ['vcpu', 4], 'the amount is told');
      await kit.refuses('capacity-exhausted', take(2));
      await kit.refuses('amount-not-allowed', take(3));
      const other = subject.allocation.reserve(as(kit), {
        ...wish(kit),
        items: [{ what: 'capacity', nodeId, class: 'watt', amount: 1 }],
      });
      await kit.refuses('class-not-offered', other);
      await kit.refuses('has-dependents', subject.capacity.remove(as(kit), { nodeId, class: 'vcpu' }));
      await subject.allocation.release(as(kit), { id: held.id });
      kit.equals((await subject.capacity.get(as(kit), { nodeId, class: 'vcpu' })).used, 0, 'all is free again');
    },
  },
  {
    title: 'a holder changes its set at its version, and several holders change theirs together or not at all',
    async run(subject, kit) {
      const nodeId = await host(subject, kit, [{ class: 'vcpu', total: 4 }]);
      const items = (amount: number) => [{ what: 'capacity' as const, nodeId, class: 'vcpu', amount }];
      const held = await subject.allocation.reserve(as(kit), { ...wish(kit), items: items(1) });
      const grown = await subject.allocation.replace(as(kit), { id: held.id, version: 1, items: items(3) });
      kit.equals([grown.version, grown.items.map((item) => item.amount)], [2, [3]], 'the new set counts');
      const late = subject.allocation.replace(as(kit), { id: held.id, version: 1, items: items(2) });
      await kit.refuses('version-mismatch', late);
      const both = (amount: number) =>
        subject.allocation.batch(as(kit), {
          operations: [
            { op: 'release', id: held.id, version: 2 },
            { op: 'create', ...wish(kit), items: items(amount) },
          ],
        });
      const refused = await kit.refuses('capacity-exhausted', both(5));
      kit.equals(refused.facts['operationIndex'], 1, 'the refusal says which operation it is about');
      const done = await both(4);
      kit.equals(
        done.items.map((each) => each.state),
        ['released', 'active'],
        'what one leaves another takes',
      );
    },
  },
  {
    title: 'an offer goes to another node with what is held of it, or nothing does',
    async run(subject, kit) {
      const from = await host(subject, kit, [{ class: 'vcpu', total: 4 }]);
      const to = await host(subject, kit, []);
      const holding = (nodeId: typeof from) => [{ what: 'capacity' as const, nodeId, class: 'vcpu', amount: 3 }];
      const held = await subject.allocation.reserve(as(kit), { ...wish(kit), items: holding(from) });
      const reshape = (version: number, allocations: Reshape['allocations']) =>
        subject.node.reshape(as(kit), {
          nodes: [
            { id: from, version, capacities: [] },
            { id: to, version: 1, capacities: [{ class: 'vcpu', total: 4 }] },
          ],
          allocations,
        });
      const moved = [{ id: held.id, version: 1, items: holding(to) }];
      await kit.refuses('has-dependents', reshape(2, []));
      await kit.refuses('version-mismatch', reshape(1, moved));
      await kit.refuses('version-mismatch', reshape(2, [{ id: held.id, version: 7, items: holding(to) }]));
      const done = await reshape(2, moved);
      kit.equals(
        [done.nodes.map(({ version }) => version), done.allocations[0]?.items[0]?.nodeId],
        [[3, 2], to],
        'the offer and the holder have gone together',
      );
      const { used } = await subject.capacity.get(as(kit), { nodeId: to, class: 'vcpu' });
      kit.equals(used, 3, 'it is counted where it lies');
    },
  },
]);
