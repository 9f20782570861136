// Reads only, in the transaction that writes. What a concurrent allocation changes between reading and writing is caught by the
// constraints, and the import is tried again.
import type { Tx } from '@sentral/kernel/database';
import type { OwnResource, ResourceType } from '../change-set.js';
import { parseAddress } from '../ip.js';
import { typeKey, type Known, type KindRule, type RackShape, type Staged, type Surroundings } from './plan.js';
import { tables, writeOrder } from './tables.js';

// Pages are bounded by what an index holds and joins are done here: the statistics know nothing of an import that has just been staged
// or of one that has just ended, and a plan made by them reads all rows for each page, or for each row (2026-11-26: 37 s for the join
// of 87,519 keys with what they name, right after they were made).
const pageRows = 2000;

/** What a row says that no rule asks for; it is read again when the row is written (`listResources`). */
const flesh = ['attributes', 'labels', 'traits', 'components'];

/** The rows of an import that wait for a verdict, in the order of the file, without their flesh; a rack keeps its attributes, which say its shape. */
export async function listStaged(tx: Tx, importId: string): Promise<readonly Staged[]> {
  const [end] = await tx.sql<{ line: number | null }>`
    select max(line) as line from import_row where import_id = ${importId}`;
  const staged: Staged[] = [];
  for (let after = 0; after < (end?.line ?? 0); after += pageRows) {
    const rows = await tx.sql<{
      line: number;
      op: 'upsert' | 'delete';
      key: string;
      ifMatch: number | null;
      resource: OwnResource | null;
    }>`
      select line, op, external_id as key, if_match as "ifMatch",
        resource - case when resource ->> 'kind' = 'rack' then '{}' else ${flesh}::text[] end as resource from import_row
      where import_id = ${importId} and line > ${after} and line <= ${after + pageRows}
        and op <> 'skip' and outcome is null and resource_type is distinct from 'tenant' order by line`;
    for (const { ifMatch, resource, ...row } of rows)
      staged.push({ ...row, ifMatch: ifMatch ?? undefined, resource: resource ?? undefined });
  }
  return staged;
}

/** Rows of an import as they were staged, whole, by their line. */
export async function listResources(
  tx: Tx,
  importId: string,
  lines: readonly number[],
): Promise<ReadonlyMap<number, OwnResource>> {
  const rows = await tx.sql<{ line: number; resource: OwnResource }>`
    select line, resource from import_row
    where import_id = ${importId} and line between ${Math.min(...lines)} and ${Math.max(...lines)} and line = any(${lines}::integer[])`;
  return new Map(rows.map(({ line, resource }) => [line, resource]));
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
  const keys = await tx.sql<{ key: string; type: ResourceType; id: string }>`
    select external_id as key, resource_type as type, resource_id as id from external_id where source = ${source}`;
  const known = new Map<string, Known>();
  for (const type of writeOrder) {
    const these = keys.filter((each) => each.type === type);
    for (let at = 0; at < these.length; at += pageRows) {
      const page = these.slice(at, at + pageRows);
      const live = await listLive(
        tx,
        type,
        page.map(({ id }) => id),
      );
      for (const { key, id } of page) {
        const row = live.get(id);
        if (row !== undefined) known.set(key, row);
      }
    }
  }
  return known;
}

async function listLive(tx: Tx, type: ResourceType, ids: readonly string[]): Promise<ReadonlyMap<string, Known>> {
  const { name, live, columns } = tables[type];
  const kind = type === 'node' || type === 'numberDomain' ? 't.kind' : 'null::text';
  const tenant = 'tenant_id' in columns ? 't.tenant_id' : 'null::uuid';
  const rows = (await tx.unsafe(
    `select t.id, t.version, ${kind} as kind, ${tenant} as "tenantId" from ${name} t where t.id = any($1::uuid[]) and t.${live}`,
    [ids],
  )) as unknown as readonly (Omit<Known, 'type' | 'kind'> & { kind: string | null })[];
  return new Map(rows.map(({ kind: of, ...row }) => [row.id, { type, ...row, kind: of ?? undefined }]));
}

/**
 * Everything that its rules look at beside the set itself; `moving` are the ids of what the set writes or ends, which lets go of what it
 * has; `types` says whether it names device types.
 */
export async function surroundingsOf(
  tx: Tx,
  known: ReadonlyMap<string, Known>,
  { moving, types }: { moving: ReadonlySet<string>; types: boolean },
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
  const classes = await tx.sql<{ key: string }>`select key from resource_class`;
  const inUse = await tx.sql<{ id: string; classes: string[] }>`
    select node_id as id, array_agg(class order by class) as classes from capacity
    where node_id = any(${ids('node')}::uuid[]) and used + booked > 0 group by node_id`;
  const cabled = await tx.sql<{ id: string }>`
    select x.node_id as id from edge_end x where x.edge_type = 'connects' and x.live and x.node_id = any(${ids('node')}::uuid[]) and x.edge_id <> all(${movingIds('edge')}::uuid[])`;
  const claims = await tx.sql<{ rack: string; layer: string; face: string; from: number; to: number }>`
    select rack_id as rack, layer, face, lower(half_units) as "from", upper(half_units) as "to" from rack_claim
    where rack_id = any(${ids('node')}::uuid[]) and (node_id is null or node_id <> all(${movingIds('node')}::uuid[]))
      and (reservation_id is null or reservation_id <> all(${movingIds('rackReservation')}::uuid[]))`;
  const ranges = await tx.sql<{ domainId: string; start: number; end: number }>`
    select domain_id as "domainId", lower(numbers) as start, upper(numbers) - 1 as "end" from number_range
    where domain_id = any(${ids('numberDomain')}::uuid[]) and ended_at is null and id <> all(${movingIds('numberRange')}::uuid[])`;
  const theirTypes = types
    ? await tx.sql<{ manufacturer: string; slug: string }>`
        select manufacturer, slug from device_type where ended_at is null and id <> all(${movingIds('deviceType')}::uuid[])`
    : [];
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
    classes: new Set(classes.map(({ key }) => key)),
    usedClasses: new Map(inUse.map(({ id, classes: of }) => [id, of])),
    blocks,
    heldElsewhere: new Set(held),
    cabledElsewhere: new Set(cabled.map(({ id }) => id)),
    claimedElsewhere: new Set(
      claims.flatMap(({ rack, layer, face, from, to }) =>
        Array.from({ length: to - from }, (_, n) => `${rack}/${layer}/${face}/${from + n}`),
      ),
    ),
    claimedTo: new Map(claims.toSorted((a, b) => a.to - b.to).map(({ rack, to }) => [rack, to])),
    rangesElsewhere: ranges,
    typesElsewhere: new Set(theirTypes.map(typeKey)),
    racks: new Map(racks.map((rack) => [keyOf.get(rack.id) ?? rack.id, rack])),
  };
}

/** Parts of edges and devices as they are, to tell a change of them: a part changes with its owner's version. */
export async function listParts(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await tx.sql<{ id: string; part: string }>`
    select edge_id as id, string_agg(side || node_id, ' ' order by side, ordinal) as part from edge_end where edge_id = any(${ids}::uuid[]) group by edge_id
    union all
    select node_id, string_agg(rack_id || face || mounted || half_units, ' ' order by face) from rack_claim where node_id = any(${ids}::uuid[]) group by node_id`;
  return new Map(rows.map(({ id, part }) => [id, part]));
}
