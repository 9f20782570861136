import type { Caller, Implements } from '../contract.js';
import { inventory } from '../inventory/index.js';
import { isProblem } from '../problem.js';
import { defaultEnvironmentId, defaultProjectId, defaultTenantId } from '../tenancy/index.js';
import { conformance, type Kit } from './kit.js';

type Inventory = Implements<typeof inventory>;
type Reserve = Parameters<Inventory['allocation']['reserve']>[1];

const scope = { tenantId: defaultTenantId, state: 'active', version: 1 } as const;

/** The scopes of a fresh installation: a context learns of them from its callers. */
export const defaultScopes: Caller['scopes'] = [
  { ...scope, id: defaultTenantId, parentId: null, kind: 'tenant' },
  { ...scope, id: defaultProjectId, parentId: defaultTenantId, kind: 'project' },
  { ...scope, id: defaultEnvironmentId, parentId: defaultProjectId, kind: 'environment' },
];

/** A caller that brings the scopes along. */
export const as = (kit: Kit, changes: Partial<Caller> = {}) => kit.caller({ scopes: defaultScopes, ...changes });

/** A request of somebody who holds nothing. */
export const want = (kit: Kit, items: Reserve['items'], more: Partial<Reserve> = {}): Reserve => ({
  environmentId: defaultEnvironmentId,
  consumer: { service: 'conformance', kind: 'thing', id: kit.name('thing') },
  items,
  ...more,
});

async function block(subject: Inventory, kit: Kit, { cidr, isPool = false }: { cidr: string; isPool?: boolean }) {
  const space = await subject.addressSpace.create(as(kit), { name: kit.name('space'), coolDownSeconds: 0 });
  return subject.addressBlock.create(as(kit), { spaceId: space.id, cidr, isPool });
}

async function domain(subject: Inventory, kit: Kit, { start, end }: { start: number; end: number }) {
  const made = await subject.numberDomain.create(as(kit), {
    name: kit.name('vlans'),
    kind: 'vlan',
    coolDownSeconds: 0,
  });
  await subject.numberRange.create(as(kit), { domainId: made.id, start, end });
  return made;
}

