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
  {
    title: 'a port carries one live cable, a cable may have several ends on each side',
    async run(subject, kit) {
      const { a, portA, portB } = await rackWithServers(subject, kit);
      const spare = await Promise.all(
        ['e1', 'e2', 'e3'].map((name) =>
          subject.node.register(kit.caller(), { kind: 'interface', name, parentId: a.id }),
        ),
      );
      const ids = spare.map(({ id }) => id);
      const cable = await subject.edge.connect(kit.caller(), {
        edgeType: 'connects',
        a: [portA.id, ids[0] ?? ''],
        b: [portB.id, ids[1] ?? ''],
      });
      kit.equals(
        [cable.a, cable.b],
        [
          [portA.id, ids[0]],
          [portB.id, ids[1]],
        ],
        'its ends, in order',
      );
      const taken = await kit.refuses(
        'allocation-conflict',
        subject.edge.connect(kit.caller(), { edgeType: 'connects', a: [ids[2] ?? ''], b: [portB.id] }),
      );
      kit.equals((taken.facts['conflicts'] as { edgeId: string }[])[0]?.edgeId, cable.id, 'the cable in the way');
      await kit.refuses(
        'topology-violation',
        subject.edge.connect(kit.caller(), { edgeType: 'connects', a: [ids[2] ?? ''], b: [ids[2] ?? ''] }),
      );
      await kit.refuses(
        'topology-violation',
        subject.edge.connect(kit.caller(), { edgeType: 'connects', a: [ids[2] ?? ''], b: [a.id] }),
      );
      await subject.edge.disconnect(kit.caller(), { id: cable.id });
      await kit.refuses('not-found', subject.edge.disconnect(kit.caller(), { id: cable.id }));
      await subject.edge.connect(kit.caller(), { edgeType: 'connects', a: [ids[2] ?? ''], b: [portB.id] });
    },
  },
  {
    title: 'what depends on something cannot be depended on by it',
    async run(subject, kit) {
      const { a, b, rack } = await rackWithServers(subject, kit);
      const depends = (from: string, to: string) =>
        subject.edge.connect(kit.caller(), { edgeType: 'depends', a: [from], b: [to] });
      await depends(a.id, b.id);
      await depends(b.id, rack.id);
      await kit.refuses('cycle-detected', depends(rack.id, a.id));
    },
  },
  {
    title: 'subtree, ancestors and neighbours show what was built, whatever the page size',
    async run(subject, kit) {
      const { site, rack, a, b, portA, portB } = await rackWithServers(subject, kit);
      const cable = await subject.edge.connect(kit.caller(), { edgeType: 'connects', a: [portA.id], b: [portB.id] });
      const seen: { id: string; depth: number }[] = [];
      let cursor: string | undefined;
      do {
        const page = await subject.node.subtree(kit.caller(), {
          id: site.id,
          limit: 2,
          ...(cursor === undefined ? {} : { cursor }),
        });
        seen.push(...page.items.map(({ id, depth }) => ({ id, depth })));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      kit.equals(
        seen.map(({ depth }) => depth),
        [0, 1, 2, 2, 3, 3],
        'nearest first',
      );
      kit.equals(
        seen.map(({ id }) => id).toSorted(),
        [site, rack, a, b, portA, portB].map(({ id }) => id).toSorted(),
        'each once',
      );
      const above = await subject.node.ancestors(kit.caller(), { id: portA.id });
      kit.equals(
        above.items.map(({ id }) => id),
        [a.id, rack.id, site.id],
        'the parent first',
      );
      const [near] = (await subject.node.neighbors(kit.caller(), { id: a.id })).items;
      kit.equals(
        [near?.edgeId, near?.via.id, near?.node.id, near?.owner?.id],
        [cable.id, portA.id, portB.id, b.id],
        'the neighbour',
      );
      await kit.refuses('invalid-cursor', subject.node.subtree(kit.caller(), { id: site.id, cursor: 'nonsense' }));
    },
  },
  {
    title: 'a path goes through a panel by the position that it went in at, and through a circuit',
    async run(subject, kit) {
      const { a, b, rack, portA, portB } = await rackWithServers(subject, kit);
      const add = (kind: string, name: string, parentId: string, attributes = {}) =>
        subject.node.register(kit.caller(), { kind, name, parentId, attributes });
      const panel = async (name: string) => {
        const owner = await add('patch-panel', kit.name(name), rack.id);
        const rear = await add('rear-port', 'r', owner.id, { positions: 2 });
        const fronts = [await add('front-port', 'f1', owner.id), await add('front-port', 'f2', owner.id)];
        for (const [at, front] of fronts.entries()) {
          await subject.edge.connect(kit.caller(), {
            edgeType: 'backedBy',
            a: [front.id],
            b: [rear.id],
            attributes: { position: at + 1 },
          });
        }
        return { rear, fronts };
      };
      const [near, far] = [await panel('near'), await panel('far')];
      const cable = (from: string, to: string) =>
        subject.edge.connect(kit.caller(), { edgeType: 'connects', a: [from], b: [to] });
      await cable(near.rear.id, far.rear.id);
      await cable(portA.id, near.fronts[1]?.id ?? '');
      await cable(far.fronts[0]?.id ?? '', portB.id);
      const path = () => subject.node.path(kit.caller(), { fromId: a.id, toId: b.id });
      kit.equals(await path(), { found: false, steps: [] }, 'in at 2, and the far end is cabled at 1');
      const right = await add('interface', 'eth1', b.id);
      await cable(far.fronts[1]?.id ?? '', right.id);
      const { found, steps } = await path();
      kit.equals(
        [found, steps[0]?.node.id, steps.at(-1)?.node.id, steps.length],
        [true, a.id, b.id, 8],
        'a, port, front, rear, rear, front, port, b',
      );
    },
  },
  {
    title: 'a full-depth device takes its half units on both faces, and what overlaps is told who stands there',
    async run(subject, kit) {
      const { rack, a, b } = await rackWithServers(subject, kit);
      const stand = (
        id: string,
        position: { face: 'front' | 'rear'; startHalfUnit: number; heightHalfUnits: number; fullDepth: boolean } | null,
      ) => subject.node.amend(kit.caller(), { id, patch: { position } });
      await stand(a.id, { face: 'front', startHalfUnit: 1, heightHalfUnits: 2, fullDepth: true });
      const taken = await kit.refuses(
        'allocation-conflict',
        stand(b.id, { face: 'rear', startHalfUnit: 2, heightHalfUnits: 1, fullDepth: false }),
      );
      kit.equals(taken.facts['conflicts'], [{ value: a.id }], 'who stands there');
      await kit.refuses(
        'topology-violation',
        stand(b.id, { face: 'rear', startHalfUnit: 7, heightHalfUnits: 2, fullDepth: false }),
      );
      const placed = await stand(b.id, { face: 'rear', startHalfUnit: 3, heightHalfUnits: 1, fullDepth: false });
      kit.equals(
        placed.position,
        { face: 'rear', startHalfUnit: 3, heightHalfUnits: 1, fullDepth: false },
        'its position',
      );
      const elevation = await subject.node.elevation(kit.caller(), { id: rack.id });
      kit.equals(
        [
          elevation.heightHalfUnits,
          elevation.occupiedHalfUnits,
          elevation.freeHalfUnits,
          elevation.largestFreeHalfUnits,
          elevation.claims.length,
        ],
        [8, 3, 5, 4, 3],
        'the elevation',
      );
      await kit.refuses(
        'topology-violation',
        subject.node.amend(kit.caller(), { id: rack.id, patch: { attributes: { heightUnits: 1 } } }),
      );
    },
  },
  {
    title: 'nodes are found by label selector, name prefix and key of the source',
    async run(subject, kit) {
      const tier = kit.name('t').replaceAll('-', '');
      const source = kit.name('source');
      const add = (name: string, env: string) =>
        subject.node.register(kit.caller(), {
          kind: 'region',
          name: kit.name(name),
          labels: { tier, env },
          externalIds: [{ source, externalId: name }],
        });
      const [x, y] = [await add('x', 'prod'), await add('y', 'test')];
      const ids = async (command: object) =>
        (await subject.node.list(kit.caller(), { ...command })).items.map(({ id }) => id);
      kit.equals(await ids({ labelSelector: `tier=${tier},env in (prod,dev)` }), [x.id], 'in');
      kit.equals(await ids({ labelSelector: `tier=${tier},env!=prod` }), [y.id], 'not equal');
      kit.equals(await ids({ labelSelector: `tier=${tier},!zone` }), [x.id, y.id], 'absent');
      kit.equals(await ids({ source, externalId: 'y' }), [y.id], 'by key');
      await kit.refuses('unsupported-filter', subject.node.list(kit.caller(), { labelSelector: 'tier ~ gold' }));
    },
  },
  {
    title:
      'the same key gives the same answer and one node, another content under it is refused, a dry run leaves nothing',
    async run(subject, kit) {
      const idempotency = { scope: kit.name('scope'), key: kit.name('key'), fingerprint: 'one' };
      const name = kit.name('site');
      const first = await subject.node.register(kit.caller({ idempotency }), { kind: 'site', name });
      kit.equals(await subject.node.register(kit.caller({ idempotency }), { kind: 'site', name }), first, 'the replay');
      const other = kit.caller({ idempotency: { ...idempotency, fingerprint: 'two' } });
      await kit.refuses(
        'idempotency-key-reused',
        subject.node.register(other, { kind: 'site', name: kit.name('other') }),
      );
      const dry = kit.name('dry');
      await subject.node.register(kit.caller({ dryRun: true }), { kind: 'site', name: dry });
      kit.equals((await subject.node.list(kit.caller(), { name: dry })).items, [], 'nothing is there after a dry run');
    },
  },
]);
