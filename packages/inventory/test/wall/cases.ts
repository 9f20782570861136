import type { Owner, Seat } from './world.js';

type Command = Record<string, unknown>;

/**
 * How a verb of the contract meets the wall. Commands are built on the seat that they name; `own` is the caller's.
 * - `list`: pages of a noun. The first filter asks for all of them, the others may find less, and never what is foreign.
 * - `one`: what is not seen answers as what never was.
 * - `change`: the same, tried dry; on the caller's own seat it is not refused for want of a thing.
 * - `closed`: for who sees everything, and nobody else.
 * - `public`: the same to everyone, and it tells of no tenant.
 * - `atTheDoor`: whoever was let in may; why that shows nothing.
 */
export type Case =
  | { readonly list: string; readonly filters: (it: Seat) => readonly Command[] }
  | { readonly one: (it: Seat, own: Seat) => readonly Command[]; readonly of?: 'scope' }
  | { readonly change: (it: Seat, own: Seat) => readonly Command[]; readonly of?: 'scope' | 'taking' }
  | { readonly closed: Command }
  | { readonly public: Command }
  | { readonly atTheDoor: string };

const byServer = (it: Seat): Command[] => [{ id: it.server }];
/** After all was made, and past by every clock. */
const justNow = () => new Date(Date.now() - 1).toISOString();
const everyDay = { from: '2026-01-01T00:00:00.000Z', to: '2026-02-01T00:00:00.000Z' };
const sighting = { observedAt: '2026-01-01T00:00:00Z', generation: 1 };
const consumer = { service: 'wall', kind: 'try', id: 'try' };
const reserving = (environmentId: string, item: Command): Command => ({ environmentId, consumer, items: [item] });