/** Reads the feed from its first fact until what is looked for is in it: facts get their position after the commit. */
async function feedUntil(
  subject: Inventory,
  kit: Kit,
  found: (facts: readonly { id: string; version: number }[]) => boolean,
) {
  for (let tries = 0; tries < 100; tries += 1) {
    const facts: { pos: number; id: string; version: number }[] = [];
    for (let more = true; more;) {
      const page = await subject.feed.page(as(kit), { afterPos: facts.at(-1)?.pos ?? 0, limit: 1000 });
      facts.push(...page.items.map(({ pos, resource }) => ({ pos, id: resource.id, version: resource.version })));
      more = page.more;
    }
    if (found(facts)) return facts;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the facts are not in the feed after ten seconds');
}

/** What holds for who is given what, for how long, and what is told of it. */
export const allocationCases = conformance(inventory, [
  {
    title: 'the next free address of a block is its lowest, and network and broadcast are nobody’s',
    async run(subject, kit) {
      const home = await block(subject, kit, { cidr: '10.20.0.0/29' });
      const given = await subject.allocation.reserve(
        as(kit),
        want(kit, [{ what: 'address', blockId: home.id, count: 2 }]),
      );
      kit.equals(
        given.items.map((item) => item.address),
        ['10.20.0.1', '10.20.0.2'],
        'the two lowest',
      );
      kit.equals(
        [given.state, given.version, given.environmentId],
        ['active', 1, defaultEnvironmentId],
        'active at once without a TTL',
      );
      for (const address of ['10.20.0.0', '10.20.0.7', '10.20.0.1', '10.21.0.1']) {
        const stated = subject.allocation.reserve(as(kit), want(kit, [{ what: 'address', blockId: home.id, address }]));
        await kit.refuses('allocation-conflict', stated);
      }
    },
  },
  {
    title:
      'a stated address is given once, a full block gives nothing and says so, and more than is left is refused whole',
    async run(subject, kit) {
      const pool = await block(subject, kit, { cidr: '10.22.0.0/30', isPool: true });
      const take = (item: object) =>
        subject.allocation.reserve(as(kit), want(kit, [{ what: 'address', blockId: pool.id, ...item }]));
      kit.equals((await take({ address: '10.22.0.2' })).items[0]?.address, '10.22.0.2', 'the stated one');
      await kit.refuses('capacity-exhausted', take({ count: 4 }));
      kit.equals(
        (await take({ count: 3 })).items.map((item) => item.address),
        ['10.22.0.0', '10.22.0.1', '10.22.0.3'],
        'the refusal took nothing',
      );
      await kit.refuses('capacity-exhausted', take({ count: 1 }));
      kit.equals(
        (await subject.addressBlock.available(as(kit), { id: pool.id })).availableAddresses,
        '0',
        'none is left',
      );
    },
  },
  {
    title: 'of eight clients that want the last address one gets it, and seven are told that nothing is left',
    async run(subject, kit) {
      const home = await block(subject, kit, { cidr: '10.23.0.0/32' });
      const take = () => subject.allocation.reserve(as(kit), want(kit, [{ what: 'address', blockId: home.id }]));
      const codeOf = (error: unknown) => (isProblem(error) ? error.code : String(error));
      const race = await Promise.all(
        Array.from({ length: 8 }, () => take().then(({ state }) => state as string, codeOf)),
      );
      kit.equals(race.toSorted(), ['active', ...Array.from({ length: 7 }, () => 'capacity-exhausted')], 'one of eight');
    },
  },
  {
    title: 'a released address is given again, with a higher fence',
    async run(subject, kit) {
      const home = await block(subject, kit, { cidr: '10.24.0.0/32' });
      const take = () => subject.allocation.reserve(as(kit), want(kit, [{ what: 'address', blockId: home.id }]));
      const first = await take();
      kit.equals(
        (await subject.allocation.release(as(kit), { id: first.id, version: 1 })).state,
        'released',
        'its state',
      );
      const [was, is] = [first.items[0], (await take()).items[0]];
      kit.equals(is?.address, was?.address, 'the same address');
      kit.holds((is?.fence ?? 0) > (was?.fence ?? 0), 'the fence rises');
    },
  },
  {
    title:
      'the next free number is the lowest of the ranges, stated ones are stepped over, and a domain ends where its ranges end',
    async run(subject, kit) {
      const vlans = await domain(subject, kit, { start: 10, end: 13 });
      const take = (item: object) =>
        subject.allocation.reserve(as(kit), want(kit, [{ what: 'number', domainId: vlans.id, ...item }]));
      await take({ number: 11 });
      kit.equals(
        (await take({ count: 3 })).items.map((item) => item.number),
        [10, 12, 13],
        'what was left',
      );
      await kit.refuses('capacity-exhausted', take({}));
      await kit.refuses('allocation-conflict', take({ number: 11 }));
      await kit.refuses('allocation-conflict', take({ number: 14 }));
    },
  },
  {
    title: 'a hold is renewed within its bound, confirmed without a window, and released once',
    async run(subject, kit) {
      const vlans = await domain(subject, kit, { start: 20, end: 29 });
      const command = want(kit, [{ what: 'number', domainId: vlans.id }], { ttlSeconds: 60, maxTtlSeconds: 600 });
      const held = await subject.allocation.reserve(as(kit), command);
      kit.equals([held.state, held.ttlSeconds, held.expiresAt !== undefined], ['held', 60, true], 'held');
      const renewed = await subject.allocation.renew(as(kit), { id: held.id, version: 1, ttlSeconds: 300 });
      kit.holds((renewed.expiresAt ?? '') > (held.expiresAt ?? ''), 'it ends later');
      await kit.refuses('amount-not-allowed', subject.allocation.renew(as(kit), { id: held.id, ttlSeconds: 1200 }));
      const stale = await kit.refuses(
        'version-mismatch',
        subject.allocation.confirm(as(kit), { id: held.id, version: 1 }),
      );
      kit.equals(stale.facts['currentVersion'], 2, 'the current version');
      const confirmed = await subject.allocation.confirm(as(kit), { id: held.id, version: 2 });
      kit.equals([confirmed.state, confirmed.version, confirmed.expiresAt], ['active', 3, undefined], 'confirmed');
      await kit.refuses('fence-stale', subject.allocation.release(as(kit), { id: held.id, fence: 0 }));
      const released = await subject.allocation.release(as(kit), { id: held.id, fence: held.items[0]?.fence ?? 0 });
      kit.equals([released.state, released.version], ['released', 4], 'released');
      await kit.refuses('not-found', subject.allocation.release(as(kit), { id: held.id }));
      kit.equals((await subject.allocation.get(as(kit), { id: held.id })).state, 'released', 'its history is kept');
    },
  },
  {
    title: 'a server has one holder, and whoever else wants it is told which allocation is in the way',
    async run(subject, kit) {
      const site = await subject.node.register(as(kit), { kind: 'site', name: kit.name('site') });
      const server = await subject.node.register(as(kit), {
        kind: 'server',
        name: kit.name('server'),
        parentId: site.id,
      });
      const take = () => subject.allocation.reserve(as(kit), want(kit, [{ what: 'node', nodeId: server.id }]));
      const first = await take();
      const taken = await kit.refuses('allocation-conflict', take());
      kit.equals((taken.facts['conflicts'] as { allocationId: string }[])[0]?.allocationId, first.id, 'who holds it');
      kit.equals(
        (await subject.allocation.list(as(kit), { nodeId: server.id })).items.map(({ id }) => id),
        [first.id],
        'the list',
      );
    },
  },
  {
    title: 'one consumer holds one allocation at a time, whatever it asks for',
    async run(subject, kit) {
      const vlans = await domain(subject, kit, { start: 30, end: 39 });
      const command = want(kit, [{ what: 'number', domainId: vlans.id }]);
      const first = await subject.allocation.reserve(as(kit), command);
      const second = await kit.refuses('version-mismatch', subject.allocation.reserve(as(kit), command));
      kit.equals([second.facts['resourceId'], second.facts['currentVersion']], [first.id, 1], 'what it holds');
      await subject.allocation.release(as(kit), { id: first.id });
      await subject.allocation.reserve(as(kit), { ...command, version: 0 });
      const { items } = await subject.allocation.list(as(kit), { consumerId: command.consumer.id, state: ['active'] });
      kit.equals(items.length, 1, 'one is live');
    },
  },
  {
    title:
      'the same requestId and the same key answer with the same allocation, and one requestId is not for two consumers',
    async run(subject, kit) {
      const vlans = await domain(subject, kit, { start: 40, end: 49 });
      const command = want(kit, [{ what: 'number', domainId: vlans.id }], { requestId: kit.name('request') });
      const keyed = as(kit, { idempotency: { scope: kit.name('scope'), key: kit.name('key'), fingerprint: 'one' } });
      const first = await subject.allocation.reserve(keyed, command);
      kit.equals(await subject.allocation.reserve(keyed, command), { ...first, replayed: true }, 'by key, and marked');
      kit.equals((await subject.allocation.reserve(as(kit), command)).id, first.id, 'by requestId');
      const other = { ...command, consumer: { ...command.consumer, id: kit.name('other') } };
      await kit.refuses('already-exists', subject.allocation.reserve(as(kit), other));
      kit.equals((await subject.numberRange.available(as(kit), { domainId: vlans.id })).used, 1, 'one number is taken');
    },
  },
  {
    title: 'an unknown environment, node, block and domain are refused by pointer, and nothing is taken',
    async run(subject, kit) {
      const vlans = await domain(subject, kit, { start: 50, end: 59 });
      const number = { what: 'number', domainId: vlans.id } as const;
      const unknown = <P extends string>(prefix: P) => `${prefix}_01jdx3z6x7e008000000000009` as never;
      const refused: [object, string][] = [
        [want(kit, [number], { environmentId: unknown('env') }), '/environmentId'],
        [want(kit, [number, { what: 'node', nodeId: unknown('nod') }]), '/items/1/nodeId'],
        [want(kit, [number, { what: 'address', blockId: unknown('blk') }]), '/items/1/blockId'],
        [want(kit, [number, { what: 'number', domainId: unknown('ndm') }]), '/items/1/domainId'],
      ];
      for (const [command, pointer] of refused) {
        const refusal = await kit.refuses(
          'reference-not-found',
          subject.allocation.reserve(as(kit), command as Reserve),
        );
        kit.equals(refusal.facts['pointer'], pointer, 'what is not found');
      }
      kit.equals((await subject.numberRange.available(as(kit), { domainId: vlans.id })).used, 0, 'no number is taken');
    },
  },
  {
    title: 'a refusal says what alone is in the way, is kept for who asks later, and what is only tried is not kept',
    async run(subject, kit) {
      const vlans = await domain(subject, kit, { start: 70, end: 72 });
      const held = await subject.allocation.reserve(
        as(kit),
        want(kit, [{ what: 'number', domainId: vlans.id, count: 2 }]),
      );
      const two = want(kit, [{ what: 'number', domainId: vlans.id, count: 2 }]);
      const principal = { id: kit.name('usr'), type: 'user' } as const;
      const refused = await kit.refuses('capacity-exhausted', subject.allocation.reserve(as(kit, { principal }), two));
      const explanation = {
        items: [
          {
            item: 0,
            providerId: vlans.id,
            needed: 2,
            candidates: 3,
            waterfall: ['held', 'resting', 'policy', 'quota'].map((filter) => ({ filter, remaining: 1 })),
            soleBlockers: [{ filter: 'held', passing: 3 }],
            nearestMisses: [{ providerId: vlans.id, fails: [{ filter: 'held' }] }],
          },
        ],
        soleBlockers: ['held'],
        unblock: [{ type: 'release', filter: 'held', allocationIds: [held.id] }],
      };
      kit.equals(refused.facts['explanation'], explanation, 'why');
      const kept = await subject.refusal.get(as(kit), { id: refused.facts['refusalId'] as never });
      kit.equals(
        [kept.problem.code, kept.principal, kept.explanation],
        ['capacity-exhausted', principal, explanation],
        'what is kept',
      );
      const tried = await kit.refuses('capacity-exhausted', subject.allocation.reserve(as(kit, { dryRun: true }), two));
      kit.equals(
        [tried.facts['explanation'], tried.facts['refusalId'] ?? null],
        [explanation, null],
        'what is tried has no id',
      );
      const never = { id: 'rfs_01jdx3z6x7e008000000000009' as never };
      await kit.refuses('not-found', subject.refusal.get(as(kit), never));
      await subject.allocation.release(as(kit), { id: held.id });
      kit.equals((await subject.allocation.reserve(as(kit), two)).items.length, 2, 'lifted, it succeeds');
    },
  },
  {
    title: 'each version of an allocation is in the feed once, and positions have no gap',
    async run(subject, kit) {
      const vlans = await domain(subject, kit, { start: 60, end: 69 });
      const held = await subject.allocation.reserve(
        as(kit),
        want(kit, [{ what: 'number', domainId: vlans.id }], { ttlSeconds: 60 }),
      );
      await subject.allocation.confirm(as(kit), { id: held.id });
      await subject.allocation.release(as(kit), { id: held.id });
      const facts = await feedUntil(subject, kit, (all) =>
        all.some(({ id, version }) => id === held.id && version === 3),
      );
      kit.equals(
        facts.filter(({ id }) => id === held.id).map(({ version }) => version),
        [1, 2, 3],
        'its versions, in order',
      );
      kit.equals(
        facts.findIndex(({ pos }, at) => pos !== at + 1),
        -1,
        'the first position that is not the one before plus 1',
      );
    },
  },
]);
