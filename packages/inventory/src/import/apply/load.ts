// Reads only, in the transaction that writes. What a concurrent allocation changes between reading and writing is caught by the
// constraints, and the import is tried again.
import type { Tx } from '@sentral/kernel/database';
import type { OwnResource, ResourceType } from '../change-set.js';
import { parseAddress } from '../ip.js';
import type { Known, KindRule, RackShape, Staged, Surroundings } from './plan.js';
import { tables, writeOrder } from './tables.js';

/** The rows of an import that wait for a verdict, in the order of the file. */
export async function listStaged(tx: Tx, importId: string): Promise<readonly Staged[]> {
  const rows = await tx.sql<{
    line: number;
    op: 'upsert' | 'delete';
    key: string;
    ifMatch: number | null;
    resource: OwnResource | null;
  }>`
    select line, op, external_id as key, if_match as "ifMatch", resource from import_row
    where import_id = ${importId} and line > 0 and op <> 'skip' and outcome is null and resource_type is distinct from 'tenant' order by line`;
  return rows.map(({ ifMatch, resource, ...row }) => ({
    ...row,
    ifMatch: ifMatch ?? undefined,
    resource: resource ?? undefined,
  }));
}

/** Every key of a row that was refused while it was read: it is named, so it has not vanished. */
export async function listRefusedKeys(tx: Tx, importId: string): Promise<readonly string[]> {
  const rows = await tx.sql<{
    key: string;
  }>`select external_id as key from import_row where import_id = ${importId} and outcome = 'refused'`;
  return rows.map(({ key }) => key);
}

/** What this source has in the database and lives. */
export async function listKnown(tx: Tx, source: string): Promise<Map<string, Known>> {
  const known = new Map<string, Known>();
  for (const type of writeOrder) {
    const { name, live, columns } = tables[type];
    const kind = type === 'node' || type === 'numberDomain' ? 't.kind' : 'null::text';
    const tenant = 'tenant_id' in columns ? 't.tenant_id' : 'null::uuid';
    const rows = (await tx.unsafe(
      `select e.external_id as key, t.id, t.version, ${kind} as kind, ${tenant} as "tenantId" from external_id e join ${name} t on t.id = e.resource_id
       where e.source = $1 and e.resource_type = $2 and t.${live}`,
      [source, type],
    )) as unknown as readonly (Omit<Known, 'type' | 'kind'> & { key: string; kind: string | null })[];
    for (const { key, kind: of, ...row } of rows) known.set(key, { type, ...row, kind: of ?? undefined });
  }
  return known;
}

/** Everything that its rules look at beside the set itself; `moving` are the ids of what the set writes or ends, which lets go of what it has. */
export async function surroundingsOf(
  tx: Tx,
  known: ReadonlyMap<string, Known>,
  moving: ReadonlySet<string>,
): Promise<Surroundings> {
  const ids = (type: ResourceType): string[] =>
    [...known.values()].filter((each) => each.type === type).map(({ id }) => id);
  const movingIds = (type: ResourceType): string[] => ids(type).filter((id) => moving.has(id));
  const keyOf = new Map([...known].map(([key, { id }]) => [id, key]));
  const kinds = await tx.sql<
    KindRule & { key: string }
  >`select key, category, allowed_parents as "allowedParents", is_connectable as "isConnectable" from kind`;
  const blocks = await tx.sql<{ id: string; spaceId: string; cidr: string; parentId: string | null }>`
    select id, space_id as "spaceId", cidr::text as cidr, parent_id as "parentId" from address_block
    where space_id = any(${ids('addressSpace')}::uuid[]) and ended_at is null order by id`;
  const hosts = await tx.sql<{ scope: string; host: string }>`
    select space_id as scope, host(host) as host from address_hold
    where space_id = any(${ids('addressSpace')}::uuid[]) and free_at > now() and (address_id is null or address_id <> all(${movingIds('address')}::uuid[]))`;
  const numbers = await tx.sql<{ scope: string; value: number }>`
    select domain_id as scope, value from number_hold
    where domain_id = any(${ids('numberDomain')}::uuid[]) and free_at > now() and (number_id is null or number_id <> all(${movingIds('number')}::uuid[]))`;
  const traits = await tx.sql<{ key: string }>`select key from trait`;
  const cabled = await tx.sql<{ id: string }>`
    select x.node_id as id from edge_end x where x.edge_type = 'connects' and x.live and x.node_id = any(${ids('node')}::uuid[]) and x.edge_id <> all(${movingIds('edge')}::uuid[])`;
  const claims = await tx.sql<{ rack: string; layer: string; face: string; from: number; to: number }>`
    select rack_id as rack, layer, face, lower(half_units) as "from", upper(half_units) as "to" from rack_claim
    where rack_id = any(${ids('node')}::uuid[]) and (node_id is null or node_id <> all(${movingIds('node')}::uuid[]))
      and (reservation_id is null or reservation_id <> all(${movingIds('rackReservation')}::uuid[]))`;
  const ranges = await tx.sql<{ domainId: string; start: number; end: number }>`
    select domain_id as "domainId", lower(numbers) as start, upper(numbers) - 1 as "end" from number_range
    where domain_id = any(${ids('numberDomain')}::uuid[]) and ended_at is null and id <> all(${movingIds('numberRange')}::uuid[])`;
  const racks = await tx.sql<RackShape & { id: string }>`
    select node_id as id, height_half_units as "heightHalfUnits", starting_unit as "startingUnit" from rack where node_id = any(${ids('node')}::uuid[])`;
  const held = [
    ...hosts.map(({ scope, host }) => {
      const address = parseAddress(host);
      return `${scope} ${address?.family} ${address?.value}`;
    }),
    ...numbers.map(({ scope, value }) => `${scope} ${value}`),
  ];
  return {
    kinds: new Map(kinds.map((kind) => [kind.key, kind])),
    traits: new Set(traits.map(({ key }) => key)),
    blocks,
    heldElsewhere: new Set(held),
    cabledElsewhere: new Set(cabled.map(({ id }) => id)),
    claimedElsewhere: new Set(
      claims.flatMap(({ rack, layer, face, from, to }) =>
        Array.from({ length: to - from }, (_, n) => `${rack}/${layer}/${face}/${from + n}`),
      ),
    ),
    rangesElsewhere: ranges,
    racks: new Map(racks.map((rack) => [keyOf.get(rack.id) ?? rack.id, rack])),
  };
}

/** Parts of edges and devices as they are, to tell a change of them: a part changes with its owner's version. */
export async function listParts(tx: Tx, known: ReadonlyMap<string, Known>): Promise<ReadonlyMap<string, string>> {
  const ids = (type: ResourceType): string[] =>
    [...known.values()].filter((each) => each.type === type).map(({ id }) => id);
  const ends = await tx.sql<{ id: string; part: string }>`
    select edge_id as id, string_agg(side || node_id, ' ' order by side, ordinal) as part from edge_end where edge_id = any(${ids('edge')}::uuid[]) group by edge_id`;
  const places = await tx.sql<{ id: string; part: string }>`
    select node_id as id, string_agg(rack_id || face || mounted || half_units, ' ' order by face) as part from rack_claim where node_id = any(${ids('node')}::uuid[]) group by node_id`;
  return new Map([...ends, ...places].map(({ id, part }) => [id, part]));
}
