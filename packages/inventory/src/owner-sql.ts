// Whose a thing is: its own tenant, else that of what it lies in, the nearest first; null is the platform's. Walked like containment
// itself: a stored owner would be wrong the moment that a rack moves or a prefix comes between.

/** What has an owner, or joins things that have one. */
export type Noun =
  | 'node'
  | 'edge'
  | 'addressSpace'
  | 'addressBlock'
  | 'address'
  | 'numberDomain'
  | 'numberRange'
  | 'number';

interface Owned {
  readonly table: string;
  /** What every select calls a row of the table. */
  readonly as: string;
  /** Whether a row is seen, by the owners of what it is made of. */
  readonly seen: (row: string, sees: (owner: string) => string) => string;
  /** Ids among which all live rows of these tenants are, of nodes the retired too, found by index: for lists, where few of many rows are theirs. */
  readonly among: (tenants: string) => string;
}

const ownerAbove = (table: string, row: string): string =>
  `(with recursive owner_up (parent_id, tenant_id) as (
      select ${row}.parent_id, null::uuid
      union
      select owner_above.parent_id, owner_above.tenant_id from ${table} owner_above join owner_up on owner_above.id = owner_up.parent_id where owner_up.tenant_id is null
    ) select tenant_id from owner_up where tenant_id is not null)`;

const nodeOwner = (row: string): string => `coalesce(${row}.tenant_id, ${ownerAbove('node', row)})`;

const spaceOwner = (row: string): string =>
  `(select owner_space.tenant_id from address_space owner_space where owner_space.id = ${row}.space_id)`;

const blockOwner = (row: string): string =>
  `coalesce(${row}.tenant_id, ${ownerAbove('address_block', row)}, ${spaceOwner(row)})`;

// The prefixes that hold a host are one chain of parents, so the longest with a tenant is the nearest. An address that has ended
// lies in what held it then.
const addressOwner = (row: string): string => {
  const home = (alive: string): string =>
    `(select owner_home.tenant_id from address_block owner_home where owner_home.space_id = ${row}.space_id and owner_home.cidr >>= ${row}.host
      and owner_home.tenant_id is not null and ${alive} order by masklen(owner_home.cidr) desc limit 1)`;
  const then = home(`coalesce(owner_home.ended_at >= ${row}.ended_at, true)`);
  return `coalesce(${row}.tenant_id, case when ${row}.ended_at is null then ${home('owner_home.ended_at is null')} else ${then} end, ${spaceOwner(row)})`;
};

const domainOwner = (row: string): string =>
  `(select ${nodeOwner('owner_place')} from node owner_place where owner_place.id = ${row}.node_id)`;

const ownerOfDomain = (row: string): string =>
  `(select ${domainOwner('owner_domain')} from number_domain owner_domain where owner_domain.id = ${row}.domain_id)`;

const nodesOf = (tenants: string): string =>
  `with recursive owned (id) as (
     select h.id from node h where h.tenant_id = any(${tenants})
     union all
     select c.id from node c join owned on c.parent_id = owned.id where c.tenant_id is null
   ) select id from owned`;

const domainsOf = (tenants: string): string =>
  `select h.id from number_domain h where h.node_id in (${nodesOf(tenants)})`;

const by =
  (owner: (row: string) => string): Owned['seen'] =>
  (row, sees) =>
    sees(owner(row));

export const owned: Readonly<Record<Noun, Owned>> = {
  node: { table: 'node', as: 'n', seen: by(nodeOwner), among: nodesOf },
  // An edge is its ends: who may not know one of them may not know that they are joined.
  edge: {
    table: 'edge',
    as: 'd',
    seen: (row, sees) =>
      `not exists (select from edge_end owner_end join node owner_node on owner_node.id = owner_end.node_id where owner_end.edge_id = ${row}.id and not ${sees(nodeOwner('owner_node'))})`,
    among: (tenants) => `select h.edge_id from edge_end h where h.live and h.node_id in (${nodesOf(tenants)})`,
  },
  addressSpace: {
    table: 'address_space',
    as: 's',
    seen: by((row) => `${row}.tenant_id`),
    among: (tenants) => `select h.id from address_space h where h.tenant_id = any(${tenants}) and h.ended_at is null`,
  },
  addressBlock: {
    table: 'address_block',
    as: 'b',
    seen: by(blockOwner),
    among: (tenants) => `with recursive owned (id) as (
       (select h.id from address_block h where h.tenant_id = any(${tenants}) and h.ended_at is null
        union all
        select h.id from address_space s join address_block h on h.space_id = s.id where s.tenant_id = any(${tenants}) and s.ended_at is null and h.parent_id is null and h.ended_at is null)
       union all
       select c.id from address_block c join owned on c.parent_id = owned.id where c.tenant_id is null and c.ended_at is null
     ) select id from owned`,
  },
  address: {
    table: 'address',
    as: 'a',
    seen: by(addressOwner),
    among: (tenants) => `select h.id from address h where h.tenant_id = any(${tenants}) and h.ended_at is null
       union all
       select h.id from address_block b join address h on h.space_id = b.space_id and h.host between host(network(b.cidr))::inet and host(broadcast(b.cidr))::inet
       where b.tenant_id = any(${tenants}) and b.ended_at is null and h.ended_at is null
       union all
       select h.id from address_space s join address h on h.space_id = s.id where s.tenant_id = any(${tenants}) and s.ended_at is null and h.ended_at is null`,
  },
  numberDomain: { table: 'number_domain', as: 'd', seen: by(domainOwner), among: domainsOf },
  numberRange: {
    table: 'number_range',
    as: 'r',
    seen: by(ownerOfDomain),
    among: (tenants) =>
      `select h.id from number_range h where h.ended_at is null and h.domain_id in (${domainsOf(tenants)})`,
  },
  number: {
    table: 'number',
    as: 'm',
    seen: by((row) => `coalesce(${row}.tenant_id, ${ownerOfDomain(row)})`),
    among: (tenants) => `select h.id from number h where h.tenant_id = any(${tenants}) and h.ended_at is null
       union all
       select h.id from number h where h.ended_at is null and h.domain_id in (${domainsOf(tenants)})`,
  },
};