export const cases: Readonly<Record<string, Case>> = {
  'kind.list': { public: {} },
  'kind.get': { public: { key: 'site' } },
  'deviceType.list': { public: {} },
  'deviceType.get': { public: { manufacturer: 'maker', slug: 'none' } },
  'deviceType.register': { public: { manufacturer: 'maker', model: 'm', slug: 'm', heightHalfUnits: 2 } },

  'node.list': {
    list: 'node',
    filters: (it) => [
      {},
      { parentId: it.rack },
      { parentId: it.server },
      { parentId: null },
      { name: 'bolt-lodger' },
      { namePrefix: 'b' },
      { kind: ['server'] },
      { asOf: justNow() },
      { parentId: it.rack, asOf: justNow() },
    ],
  },
  'node.get': {
    one: (it) => [it.site, it.rack, it.server, it.port].flatMap((id) => [{ id }, { id, asOf: justNow() }]),
  },
  'node.subtree': { one: (it) => [{ id: it.site }, { id: it.rack, limit: 1 }, { id: it.rack, asOf: justNow() }] },
  'node.ancestors': { one: (it) => [{ id: it.port }, { id: it.server }, { id: it.port, asOf: justNow() }] },
  'node.neighbors': { one: (it) => [{ id: it.server }, { id: it.spare }, { id: it.islandPort }] },
  'node.elevation': { one: (it) => [{ id: it.rack }] },
  'node.path': {
    one: (it, own) => [
      { fromId: it.server, toId: it.second },
      { fromId: own.server, toId: it.server },
      { fromId: it.island, toId: own.second },
    ],
  },
  'node.register': {
    change: (it) => [
      { kind: 'server', parentId: it.rack },
      { kind: 'interface', name: 'new', parentId: it.server },
      ...(it.tenant === undefined ? [] : [{ kind: 'site', name: 'new', tenantId: it.tenant }]),
    ],
  },
  'node.amend': {
    change: (it, own) => [
      { id: it.server, patch: { labels: { a: 'b' } } },
      { id: own.second, patch: { parentId: it.site } },
      { id: own.second, patch: { parentId: it.rack } },
      ...(it.tenant === undefined ? [] : [{ id: own.second, patch: { tenantId: it.tenant } }]),
    ],
  },
  'node.clean': { change: byServer },
  'node.retire': { change: byServer },
  'node.batch': {
    change: (it, own) =>
      [
        { op: 'update', id: it.server, version: 1, patch: { labels: { a: 'b' } } },
        { op: 'update', id: own.second, version: 1, patch: { parentId: it.rack } },
        { op: 'delete', id: it.server, version: 1 },
        { op: 'create', node: { kind: 'interface', name: 'new', parentId: it.server } },
        ...(it.tenant === undefined
          ? []
          : [{ op: 'create', node: { kind: 'site', name: 'new', tenantId: it.tenant } }]),
      ].map((operation) => ({ operations: [operation] })),
  },
  'node.reshape': {
    change: (it, own) =>
      [
        { id: it.server, version: 1 },
        { id: own.second, version: 1, parentId: it.rack },
        { id: it.island, version: 2, capacities: [] },
      ].map((node) => ({ nodes: [node] })),
  },
  'node.history': { one: byServer },
  'node.changes': { one: (it) => [it.rack, it.server].map((id) => ({ id, from: justNow() })) },

  'blastRadius.get': {
    one: (it) => [
      { id: it.site },
      { id: it.server, limit: 1 },
      { id: it.block },
      { id: it.range },
      { id: it.range, number: 7 },
    ],
  },

  'resourceClass.list': { public: {} },
  'resourceClass.get': { public: { key: 'vcpu' } },
  'resourceClass.create': { public: { key: 'unicorn', title: 'Unicorns', unit: 'unicorn' } },
  'resourceClass.amend': { public: { key: 'vcpu', patch: { title: 'Processors' } } },
  'resourceClass.remove': { public: { key: 'vcpu' } },
  'trait.list': { public: {} },
  'trait.get': { public: { key: 'walled' } },
  'trait.register': { public: { key: 'another', title: 'Another' } },
  'trait.amend': { public: { key: 'walled', patch: { title: 'Behind walls' } } },
  'trait.remove': { public: { key: 'walled' } },
  'pool.list': { list: 'pool', filters: (it) => [{}, { name: 'bolt-pool' }, { nodeId: it.island }] },
  'pool.get': { one: (it) => [{ id: it.pool }] },
  'pool.capacity': { one: (it) => [{ id: it.pool }] },
  'pool.create': {
    change: (it) => [
      { name: 'new', members: [{ nodeId: it.server }] },
      ...(it.tenant === undefined ? [] : [{ name: 'new', tenantId: it.tenant }]),
    ],
  },
  'pool.amend': {
    change: (it, own) => [
      { id: it.pool, patch: { name: 'other' } },
      { id: own.pool, patch: { members: [{ nodeId: it.server }] } },
    ],
  },
  'pool.remove': { change: (it) => [{ id: it.pool }] },
  'placement.candidates': {
    one: (it) =>
      [{ resources: [{ class: 'vcpu', amount: 1 }] }, { resources: [{ kind: 'server' }], explain: true }].map(
        (ask) => ({
          environmentId: it.environment,
          avoid: { allocationIds: [it.allocation] },
          ...ask,
        }),
      ),
    of: 'scope',
  },
  'platformResource.list': {
    list: 'platformResource',
    filters: (it) => [{}, { environmentId: it.environment }, { kind: 'bucket' }, { name: 'bolt-bucket' }],
  },
  'platformResource.get': { one: (it) => [{ id: it.resource }], of: 'scope' },
  'capacity.list': { one: (it) => [{ nodeId: it.island }, { nodeId: it.server }] },
  'capacity.get': { one: (it) => [{ nodeId: it.island, class: 'vcpu' }] },
  'capacity.add': {
    change: (it) => [{ nodeId: it.server, version: 1, capacity: { class: 'watt', total: 9, maxUnit: 9 } }],
  },
  'capacity.set': { change: (it) => [{ nodeId: it.server, version: 1, capacities: [] }] },
  'capacity.amend': { change: (it) => [{ nodeId: it.island, class: 'vcpu', version: 2, patch: { total: 9 } }] },
  'capacity.remove': { change: (it) => [{ nodeId: it.island, class: 'vcpu', version: 2 }] },

  'edge.list': {
    list: 'edge',
    filters: (it) => [{}, { nodeId: it.spare }, { nodeId: it.server }, { edgeType: ['depends'] }, { asOf: justNow() }],
  },
  'edge.get': { one: (it) => [{ id: it.cable }, { id: it.cable, asOf: justNow() }] },
  'edge.connect': {
    change: (it, own) => [
      { edgeType: 'depends', a: [own.island], b: [it.second] },
      { edgeType: 'connects', a: [own.islandPort], b: [it.spare] },
      { edgeType: 'memberOf', a: [it.second], b: [own.island] },
    ],
  },
  'edge.disconnect': { change: (it) => [{ id: it.cable }] },

  'addressSpace.list': { list: 'addressSpace', filters: () => [{}, { name: 'bolt-space' }, { name: 'common-space' }] },
  'addressSpace.get': { one: (it) => [{ id: it.space }] },
  'addressSpace.create': { public: { name: 'new' } },
  'addressSpace.amend': { change: (it) => [{ id: it.space, patch: { coolDownSeconds: 5 } }] },

  'addressBlock.list': {
    list: 'addressBlock',
    filters: (it) => [
      {},
      { spaceId: it.space },
      { parentId: it.block },
      { parentId: null },
      { within: '10.0.0.0/8' },
      { asOf: justNow() },
      { nodeId: it.rack },
    ],
  },
  'addressBlock.get': { one: (it) => [{ id: it.block }, { id: it.child }, { id: it.child, asOf: justNow() }] },
  'addressBlock.available': { one: (it) => [{ id: it.block }, { id: it.child, prefixLength: 28 }] },
  'addressBlock.create': {
    change: (it, own) => [
      { spaceId: it.space, cidr: '10.250.0.0/16' },
      { spaceId: own.space, cidr: '10.251.0.0/16', nodeId: it.rack },
    ],
  },
  'addressBlock.amend': {
    change: (it, own) => [
      { id: it.block, patch: { isPool: true } },
      { id: own.block, patch: { nodeId: it.site } },
    ],
  },
  'addressBlock.remove': { change: (it) => [{ id: it.child }, { id: it.block }] },

  'address.list': {
    list: 'address',
    filters: (it) => [{}, { spaceId: it.space }, { nodeId: it.port }, { address: '10.1.1.1' }, { asOf: justNow() }],
  },
  'address.get': { one: (it) => [{ id: it.address }, { id: it.address, asOf: justNow() }] },
  'address.record': {
    change: (it, own) => [
      { spaceId: it.space, address: '10.9.9.9' },
      { spaceId: own.space, address: '10.9.9.9', nodeId: it.port },
    ],
  },
  'address.remove': { change: (it) => [{ id: it.address }] },

  'numberDomain.list': { list: 'numberDomain', filters: () => [{}, { name: 'bolt-domain' }, { kind: 'vlan' }] },
  'numberDomain.get': { one: (it) => [{ id: it.domain }] },
  'numberDomain.create': { change: (it) => [{ name: 'new', kind: 'vlan', nodeId: it.rack }] },
  'numberDomain.amend': {
    change: (it, own) => [
      { id: it.domain, patch: { coolDownSeconds: 5 } },
      { id: own.domain, patch: { nodeId: it.rack } },
      { id: own.domain, patch: { nodeId: it.site } },
    ],
  },
  'numberRange.list': { list: 'numberRange', filters: (it) => [{}, { domainId: it.domain }] },
  'numberRange.get': { one: (it) => [{ id: it.range }] },
  'numberRange.available': { one: (it) => [{ id: it.range }, { domainId: it.domain }] },
  'numberRange.create': { change: (it) => [{ domainId: it.domain, start: 100, end: 110 }] },
  'numberRange.amend': { change: (it) => [{ id: it.range, patch: { end: 60 } }] },
  'number.list': {
    list: 'number',
    filters: (it) => [
      {},
      { domainId: it.domain },
      { value: 7 },
      { value: 21 },
      { nodeId: it.rack },
      { asOf: justNow() },
    ],
  },
  'number.record': {
    change: (it, own) => [
      { domainId: it.domain, value: 9 },
      { domainId: own.domain, value: 9, nodeId: it.rack },
    ],
  },

  'allocation.list': {
    list: 'allocation',
    filters: (it) => [
      {},
      { environmentId: it.environment },
      { consumerService: 'bolt' },
      { nodeId: it.server },
      { nodeId: it.server, asOf: justNow() },
      { domainId: it.domain },
    ],
  },
  'allocation.get': { one: (it) => [{ id: it.allocation }, { id: it.allocation, asOf: justNow() }], of: 'scope' },
  'allocation.earliest': {
    change: (it, own) => [
      reserving(own.environment, { what: 'node', nodeId: it.second }),
      reserving(own.environment, { what: 'capacity', nodeId: it.island, class: 'vcpu', amount: 1 }),
    ],
    of: 'taking',
  },
  'allocation.reserve': {
    change: (it, own) => [
      reserving(own.environment, { what: 'node', nodeId: it.second }),
      reserving(own.environment, { what: 'number', domainId: it.domain }),
      reserving(own.environment, { what: 'place', resources: [{ kind: 'server' }], location: it.site }),
      reserving(own.environment, {
        what: 'place',
        resources: [{ kind: 'server' }],
        pools: [{ is: 'in', poolIds: [it.pool] }],
      }),
      reserving(own.environment, { what: 'number', rangeId: it.range }),
      reserving(own.environment, { what: 'number', domainId: own.domain, rangeId: it.range }),
      reserving(own.environment, { what: 'capacity', nodeId: it.island, class: 'vcpu', amount: 1 }),
      reserving(own.environment, { what: 'address', blockId: it.child }),
      reserving(own.environment, { what: 'block', blockId: it.block, prefixLength: 24 }),
      reserving(it.environment, { what: 'node', nodeId: own.second }),
    ],
    of: 'taking',
  },
  'allocation.replace': {
    change: (it, own) => [
      { id: it.allocation, version: 1, items: [] },
      { id: own.allocation, version: 1, items: [{ what: 'node', nodeId: it.second }] },
      { id: own.allocation, version: 1, items: [{ what: 'capacity', nodeId: it.island, class: 'vcpu', amount: 1 }] },
    ],
    of: 'taking',
  },
  'allocation.batch': {
    change: (it, own) =>
      [
        { op: 'release', id: it.allocation, version: 1 },
        { op: 'replace', id: own.allocation, version: 1, items: [{ what: 'number', domainId: it.domain }] },
        { op: 'create', ...reserving(own.environment, { what: 'node', nodeId: it.second }) },
      ].map((operation) => ({ operations: [operation] })),
    of: 'taking',
  },
  'allocation.bind': {
    change: (it) => [{ tenantId: it.tenant ?? 'tnt_01jz0000000000000000000000', taskId: it.task }],
    of: 'scope',
  },
  'allocation.confirm': { change: (it) => [{ id: it.allocation }], of: 'scope' },
  'allocation.renew': { change: (it) => [{ id: it.allocation, ttlSeconds: 60 }], of: 'scope' },
  'allocation.release': { change: (it) => [{ id: it.allocation }], of: 'scope' },
  'refusal.list': { list: 'refusal', filters: (it) => [{}, { environmentId: it.environment }] },
  'refusal.get': { one: (it) => [{ id: it.refusal }], of: 'scope' },
  'usage.now': { one: (it) => [{ scopeId: it.environment }], of: 'scope' },
  'usage.between': { one: (it) => [{ scopeId: it.environment, ...everyDay }], of: 'scope' },

  'observation.report': { closed: { source: 'wall', sightings: [{ ...sighting, externalId: 'bolt-secret' }] } },
  'observation.list': { list: 'observation', filters: (it) => [{}, { nodeId: it.server }, { source: 'wall' }] },
  'finding.report': { closed: { source: 'wall', sightings: [{ ...sighting, resource: 'bolt-secret' }] } },
  'finding.list': {
    list: 'finding',
    filters: (it) => [{}, { nodeId: it.server }, { source: 'wall' }, { kind: ['drift'] }],
  },
  'finding.get': { one: (it) => [{ id: it.finding }] },
  'finding.accept': { change: (it) => [{ id: it.finding, note: 'known' }] },
  'finding.repair': { change: (it) => [{ id: it.finding }] },
  'finding.resolve': { change: (it) => [{ id: it.finding, note: 'done' }] },

  'import.create': { atTheDoor: 'makes what names no thing of a tenant' },
  'import.stage': { atTheDoor: 'changes an import, and answers with it alone' },
  'import.start': { atTheDoor: 'changes an import, and answers with it alone' },
  'import.get': { closed: { id: 'imp_01jz0000000000000000000000' } },
  'import.list': { closed: {} },
  'import.results': { closed: { id: 'imp_01jz0000000000000000000000' } },
  'import.cancel': { atTheDoor: 'changes an import, and answers with it alone' },
  'feed.page': { closed: { afterPos: 0 } },
  'feed.versions': { closed: {} },
  'invariant.list': { closed: {} },
  'usage.count': { closed: { scopeId: 'platform', version: 1 } },
  'projection.apply': { closed: {} },
  'policyTrial.list': { closed: { scopeId: 'platform', values: {} } },
};

/** Who looks: what of the graph is theirs to see, and of which owner they see the scopes. */
export interface Viewer {
  readonly sees: readonly Owner[];
  readonly scopes: readonly Owner[];
}
