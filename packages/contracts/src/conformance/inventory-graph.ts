import { inventory } from '../inventory/index.js';
import type { Implements } from '../contract.js';
import { conformance, type Kit } from './kit.js';

type Inventory = Implements<typeof inventory>;

async function rackWithServers(subject: Inventory, kit: Kit) {
  const site = await subject.node.register(kit.caller(), { kind: 'site', name: kit.name('site') });
  const rack = await subject.node.register(kit.caller(), {
    kind: 'rack',
    name: kit.name('rack'),
    parentId: site.id,
    attributes: { heightUnits: 4 },
  });
  const [a, b] = await Promise.all(
    ['a', 'b'].map((name) =>
      subject.node.register(kit.caller(), { kind: 'server', name: kit.name(name), parentId: rack.id }),
    ),
  );
  if (a === undefined || b === undefined) throw new Error('two servers');
  const port = (server: { id: string }, name: string) =>
    subject.node.register(kit.caller(), { kind: 'interface', name, parentId: server.id });
  return { site, rack, a, b, portA: await port(a, 'eth0'), portB: await port(b, 'eth0') };
}

/** What holds for the resource graph: kinds, nodes, edges, racks, walks. */
export const graphCases = conformance(inventory, [
  {
    title: 'the base kinds are there, and an unknown one is not found',
    async run(subject, kit) {
      for (const key of ['region', 'site', 'rack', 'server', 'interface', 'circuit-termination', 'bucket']) {
        kit.equals((await subject.kind.get(kit.caller(), { key })).key, key, `kind ${key}`);
      }
      await kit.refuses('not-found', subject.kind.get(kit.caller(), { key: 'unicorn' }));
    },
  },
  {
    title:
      'a node is registered once under its parent, and a second of its name, id or key is told which field it repeats',
    async run(subject, kit) {
      const site = await subject.node.register(kit.caller(), { kind: 'site', name: kit.name('site') });
      const key = { source: 'test', externalId: kit.name('key') };
      const rack = await subject.node.register(kit.caller(), {
        kind: 'rack',
        name: 'r1',
        parentId: site.id,
        externalIds: [key],
      });
      kit.equals([rack.version, rack.parentId, rack.externalIds], [1, site.id, [key]], 'a fresh rack');
      const again = (command: object) =>
        subject.node.register(kit.caller(), { kind: 'rack', parentId: site.id, ...command });
      const byName = await kit.refuses('already-exists', again({ name: 'r1' }));
      kit.equals(byName.facts['field'], 'name', 'the name');
      const byId = await kit.refuses('already-exists', again({ name: 'r2', id: rack.id }));
      kit.equals(byId.facts['field'], 'id', 'the id');
      const byKey = await kit.refuses('already-exists', again({ name: 'r2', externalIds: [key] }));
      kit.equals(byKey.facts['field'], 'externalIds', 'the key');
      kit.equals(
        (await subject.node.list(kit.caller(), { parentId: site.id })).items.length,
        1,
        'no refusal left anything',
      );
    },
  },
  {
    title: 'an unknown parent is a reference that is not found, and a rack does not lie in a server',
    async run(subject, kit) {
      const { a } = await rackWithServers(subject, kit);
      await kit.refuses(
        'reference-not-found',
        subject.node.register(kit.caller(), { kind: 'rack', parentId: 'nod_01jdx3z6x7e008000000000009' }),
      );
      await kit.refuses('topology-violation', subject.node.register(kit.caller(), { kind: 'rack', parentId: a.id }));
      await kit.refuses(
        'topology-violation',
        subject.node.register(kit.caller(), { kind: 'interface', name: 'loose' }),
      );
    },
  },
  {
    title: 'of two editors at one version one wins, and the other learns the current version and what changed',
    async run(subject, kit) {
      const { a } = await rackWithServers(subject, kit);
      const edit = (serial: string) =>
        subject.node.amend(kit.caller(), { id: a.id, version: 1, patch: { attributes: { serial } } });
      const outcomes = await Promise.allSettled([edit('x'), edit('y')]);
      kit.equals(outcomes.map((each) => each.status).toSorted(), ['fulfilled', 'rejected'], 'one winner');
      const stale = await kit.refuses('version-mismatch', edit('z'));
      kit.equals(
        [stale.facts['currentVersion'], stale.facts['providedVersion'], stale.facts['changedFields']],
        [2, 1, ['/attributes']],
        'the refusal',
      );
    },
  },
  {
    title: 'a patch that changes nothing moves no version, and null takes an attribute away',
    async run(subject, kit) {
      const { a } = await rackWithServers(subject, kit);
      const one = await subject.node.amend(kit.caller(), {
        id: a.id,
        patch: { attributes: { serial: 'x', asset: '1' }, labels: { env: 'prod' } },
      });
      const same = await subject.node.amend(kit.caller(), { id: a.id, patch: { attributes: { serial: 'x' } } });
      const less = await subject.node.amend(kit.caller(), {
        id: a.id,
        patch: { attributes: { asset: null }, labels: { env: null } },
      });
      kit.equals(
        [one.version, same.version, less.version, less.attributes, less.labels],
        [2, 2, 3, { serial: 'x' }, {}],
        'three edits',
      );
    },
  },
  {
    title:
      'a node is never moved into itself, not even by two moves at once, and the root follows a move of the middle',
    async run(subject, kit) {
      const region = (name: string, parentId?: string) =>
        subject.node.register(kit.caller(), {
          kind: 'region',
          name: kit.name(name),
          ...(parentId === undefined ? {} : { parentId }),
        });
      const root = await region('root');
      const middle = await region('middle', root.id);
      const leaf = await region('leaf', middle.id);
      const other = await region('other');
      const move = (id: string, parentId: string | null) =>
        subject.node.amend(kit.caller(), { id, patch: { parentId } });
      await kit.refuses('cycle-detected', move(root.id, leaf.id));
      await kit.refuses('cycle-detected', move(root.id, root.id));
      await move(middle.id, other.id);
      kit.equals((await subject.node.get(kit.caller(), { id: leaf.id })).rootId, other.id, 'the root of the leaf');
      const race = await Promise.allSettled([move(root.id, other.id), move(other.id, root.id)]);
      kit.equals(race.filter((each) => each.status === 'fulfilled').length, 1, 'one of two crossing moves');
    },
  },
  {
    title: 'a parent with children, and a port with a cable, cannot retire; afterwards they can, once',
    async run(subject, kit) {
      const { rack, a, portA, portB } = await rackWithServers(subject, kit);
      const inUse = await kit.refuses('has-dependents', subject.node.retire(kit.caller(), { id: rack.id }));
      kit.equals(
        (inUse.facts['dependents'] as { type: string; count: number }[]).map(({ type, count }) => [type, count]),
        [['node', 2]],
        'who lives in it',
      );
      const cable = await subject.edge.connect(kit.caller(), { edgeType: 'connects', a: [portA.id], b: [portB.id] });
      await kit.refuses('has-dependents', subject.node.retire(kit.caller(), { id: portA.id }));
      await subject.edge.disconnect(kit.caller(), { id: cable.id, version: cable.version });
      kit.equals((await subject.node.retire(kit.caller(), { id: portA.id, version: 1 })).state, 'retired', 'the port');
      await kit.refuses('not-found', subject.node.retire(kit.caller(), { id: portA.id }));
      kit.equals((await subject.node.get(kit.caller(), { id: portA.id })).state, 'retired', 'its history is kept');
      kit.equals((await subject.node.list(kit.caller(), { parentId: a.id })).items, [], 'lists leave it out');
    },
  },
]);
