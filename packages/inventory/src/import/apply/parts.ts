// Parts of edges, devices, reservations, addresses and numbers. All parts that go are deleted before the first that comes is written,
// so a port, a unit or a host may pass from one owner to another inside one set.
import { json, type Tx } from '@sentral/kernel/database';
import type { Planned } from './plan.js';
import type { Resolve } from './tables.js';
import { rackShape } from './values.js';

interface EndPart {
  readonly edge_id: string;
  readonly edge_type: string;
  readonly side: 'a' | 'b';
  readonly ordinal: number;
  readonly node_id: string;
}

interface ClaimPart {
  readonly id: string;
  readonly rack_id: string;
  readonly layer: 'device' | 'reservation';
  readonly face: 'front' | 'rear';
  readonly mounted: boolean;
  readonly half_units: string;
  readonly node_id: string | null;
  readonly reservation_id: string | null;
}

export function endParts({ id, resource }: Planned, resolve: Resolve): readonly EndPart[] {
  if (resource.type !== 'edge') return [];
  const side = (name: 'a' | 'b', keys: readonly string[]): EndPart[] =>
    keys.map((key, ordinal) => ({
      edge_id: id,
      edge_type: resource.edgeType,
      side: name,
      ordinal,
      node_id: resolve.id(key),
    }));
  return [...side('a', resource.a), ...side('b', resource.b)];
}

/** Half units of a device or a reservation; `startingUnitOf` tells how the rack numbers its units. */
export function claimParts(
  row: Planned,
  resolve: Resolve,
  help: { readonly newId: () => string; readonly startingUnitOf: (key: string) => number },
): readonly ClaimPart[] {
  const { id, resource } = row;
  if (resource.type === 'node' && resource.rack !== undefined && resource.parent !== undefined) {
    const { face, startHalfUnit, heightHalfUnits, fullDepth } = resource.rack;
    const rackId = resolve.id(resource.parent);
    return (fullDepth ? (['front', 'rear'] as const) : [face]).map((each) => ({
      id: help.newId(),
      rack_id: rackId,
      layer: 'device',
      face: each,
      mounted: each === face,
      half_units: `[${startHalfUnit},${startHalfUnit + heightHalfUnits})`,
      node_id: id,
      reservation_id: null,
    }));
  }
  if (resource.type !== 'rackReservation') return [];
  const lowest = help.startingUnitOf(resource.rack);
  return runsOf(resource.units).flatMap(([start, end]) =>
    (['front', 'rear'] as const).map((face): ClaimPart => ({
      id: help.newId(),
      rack_id: resolve.id(resource.rack),
      layer: 'reservation',
      face,
      mounted: true,
      half_units: `[${(start - lowest) * 2},${(end - lowest + 1) * 2})`,
      node_id: null,
      reservation_id: id,
    })),
  );
}

function runsOf(units: readonly number[]): readonly (readonly [number, number])[] {
  const runs: [number, number][] = [];
  for (const unit of [...new Set(units)].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && unit === last[1] + 1) last[1] = unit;
    else runs.push([unit, unit]);
  }
  return runs;
}

/** The same text that `listParts` makes of what is stored. */
export function partText(row: Planned, resolve: Resolve): string | undefined {
  const ends = endParts(row, resolve);
  if (ends.length > 0) return ends.map((end) => end.side + end.node_id).join(' ');
  const claims =
    row.resource.type === 'node' ? claimParts(row, resolve, { newId: () => '', startingUnitOf: () => 1 }) : [];
  if (claims.length === 0) return undefined;
  return claims.map((claim) => `${claim.rack_id}${claim.face}${claim.mounted}${claim.half_units}`).join(' ');
}

/** Lets go of every part that the owners hold. */
export async function deleteParts(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.sql`delete from edge_end where edge_id = any(${ids}::uuid[]) and live`;
  await tx.sql`delete from rack_claim where node_id = any(${ids}::uuid[]) or reservation_id = any(${ids}::uuid[])`;
  await tx.sql`delete from address_hold where address_id = any(${ids}::uuid[])`;
  await tx.sql`delete from number_hold where number_id = any(${ids}::uuid[])`;
}

export async function upsertRacks(tx: Tx, rows: readonly Planned[]): Promise<void> {
  const shapes = rows.flatMap(({ id, resource }) => {
    const shape = resource.type === 'node' && resource.kind === 'rack' ? rackShape(resource.attributes) : undefined;
    return shape === undefined
      ? []
      : [{ node_id: id, height_half_units: shape.heightHalfUnits, starting_unit: shape.startingUnit }];
  });
  if (shapes.length === 0) return;
  await tx.sql`
    insert into rack (node_id, height_half_units, starting_unit)
    select node_id, height_half_units, starting_unit from jsonb_to_recordset(${json(shapes)}) as d (node_id uuid, height_half_units integer, starting_unit integer)
    on conflict (node_id) do update set height_half_units = excluded.height_half_units, starting_unit = excluded.starting_unit
    where (rack.height_half_units, rack.starting_unit) <> (excluded.height_half_units, excluded.starting_unit)`;
}

export async function insertEnds(tx: Tx, ends: readonly EndPart[]): Promise<void> {
  await tx.sql`
    insert into edge_end (edge_id, edge_type, side, ordinal, node_id)
    select edge_id, edge_type, side, ordinal, node_id
    from jsonb_to_recordset(${json(ends)}) as d (edge_id uuid, edge_type text, side text, ordinal integer, node_id uuid)`;
}

export async function insertClaims(tx: Tx, claims: readonly ClaimPart[]): Promise<void> {
  await tx.sql`
    insert into rack_claim (id, rack_id, rack_height_half_units, layer, face, mounted, half_units, node_id, reservation_id)
    select d.id, d.rack_id, r.height_half_units, d.layer, d.face, d.mounted, d.half_units, d.node_id, d.reservation_id
    from jsonb_to_recordset(${json(claims)}) as d (id uuid, rack_id uuid, layer text, face text, mounted boolean, half_units int4range, node_id uuid, reservation_id uuid)
    join rack r on r.node_id = d.rack_id`;
}

/** Takes the hosts of recorded addresses; how many were had, because an allocation may have been quicker. */
export async function takeHosts(tx: Tx, ids: readonly string[]): Promise<number> {
  const rows = await tx.sql`
    insert into address_hold (space_id, host, address_id)
    select space_id, host, id from address where id = any(${ids}::uuid[]) and occupies order by space_id, host
    on conflict (space_id, host) do update set address_id = excluded.address_id, item_id = null, free_at = 'infinity'
    where address_hold.free_at <= now() returning 1 as one`;
  return rows.length;
}

export async function takeNumbers(tx: Tx, ids: readonly string[]): Promise<number> {
  const rows = await tx.sql`
    insert into number_hold (domain_id, domain_kind, value, number_id)
    select domain_id, domain_kind, value, id from number where id = any(${ids}::uuid[]) and occupies order by domain_id, value
    on conflict (domain_id, value) do update set number_id = excluded.number_id, item_id = null, free_at = 'infinity'
    where number_hold.free_at <= now() returning 1 as one`;
  return rows.length;
}
