import type { Prefix } from '@sentral/contracts/ids';
import type { InventoryEventName } from '@sentral/contracts/inventory-events';
import type { OwnResource, ResourceType } from '../change-set.js';
import { canonicalCidr } from './values.js';

/** What a resource's columns need of the rest of the set. */
export interface Resolve {
  id(key: string): string;
  tenant(key: string): string;
  kindOf(key: string): string;
  parentOf(blockId: string): { readonly id: string; readonly cidr: string } | null;
  isBeside(id: string): boolean;
}

export interface Table {
  readonly name: string;
  /** What is said of it. */
  readonly events: { readonly [happened in 'made' | 'changed' | 'ended']: InventoryEventName };
  readonly prefix: Prefix | undefined;
  /** Column to SQL type. */
  readonly columns: Readonly<Record<string, string>>;
  /** Columns that keep what they have where the set says nothing. */
  readonly kept: readonly string[];
  /** True of a row that lives. */
  readonly live: string;
  /** What ends a row, beside its version. */
  readonly end: string;
  values(
    row: { readonly id: string; readonly resource: OwnResource },
    resolve: Resolve,
  ): Readonly<Record<string, unknown>>;
}

const endedAt = { live: 'ended_at is null', end: 'ended_at = now()' };
const plain = <N extends string>(noun: N) =>
  ({ made: `${noun}.created`, changed: `${noun}.amended`, ended: `${noun}.removed` }) as const;
const owner = { node_id: 'uuid', tenant_id: 'uuid' };
const optional = (key: string | undefined, resolve: Resolve): string | null =>
  key === undefined ? null : resolve.id(key);
const tenantOf = ({ tenant }: { readonly tenant?: string }, resolve: Resolve): string | null =>
  tenant === undefined ? null : resolve.tenant(tenant);

type Maker<T extends ResourceType> = (
  resource: Extract<OwnResource, { type: T }>,
  resolve: Resolve,
  id: string,
) => Readonly<Record<string, unknown>>;

function table<T extends ResourceType>(
  _type: T,
  spec: Omit<Table, 'values' | 'kept'> & { readonly kept?: readonly string[] },
  make: Maker<T>,
): Table {
  return {
    kept: [],
    ...spec,
    values: ({ id, resource }, resolve) => make(resource as Extract<OwnResource, { type: T }>, resolve, id),
  };
}

