// Locks: a claim takes its rack row by foreign key (KEY SHARE); who stands where is judged by rack_units_taken_once. Claims of
// one device are written low face first, in one statement.
import type { Tx } from '@sentral/kernel/database';

export interface RackPosition {
  readonly face: 'front' | 'rear';
  readonly startHalfUnit: number;
  readonly heightHalfUnits: number;
  readonly fullDepth: boolean;
}

export async function findRack(tx: Tx, nodeId: string): Promise<{ heightHalfUnits: number } | undefined> {
  const [row] = await tx.sql<{
    heightHalfUnits: number;
  }>`select height_half_units as "heightHalfUnits" from rack where node_id = ${nodeId}`;
  return row;
}

/** Gives a node of kind rack its shape, or a new one; a rack cannot shrink below what stands in it. */
export async function upsertRack(
  tx: Tx,
  rack: { nodeId: string; heightHalfUnits: number; startingUnit: number },
): Promise<void> {
  await tx.sql`
    insert into rack (node_id, height_half_units, starting_unit) values (${rack.nodeId}, ${rack.heightHalfUnits}, ${rack.startingUnit})
    on conflict (node_id) do update set height_half_units = excluded.height_half_units, starting_unit = excluded.starting_unit
    where (rack.height_half_units, rack.starting_unit) <> (excluded.height_half_units, excluded.starting_unit)`;
}

/** Puts a device where it stands: one row a face. */
export async function insertClaims(
  tx: Tx,
  claim: { rackId: string; nodeId: string; position: RackPosition; ids: readonly [string, string] },
): Promise<void> {
  const { position, ids } = claim;
  const faces = position.fullDepth ? ['front', 'rear'] : [position.face];
  await tx.sql`
    insert into rack_claim (id, rack_id, rack_height_half_units, layer, face, mounted, half_units, node_id)
    select taken.id, r.node_id, r.height_half_units, 'device', taken.face, taken.face = ${position.face},
      int4range(${position.startHalfUnit}::int, ${position.startHalfUnit + position.heightHalfUnits}::int), ${claim.nodeId}::uuid
    from rack r, unnest(${ids.slice(0, faces.length)}::uuid[], ${faces}::text[]) as taken (id, face)
    where r.node_id = ${claim.rackId}`;
}

export async function endClaims(tx: Tx, nodeId: string): Promise<void> {
  await tx.sql`delete from rack_claim where node_id = ${nodeId}`;
}

/** Who stands in the way of a position: for the refusal, after the constraint has judged. */
export async function listClaimsInTheWay(
  tx: Tx,
  rackId: string,
  position: RackPosition,
): Promise<readonly { nodeId: string }[]> {
  return tx.sql<{ nodeId: string }>`
    select distinct node_id as "nodeId" from rack_claim
    where rack_id = ${rackId} and layer = 'device' and node_id is not null
      and (${position.fullDepth} or face = ${position.face})
      and half_units && int4range(${position.startHalfUnit}::int, ${position.startHalfUnit + position.heightHalfUnits}::int)`;
}
