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
export const topologyCases = conformance(inventory, [
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
    title: 'what fails takes along what lies in it and what depends on it, and what is asked for is there',
    async run(subject, kit) {
      const { rack, a, b, portA } = await rackWithServers(subject, kit);
      const above = await subject.node.register(kit.caller(), { kind: 'virtual-machine', name: kit.name('above') });
      await subject.edge.connect(kit.caller(), { edgeType: 'depends', a: [above.id], b: [a.id] });
      const hit = await subject.blastRadius.get(kit.caller(), { id: a.id });
      kit.equals(
        hit.nodes.map(({ id, by, distance }) => `${distance} ${by} ${id}`).toSorted(),
        [`0 start ${a.id}`, `1 contains ${portA.id}`, `1 depends ${above.id}`],
        'the server, its port and what depends on it',
      );
      const one = await subject.blastRadius.get(kit.caller(), { id: rack.id, limit: 1 });
      kit.equals([one.nodes.length, one.counts.nodes, one.truncated], [1, 6, true], 'what is not named is counted');
      kit.equals((await subject.blastRadius.get(kit.caller(), { id: b.id })).counts.nodes, 2, 'not the other way');
      await kit.refuses('not-found', subject.blastRadius.get(kit.caller(), { id: 'blk_01jz0000000000000000000000' }));
    },
  },
  {
    title:
      'the same key gives the same answer and one node, another content under it is refused, a dry run leaves nothing',
    async run(subject, kit) {
      const idempotency = { scope: kit.name('scope'), key: kit.name('key'), fingerprint: 'one' };
      const name = kit.name('site');
      const first = await subject.node.register(kit.caller({ idempotency }), { kind: 'site', name });
      const again = await subject.node.register(kit.caller({ idempotency }), { kind: 'site', name });
      kit.equals(again, { ...first, replayed: true }, 'the replay, which says that it is one');
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
