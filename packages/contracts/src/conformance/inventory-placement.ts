import type { Caller, Implements } from '../contract.js';
import { inventory } from '../inventory/index.js';
import { defaultEnvironmentId } from '../tenancy/index.js';
import { defaultScopes } from './inventory-allocation.js';
import { conformance, type Kit } from './kit.js';

type Inventory = Implements<typeof inventory>;

const as = (kit: Kit, changes: Partial<Caller> = {}) => kit.caller({ scopes: defaultScopes, ...changes });
const keyOf = (kit: Kit, about: string) =>
  kit
    .name(about)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '');

async function ownClass(subject: Inventory, kit: Kit) {
  const key = keyOf(kit, 'class');
  await subject.resourceClass.create(as(kit), { key, title: 'Pieces', unit: 'piece' });
  return key;
}

/** What holds for places: what they are asked by, and how they are found and taken. */
export const placementCases = conformance(inventory, [
  {
    title: 'a trait is registered before a node has it, and ends when none has it any more',
    async run(subject, kit) {
      const key = keyOf(kit, 'trait');
      const server = (traits: string[]) => ({ kind: 'server', name: kit.name('server'), traits });
      const unknown = await kit.refuses('reference-not-found', subject.node.register(as(kit), server([key])));
      kit.equals(unknown.facts['pointer'], '/traits/0', 'which one is not known');
      const made = await subject.trait.register(as(kit), { key, title: 'Fast' });
      await kit.refuses('already-exists', subject.trait.register(as(kit), { key, title: 'Fast' }));
      const node = await subject.node.register(as(kit), server([key]));
      const amended = await subject.trait.amend(as(kit), { key, version: made.version, patch: { title: 'Faster' } });
      kit.equals([amended.title, amended.version], ['Faster', 2], 'said otherwise');
      await kit.refuses('version-mismatch', subject.trait.remove(as(kit), { key, version: 1 }));
      const used = await kit.refuses('has-dependents', subject.trait.remove(as(kit), { key, version: 2 }));
      kit.equals(used.facts['dependents'], [{ type: 'node', count: 1, ids: [node.id] }], 'who has it');
      await subject.node.amend(as(kit), { id: node.id, version: node.version, patch: { traits: [] } });
      await subject.trait.remove(as(kit), { key, version: 2 });
      await kit.refuses('not-found', subject.trait.get(as(kit), { key }));
      const { items } = await subject.trait.list(as(kit), { limit: 500 });
      kit.equals(
        items.some((each) => each.key === key),
        false,
        'nor is it listed',
      );
    },
  },
  {
    title: 'a class is made at runtime, offered and counted like the others, and kept while it means something',
    async run(subject, kit) {
      const key = await ownClass(subject, kit);
      await kit.refuses('already-exists', subject.resourceClass.create(as(kit), { key, title: 'T', unit: 'u' }));
      const made = await subject.resourceClass.amend(as(kit), { key, version: 1, patch: { unit: 'thing' } });
      kit.equals([made.unit, made.dimension], ['thing', `inventory.${key}`], 'what it counts as');
      const { id: nodeId } = await subject.node.register(as(kit), { kind: 'server', name: kit.name('server') });
      await subject.capacity.set(as(kit), { nodeId, capacities: [{ class: key, total: 2 }] });
      await kit.refuses('has-dependents', subject.resourceClass.remove(as(kit), { key }));
      await subject.capacity.set(as(kit), { nodeId, capacities: [] });
      await kit.refuses('version-mismatch', subject.resourceClass.remove(as(kit), { key, version: 1 }));
      await subject.resourceClass.remove(as(kit), { key, version: 2 });
      await kit.refuses('not-found', subject.resourceClass.get(as(kit), { key }));
    },
  },
  {
    title: 'a pool is nodes that are given out of together: it has what they have, and what shares serves the others',
    async run(subject, kit) {
      const [cpu, disk] = [await ownClass(subject, kit), keyOf(kit, 'disk')];
      await subject.resourceClass.create(as(kit), { key: disk, title: 'Disk', unit: 'GiB' });
      const node = async (of: string, total: number) => {
        const { id } = await subject.node.register(as(kit), { kind: 'server', name: kit.name('server') });
        await subject.capacity.set(as(kit), { nodeId: id, capacities: [{ class: of, total }] });
        return id;
      };
      const [host, shared] = [await node(cpu, 4), await node(disk, 100)];
      const name = kit.name('pool');
      const pool = await subject.pool.create(as(kit), { name, members: [{ nodeId: host }] });
      await kit.refuses('already-exists', subject.pool.create(as(kit), { name }));
      const wish = {
        environmentId: defaultEnvironmentId,
        resources: [
          { class: cpu, amount: 2 },
          { class: disk, amount: 10 },
        ],
      };
      const before = await subject.placement.candidates(as(kit), wish);
      kit.equals(before.candidates, [], 'a host without a disk is no place');
      kit.equals(before.waterfall?.at(-1), { filter: 'capacity', left: 0, lifted: 2 }, 'and it is told why');
      const members = [{ nodeId: host }, { nodeId: shared, shares: true }];
      const more = await subject.pool.amend(as(kit), { id: pool.id, version: 1, patch: { members } });
      kit.equals(more.members.length, 2, 'the members are these');
      await kit.refuses('has-dependents', subject.node.retire(as(kit), { id: shared }));
      const { candidates } = await subject.placement.candidates(as(kit), wish);
      kit.equals(
        candidates.map(({ hostId, items }) => [hostId, items.map((item) => item.nodeId)]),
        [[host, [host, shared]]],
        'now it is',
      );
      const taken = await subject.allocation.reserve(as(kit), {
        environmentId: defaultEnvironmentId,
        consumer: { service: 'conformance', kind: 'place', id: kit.name('place') },
        items: [{ what: 'place', resources: wish.resources }],
      });
      kit.equals(
        taken.items.map((item) => item.nodeId),
        [host, shared],
        'and it is taken',
      );
      const { items } = await subject.pool.capacity(as(kit), { id: pool.id });
      kit.equals(items.find((each) => each.class === cpu)?.free, 2, 'the pool has what is left');
      await kit.refuses('version-mismatch', subject.pool.remove(as(kit), { id: pool.id, version: 1 }));
      await subject.pool.remove(as(kit), { id: pool.id, version: 2 });
      await kit.refuses('not-found', subject.pool.get(as(kit), { id: pool.id }));
      const listed = await subject.pool.list(as(kit), { name });
      kit.equals(listed.items, [], 'it has ended');
    },
  },
  {
    title: 'places of which more would have to be enough than are asked for are refused by the field that says so',
    async run(subject, kit) {
      const key = await ownClass(subject, kit);
      const { id: nodeId } = await subject.node.register(as(kit), { kind: 'server', name: kit.name('server') });
      await subject.capacity.set(as(kit), { nodeId, capacities: [{ class: key, total: 8 }] });
      const named = { what: 'capacity' as const, nodeId, class: key, amount: 1 };
      const places = (more: object) => ({ what: 'place' as const, resources: [{ class: key, amount: 1 }], ...more });
      const consumer = () => ({ service: 'conformance', kind: 'place', id: kit.name('place') });
      const wanted = (more: object) => ({
        environmentId: defaultEnvironmentId,
        consumer: consumer(),
        items: [named, places(more)],
      });
      const faults = async (call: Promise<unknown>) => (await kit.refuses('validation-failed', call)).facts['errors'];
      const message = 'must be at most count';
      const fault = (at: string) => [{ pointer: `${at}/countMin`, code: 'out_of_bounds', message }];
      const reserve = (more: object) => subject.allocation.reserve(as(kit), wanted(more));
      kit.equals(await faults(reserve({ count: 2, countMin: 3 })), fault('/items/1'), 'more than are asked for');
      kit.equals(await faults(reserve({ countMin: 2 })), fault('/items/1'), 'nor more than the one that is meant');
      const held = await reserve({ count: 2, countMin: 2 });
      kit.equals(held.items.length, 3, 'as many may have to be');
      const items = [places({ count: 2, countMin: 3 })];
      const replaced = subject.allocation.replace(as(kit), { id: held.id, items });
      kit.equals(await faults(replaced), fault('/items/0'), 'nor where others are described in their place');
      const after = await subject.allocation.get(as(kit), { id: held.id });
      kit.equals([after.version, after.items], [held.version, held.items], 'it has what it had');
    },
  },
]);