/** How each type of resource lies in its table. */
export const tables: { readonly [T in ResourceType]: Table } = {
  node: table(
    'node',
    {
      name: 'node',
      events: { made: 'node.registered', changed: 'node.amended', ended: 'node.retired' },
      prefix: 'nod',
      columns: {
        kind: 'text',
        name: 'text',
        parent_id: 'uuid',
        tenant_id: 'uuid',
        attributes: 'jsonb',
        labels: 'jsonb',
        traits: 'text[]',
      },
      kept: ['labels', 'traits'],
      live: "state <> 'retired'",
      end: "state = 'retired'",
    },
    (node, resolve) => ({
      kind: node.kind,
      name: node.name ?? null,
      parent_id: optional(node.parent, resolve),
      tenant_id: tenantOf(node, resolve),
      attributes: node.attributes ?? {},
      labels: node.labels ?? null,
      traits: node.traits ?? null,
    }),
  ),
  edge: table(
    'edge',
    {
      name: 'edge',
      events: { made: 'edge.connected', changed: 'edge.amended', ended: 'edge.disconnected' },
      prefix: 'edg',
      columns: { edge_type: 'text', attributes: 'jsonb' },
      live: 'live',
      end: 'live = false, ended_at = now()',
    },
    (edge) => ({ edge_type: edge.edgeType, attributes: edge.attributes ?? {} }),
  ),
  addressSpace: table(
    'addressSpace',
    {
      name: 'address_space',
      events: plain('addressSpace'),
      prefix: 'spc',
      columns: { name: 'text', attributes: 'jsonb', tenant_id: 'uuid' },
      ...endedAt,
    },
    (space, resolve) => ({
      name: space.name,
      attributes: space.attributes ?? {},
      tenant_id: tenantOf(space, resolve),
    }),
  ),
  addressBlock: table(
    'addressBlock',
    {
      name: 'address_block',
      events: plain('addressBlock'),
      prefix: 'blk',
      columns: {
        space_id: 'uuid',
        parent_id: 'uuid',
        parent_cidr: 'cidr',
        cidr: 'cidr',
        is_pool: 'boolean',
        mark_utilized: 'boolean',
        status: 'text',
        attributes: 'jsonb',
        ...owner,
      },
      ...endedAt,
    },
    (block, resolve, id) => {
      const parent = resolve.parentOf(id);
      return {
        space_id: resolve.id(block.space),
        parent_id: parent?.id ?? null,
        parent_cidr: parent?.cidr ?? null,
        cidr: canonicalCidr(block.cidr),
        is_pool: block.isPool ?? false,
        mark_utilized: block.markUtilized ?? false,
        status: block.status ?? 'active',
        attributes: block.attributes ?? {},
        node_id: optional(block.node, resolve),
        tenant_id: tenantOf(block, resolve),
      };
    },
  ),
  addressRange: table(
    'addressRange',
    {
      name: 'address_range',
      events: plain('addressRange'),
      prefix: undefined,
      columns: { space_id: 'uuid', first_host: 'inet', last_host: 'inet', attributes: 'jsonb' },
      ...endedAt,
    },
    (range, resolve) => ({
      space_id: resolve.id(range.space),
      first_host: range.start,
      last_host: range.end,
      attributes: range.attributes ?? {},
    }),
  ),
  address: table(
    'address',
    {
      name: 'address',
      events: { ...plain('address'), made: 'address.recorded' },
      prefix: 'adr',
      columns: {
        space_id: 'uuid',
        host: 'inet',
        prefix_length: 'integer',
        occupies: 'boolean',
        attributes: 'jsonb',
        ...owner,
      },
      ...endedAt,
    },
    (address, resolve, id) => ({
      space_id: resolve.id(address.space),
      host: address.address,
      prefix_length: address.prefixLength,
      occupies: !resolve.isBeside(id),
      attributes: address.attributes ?? {},
      node_id: optional(address.node, resolve),
      tenant_id: tenantOf(address, resolve),
    }),
  ),
  numberDomain: table(
    'numberDomain',
    {
      name: 'number_domain',
      events: plain('numberDomain'),
      prefix: 'ndm',
      columns: { name: 'text', kind: 'text', pooled: 'boolean', attributes: 'jsonb', node_id: 'uuid' },
      ...endedAt,
    },
    (domain, resolve) => ({
      name: domain.name,
      kind: domain.kind,
      pooled: domain.pooled,
      attributes: domain.attributes ?? {},
      node_id: optional(domain.node, resolve),
    }),
  ),
  numberRange: table(
    'numberRange',
    {
      name: 'number_range',
      events: plain('numberRange'),
      prefix: 'rng',
      columns: { domain_id: 'uuid', domain_kind: 'text', numbers: 'int8range' },
      ...endedAt,
    },
    (range, resolve) => ({
      domain_id: resolve.id(range.domain),
      domain_kind: resolve.kindOf(range.domain),
      numbers: `[${range.start},${range.end + 1})`,
    }),
  ),
  number: table(
    'number',
    {
      name: 'number',
      events: { ...plain('number'), made: 'number.recorded' },
      prefix: undefined,
      columns: {
        domain_id: 'uuid',
        domain_kind: 'text',
        value: 'bigint',
        name: 'text',
        occupies: 'boolean',
        attributes: 'jsonb',
        ...owner,
      },
      ...endedAt,
    },
    (number, resolve, id) => ({
      domain_id: resolve.id(number.domain),
      domain_kind: resolve.kindOf(number.domain),
      value: number.value,
      name: number.name ?? null,
      occupies: !resolve.isBeside(id),
      attributes: number.attributes ?? {},
      node_id: optional(number.node, resolve),
      tenant_id: tenantOf(number, resolve),
    }),
  ),
  rackReservation: table(
    'rackReservation',
    {
      name: 'rack_reservation',
      events: plain('rackReservation'),
      prefix: undefined,
      columns: { rack_id: 'uuid', units: 'integer[]', attributes: 'jsonb' },
      ...endedAt,
    },
    (reservation, resolve) => ({
      rack_id: resolve.id(reservation.rack),
      units: reservation.units,
      attributes: reservation.attributes ?? {},
    }),
  ),
  deviceType: table(
    'deviceType',
    {
      name: 'device_type',
      events: { ...plain('deviceType'), made: 'deviceType.registered' },
      prefix: undefined,
      columns: {
        manufacturer: 'text',
        model: 'text',
        slug: 'text',
        height_half_units: 'integer',
        full_depth: 'boolean',
        attributes: 'jsonb',
        components: 'jsonb',
      },
      ...endedAt,
    },
    (type) => ({
      manufacturer: type.manufacturer,
      model: type.model,
      slug: type.slug,
      height_half_units: type.heightHalfUnits,
      full_depth: type.fullDepth,
      attributes: type.attributes,
      components: type.components,
    }),
  ),
};

/** References before what refers: nodes, then what stands on them. */
export const writeOrder: readonly ResourceType[] = [
  'node',
  'rackReservation',
  'edge',
  'addressSpace',
  'addressBlock',
  'addressRange',
  'address',
  'numberDomain',
  'numberRange',
  'number',
  'deviceType',
];
