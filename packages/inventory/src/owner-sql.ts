// Whose a thing is: its own tenant, else that of what it lies in, the nearest first; null is the platform's. Walked like containment
// itself: a stored owner would be wrong the moment that a rack moves or a prefix comes between.

/** What has an owner, or joins things that have one. */
export type Noun =
  | 'node'
  | 'edge'
  | 'pool'
  | 'addressSpace'
  | 'addressBlock'
  | 'address'
  | 'numberDomain'
  | 'numberRange'
  | 'number'
  | 'observation'
  | 'finding';

interface Owned {
  readonly table: string;
  /** What every select calls a row of the table. */
  readonly as: string;
  /** Whether a row is seen, by the owners of what it is made of. */
  readonly seen: (row: string, sees: (owner: string) => string) => string;
  /** The ids of exactly the live rows of these tenants, of nodes the retired too, from the tenants down: for lists, where few of many rows are theirs. */
  readonly among: (tenants: string) => string;
}

const ownerAbove = (table: string, row: string): string =>
  `(with recursive owner_up (parent_id, tenant_id) as (
      select ${row}.parent_id, null::uuid
      union
      select owner_above.parent_id, owner_above.tenant_id from ${table} owner_above join owner_up on owner_above.id = owner_up.parent_id where owner_up.tenant_id is null
    ) select tenant_id from owner_up where tenant_id is not null)`;

export const nodeOwner = (row: string): string => `coalesce(${row}.tenant_id, ${ownerAbove('node', row)})`;

const ownerOfNode = (row: string): string =>
  `(select ${nodeOwner('owner_place')} from node owner_place where owner_place.id = ${row}.node_id)`;

const spaceOwner = (row: string): string =>
  `(select owner_space.tenant_id from address_space owner_space where owner_space.id = ${row}.space_id)`;

const blockOwner = (row: string): string =>
  `coalesce(${row}.tenant_id, ${ownerAbove('address_block', row)}, ${spaceOwner(row)})`;

// From the roots of the space down to the prefix that holds the host: a step is one probe of the exclusion's index. An address that
// has ended lies in what held it then, which no index knows: it is asked for by id alone.
const addressOwner = (row: string): string => {
  const holds = (alive: string, parent: string): string =>
    `owner_home.space_id = ${row}.space_id and coalesce(owner_home.parent_id, owner_home.space_id) = ${parent} and owner_home.cidr >>= ${row}.host and ${alive}`;
  const home = (alive: string): string =>
    `(with recursive owner_down (id, tenant_id, depth) as (
        select owner_home.id, owner_home.tenant_id, 0 from address_block owner_home where ${holds(alive, `${row}.space_id`)}
        union all
        select owner_home.id, owner_home.tenant_id, owner_down.depth + 1 from owner_down join address_block owner_home on ${holds(alive, 'owner_down.id')}
      ) select tenant_id from owner_down where tenant_id is not null order by depth desc limit 1)`;
  const then = home(`coalesce(owner_home.ended_at >= ${row}.ended_at, true)`);
  return `coalesce(${row}.tenant_id, case when ${row}.ended_at is null then ${home('owner_home.ended_at is null')} else ${then} end, ${spaceOwner(row)})`;
};

const ownerOfDomain = (row: string): string =>
  `(select ${ownerOfNode('owner_domain')} from number_domain owner_domain where owner_domain.id = ${row}.domain_id)`;

// `offset 0` keeps the step a probe of the index by parent: joined freely, it would read the whole table once a level.
const withNodesOf = (tenants: string): string =>
  `with recursive owned (id) as (
     select h.id from node h where h.tenant_id = any(${tenants})
     union all
     select c.id from owned, lateral (select c.id from node c where c.parent_id = owned.id and c.tenant_id is null offset 0) c
   )`;

const nodesOf = (tenants: string): string => `${withNodesOf(tenants)} select id from owned`;

const blocksOf = (tenants: string): string =>
  `with recursive owned (id) as (
       (select h.id from address_block h where h.tenant_id = any(${tenants}) and h.ended_at is null
        union all
        select h.id from address_space s join address_block h on h.space_id = s.id where s.tenant_id = any(${tenants}) and s.ended_at is null and h.parent_id is null and h.tenant_id is null and h.ended_at is null)
       union all
       select c.id from owned, lateral (
         select c.id from address_block c where c.parent_id = owned.id and c.tenant_id is null and c.ended_at is null offset 0) c
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
    among: (tenants) => `${withNodesOf(tenants)}, touched as (
       select distinct h.edge_id from edge_end h join owned on owned.id = h.node_id where h.live
     ) select edge_id from touched where not exists (
       select from edge_end h where h.edge_id = touched.edge_id and h.node_id not in (select id from owned))`,
  },
  pool: {
    table: 'pool',
    as: 'p',
    seen: by((row) => `${row}.tenant_id`),
    among: (tenants) => `select h.id from pool h where h.tenant_id = any(${tenants}) and h.ended_at is null`,
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
    among: blocksOf,
  },
  address: {
    table: 'address',
    as: 'a',
    seen: by(addressOwner),
    // Of the hosts of a prefix, those that lie in none of its children; of a space, those that lie in none of its roots.
    among: (tenants) => `select h.id from address h where h.tenant_id = any(${tenants}) and h.ended_at is null
       union all
       select l.id from address_block b, lateral (
         select l.id from address l where l.space_id = b.space_id and l.tenant_id is null and l.ended_at is null
           and l.host between host(network(b.cidr))::inet and host(broadcast(b.cidr))::inet
           and not exists (select from address_block o where o.parent_id = b.id and o.ended_at is null and o.cidr >>= l.host) offset 0) l
       where b.id = any(array(${blocksOf(tenants)})) and b.ended_at is null
       union all
       select l.id from address_space s, lateral (
         select l.id from address l where l.space_id = s.id and l.tenant_id is null and l.ended_at is null
           and not exists (select from address_block o where o.space_id = s.id and o.ended_at is null and o.cidr >>= l.host) offset 0) l
       where s.tenant_id = any(${tenants}) and s.ended_at is null`,
  },
  numberDomain: { table: 'number_domain', as: 'd', seen: by(ownerOfNode), among: domainsOf },
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
       select h.id from number h where h.ended_at is null and h.tenant_id is null and h.domain_id in (${domainsOf(tenants)})`,
  },
  observation: {
    table: 'observation',
    as: 'o',
    seen: by(ownerOfNode),
    among: (tenants) => `select h.id from observation h where h.node_id in (${nodesOf(tenants)})`,
  },
  // What was found of a thing stays its owner's of that time; whose it is then has findings of its own.
  finding: {
    table: 'finding',
    as: 'f',
    seen: by((row) => `${row}.tenant_id`),
    among: (tenants) => `select h.id from finding h where h.tenant_id = any(${tenants})`,
  },
};
