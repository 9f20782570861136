import type { Implements } from '../contract.js';
import { encodeId, type Id } from '../ids.js';
import { inventory } from '../inventory/index.js';
import { defaultEnvironmentId } from '../tenancy/index.js';
import { defaultScopes } from './inventory-allocation.js';
import { conformance, type Kit } from './kit.js';

type Inventory = Implements<typeof inventory>;

async function siteWithRacks(subject: Inventory, kit: Kit) {
  const site = await subject.node.register(kit.caller(), { kind: 'site', name: kit.name('site') });
  const rack = (name: string) => subject.node.register(kit.caller(), { kind: 'rack', name, parentId: site.id });
  return { site, a: await rack('a'), b: await rack('b') };
}

const versions = async (subject: Inventory, kit: Kit, id: Id<'nod'>) =>
  (await subject.node.history(kit.caller(), { id })).items;

/** What holds for changes of several nodes at once, and for what is remembered of each. */
export const nodeVersionCases = conformance(inventory, [
  {
    title: 'a batch does what its operations say in their order, and a later one builds on an earlier one',
    async run(subject, kit) {
      const { site, a, b } = await siteWithRacks(subject, kit);
      const id = encodeId(
        'nod',
        `01900000-0000-7000-8000-${Math.random().toString(16).slice(2, 14).padStart(12, '0')}`,
      );
      const { items } = await subject.node.batch(kit.caller(), {
        operations: [
          { op: 'create', node: { id, kind: 'rack', name: 'c', parentId: site.id } },
          { op: 'create', node: { kind: 'server', name: 's', parentId: id } },
          { op: 'update', id: a.id, version: 1, patch: { labels: { x: 'y' } } },
          { op: 'update', id: a.id, version: 2, patch: { intent: 'drain' } },
          { op: 'delete', id: b.id },
        ],
      });
      kit.equals(
        items.map(({ name, version, state }) => [name, version, state]),
        [
          ['c', 1, 'available'],
          ['s', 1, 'available'],
          ['a', 2, 'available'],
          ['a', 3, 'available'],
          ['b', 2, 'retired'],
        ],
        'each node after its operation',
      );
    },
  },
  {
    title: 'what somebody had whole is scrubbed until it is declared clean, by who scrubbed it after that',
    async run(subject, kit) {
      const asked = { kind: 'server', name: kit.name('scrubbed'), scrubs: true, cleaningSeconds: 600 };
      const { id } = await subject.node.register(kit.caller(), asked);
      const clean = (more: { version?: number; fence?: number } = {}) =>
        subject.node.clean(kit.caller(), { id, ...more });
      await kit.refuses('state-conflict', clean());
      const held = await subject.allocation.reserve(
        { ...kit.caller(), scopes: defaultScopes },
        {
          environmentId: defaultEnvironmentId,
          consumer: { service: 'test', kind: 'test', id: kit.name('scrubbed') },
          items: [{ what: 'node', nodeId: id }],
        },
      );
      await subject.allocation.release(kit.caller(), { id: held.id });
      const { state, version } = await subject.node.get(kit.caller(), { id });
      kit.equals(state, 'scrubbing', 'its state once it is given back');
      const fence = held.items[0]?.fence ?? 0;
      await kit.refuses('fence-stale', clean({ fence: fence - 1 }));
      await kit.refuses('version-mismatch', clean({ version: version - 1 }));
      kit.equals((await clean({ fence, version })).state, 'available', 'its state once it is clean');
      const nowhere = encodeId('nod', '01900000-0000-7000-8000-000000000000');
      await kit.refuses('not-found', subject.node.clean(kit.caller(), { id: nowhere }));
    },
  },
  {
    title: 'of a batch that one operation breaks nothing happens, and the refusal names the operation',
    async run(subject, kit) {
      const { site, a, b } = await siteWithRacks(subject, kit);
      const first = { op: 'update', id: a.id, patch: { labels: { touched: 'yes' } } } as const;
      const refusals = [
        ['version-mismatch', { op: 'update', id: b.id, version: 7, patch: { intent: 'drain' } }],
        ['already-exists', { op: 'create', node: { kind: 'rack', name: 'b', parentId: site.id } }],
        ['has-dependents', { op: 'delete', id: site.id }],
        ['reference-not-found', { op: 'create', node: { kind: 'unicorn' } }],
        ['cycle-detected', { op: 'update', id: site.id, patch: { parentId: site.id } }],
      ] as const;
      for (const [code, last] of refusals) {
        const refusal = await kit.refuses(code, subject.node.batch(kit.caller(), { operations: [first, last] }));
        kit.equals(refusal.facts['operationIndex'], 1, `the operation that was refused with ${code}`);
      }
      await kit.refuses(
        'not-found',
        subject.node.batch(kit.caller(), {
          operations: [first, { op: 'delete', id: encodeId('nod', '01900000-0000-7000-8000-ffffffffffff') }],
        }),
      );
      kit.equals((await subject.node.get(kit.caller(), { id: a.id })).version, 1, 'what came before the refusal');
    },
  },
  {
    title: 'batches over the same nodes in opposite orders all come to an end, each whole',
    async run(subject, kit) {
      const { a, b } = await siteWithRacks(subject, kit);
      const rounds = Array.from({ length: 12 }, (_, n) => {
        const [first, second] = n % 2 === 0 ? [a, b] : [b, a];
        const patch = { labels: { round: String(n) } };
        return subject.node.batch(kit.caller(), {
          operations: [
            { op: 'update', id: first.id, patch },
            { op: 'update', id: second.id, patch },
          ],
        });
      });
      await Promise.all(rounds);
      const [one, two] = await Promise.all([a, b].map(({ id }) => subject.node.get(kit.caller(), { id })));
      kit.equals([one?.version, two?.version], [13, 13], 'every batch moved both by one');
      kit.equals(one?.labels, two?.labels, 'the last batch is the last of both');
    },
  },
  {
    title: 'a repeated key gives the stored answer of a batch, and a batch that is tried changes nothing',
    async run(subject, kit) {
      const { a } = await siteWithRacks(subject, kit);
      const operations = [{ op: 'update' as const, id: a.id, patch: { intent: 'drain' as const } }];
      const tried = await subject.node.batch(kit.caller({ dryRun: true }), { operations });
      kit.equals(tried.items[0]?.version, 2, 'what it would be');
      kit.equals((await versions(subject, kit, a.id)).length, 1, 'no trace of the trial');
      const idempotency = { scope: 'batch', key: kit.name('key'), fingerprint: 'same' };
      const asked = () => subject.node.batch(kit.caller({ idempotency }), { operations });
      const [once, again] = [await asked(), await asked()];
      kit.equals(again.items, once.items, 'the same answer');
      kit.equals((await subject.node.get(kit.caller(), { id: a.id })).version, 2, 'one effect');
    },
  },
  {
    title: 'the history of a node says of each version who made it and which fields it changed, the newest first',
    async run(subject, kit) {
      const { a } = await siteWithRacks(subject, kit);
      const principal = { id: 'usr_somebody', type: 'user' } as const;
      await subject.node.amend(kit.caller({ principal }), { id: a.id, patch: { labels: { x: 'y' }, intent: 'drain' } });
      await subject.node.retire(kit.caller(), { id: a.id });
      const found = await versions(subject, kit, a.id);
      kit.equals(
        found.map(({ version, event, by, changedFields }) => [
          version,
          event,
          by?.id,
          version === 1 ? [] : changedFields,
        ]),
        [
          [3, 'inventory.node.retired', 'conformance', ['/state']],
          [2, 'inventory.node.amended', 'usr_somebody', ['/intent', '/labels']],
          [1, 'inventory.node.registered', 'conformance', []],
        ],
        'the versions',
      );
      kit.equals(found.at(-1)?.node, a, 'the first version as it was');
      const first = await subject.node.history(kit.caller(), { id: a.id, limit: 2 });
      const rest = await subject.node.history(kit.caller(), { id: a.id, limit: 2, cursor: first.nextCursor });
      kit.equals([...first.items, ...rest.items], found, 'the same in pages');
      await kit.refuses('invalid-cursor', subject.node.history(kit.caller(), { id: a.id, cursor: 'x' }));
    },
  },
  {
    title: 'a tenant sees the versions in which a node was its own, and of another’s node nothing',
    async run(subject, kit) {
      const tenant = (n: number) => encodeId('tnt', `01900000-0000-7000-8000-00000000000${n}`);
      const as = (n: number) =>
        kit.caller({ readScope: { tenantIds: [tenant(n)], projectIds: [], environmentIds: [] } });
      const { a } = await siteWithRacks(subject, kit);
      const scopes = [1, 2].map((n) => ({
        id: tenant(n),
        tenantId: tenant(n),
        parentId: null,
        kind: 'tenant' as const,
        state: 'active' as const,
        version: 1,
      }));
      await subject.node.amend(kit.caller({ scopes }), {
        id: a.id,
        patch: { tenantId: tenant(1), labels: { secret: 'one' } },
      });
      await subject.node.amend(kit.caller({ scopes }), {
        id: a.id,
        patch: { tenantId: tenant(2), labels: { secret: null } },
      });
      await kit.refuses('not-found', subject.node.history(as(1), { id: a.id }));
      const { items } = await subject.node.history(as(2), { id: a.id });
      kit.equals(
        items.map(({ version, node }) => [version, node.tenantId, node.labels]),
        [[3, tenant(2), {}]],
        'what the second tenant sees',
      );
    },
  },
  {
    title: 'a list in another order is the same list, and a cursor of one order is no cursor of another',
    async run(subject, kit) {
      const { site } = await siteWithRacks(subject, kit);
      const list = (sort: 'name' | '-name' | '-createdAt', cursor?: string) =>
        subject.node.list(kit.caller(), { parentId: site.id, limit: 1, sort, cursor });
      const first = await list('-name');
      const second = await list('-name', first.nextCursor);
      kit.equals(
        [...first.items, ...second.items].map(({ name }) => name),
        ['b', 'a'],
        'by name, the other way round',
      );
      await kit.refuses('invalid-cursor', list('name', first.nextCursor));
      await kit.refuses('invalid-cursor', list('-createdAt', first.nextCursor));
    },
  },
]);
