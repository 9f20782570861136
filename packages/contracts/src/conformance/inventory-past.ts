import type { Implements } from '../contract.js';
import { inventory } from '../inventory/index.js';
import type { Node } from '../inventory/node.js';
import { as, want } from './inventory-allocation.js';
import { conformance, type Kit } from './kit.js';

type Inventory = Implements<typeof inventory>;

/** A change in another millisecond than the version before it: times are told to that. */
async function labelled(subject: Inventory, kit: Kit, before: Node): Promise<Node> {
  for (let n = 0; ; n += 1) {
    const after = await subject.node.amend(as(kit), { id: before.id, patch: { labels: { n: String(n) } } });
    if (after.updatedAt > before.updatedAt) return after;
  }
}

const future = () => new Date(Date.now() + 3_600_000).toISOString();

/** What holds for questions about what was, and about what fits. */
export const pastCases = conformance(inventory, [
  {
    title: 'as of the time that a version bears a read answers with that version, and with no other',
    async run(subject, kit) {
      const made = await subject.node.register(as(kit), { kind: 'site', name: kit.name('site') });
      const changed = await labelled(subject, kit, made);
      for (const version of [made, changed]) {
        const { rootId: _, ...was } = await subject.node.get(as(kit), { id: made.id, asOf: version.updatedAt });
        kit.equals(was, version, `version ${version.version}`);
        const { items } = await subject.node.list(as(kit), { name: made.name, asOf: version.updatedAt });
        kit.equals(items, [version], `the list as of version ${version.version}`);
      }
      const { items } = await subject.node.changes(as(kit), { id: made.id, from: made.updatedAt, types: ['node'] });
      kit.equals(
        items.map(({ id, change, changedFields }) => [id, change, changedFields]),
        [[made.id, 'changed', ['/labels']]],
        'what changed between them',
      );
    },
  },
  {
    title: 'the future is refused by name, and what was before the history is lost',
    async run(subject, kit) {
      const { id } = await subject.node.register(as(kit), { kind: 'site', name: kit.name('site') });
      await kit.refuses('invalid-parameter', subject.node.get(as(kit), { id, asOf: future() }));
      await kit.refuses('position-expired', subject.node.get(as(kit), { id, asOf: '2001-01-01T00:00:00Z' }));
      await kit.refuses('invalid-parameter', subject.node.changes(as(kit), { id, from: future() }));
      await kit.refuses('invalid-parameter', subject.allocation.list(as(kit), { asOf: future() }));
    },
  },
  {
    title: 'the earliest start of a request is the one that was asked for, or when what is in its way ends',
    async run(subject, kit) {
      const site = await subject.node.register(as(kit), { kind: 'site', name: kit.name('site') });
      const server = await subject.node.register(as(kit), { kind: 'server', name: kit.name('s'), parentId: site.id });
      const wanted = want(kit, [{ what: 'node', nodeId: server.id }]);
      const ask = { environmentId: wanted.environmentId, items: wanted.items };
      kit.equals((await subject.allocation.earliest(as(kit), ask)).asAsked, true, 'while it is free');
      await subject.allocation.reserve(as(kit), { ...wanted, endsAt: future() });
      const found = await subject.allocation.earliest(as(kit), ask);
      kit.equals([found.asAsked, found.startsAt > new Date().toISOString()], [false, true], 'while it is held');
    },
  },
]);
