// After the turn of the source (finding/sql.ts), whose observations nobody else writes: no lock is taken here. Nodes are read as they
// are and only referred to; a change of one that comes in between is seen by the next sighting.
import type { Node } from '@sentral/contracts/inventory/node';
import type { Observation } from '@sentral/contracts/inventory/observation';
import { json, type Tx } from '@sentral/kernel/database';
import { encodeId } from '@sentral/contracts/ids';
import { nodeOwner } from '../owner-sql.js';

export interface SeenNode {
  readonly id: string;
  /** Whose it is. */
  readonly tenantId: string | null;
  readonly state: Node['state'];
  readonly intent: Node['intent'];
  readonly attributes: Record<string, unknown>;
  /** The external id by which the source names it, where it does. */
  readonly externalId: string | null;
  /** How many other sources tell of it. */
  readonly others: number;
  /** What this source has told last. */
  readonly observedAt: Date | null;
  readonly observationId: string | null;
}

/** The nodes that a report names, by id or by what the source calls them. */
export async function listSeenNodes(
  tx: Tx,
  source: string,
  { ids, externalIds }: { readonly ids: readonly string[]; readonly externalIds: readonly string[] },
): Promise<readonly SeenNode[]> {
  const rows = await tx.unsafe(
    `with named (id, external_id) as (
       select i, null::text from unnest($2::uuid[]) i
       union all
       select x.resource_id, x.external_id from external_id x where x.source = $1 and x.external_id = any($3::text[]) and x.resource_type = 'node'
     )
     select n.id, ${nodeOwner('n')} as "tenantId", n.state, n.intent, n.attributes, named.external_id as "externalId",
       (select count(*)::int from observation o where o.node_id = n.id and o.source <> $1) as others,
       o.observed_at as "observedAt", o.id as "observationId"
     from named join node n on n.id = named.id left join observation o on o.node_id = n.id and o.source = $1`,
    [source, [...ids], [...externalIds]],
  );
  return rows as unknown as readonly SeenNode[];
}

export interface NewObservation {
  readonly id: string;
  readonly nodeId: string;
  readonly generation: number;
  readonly state: string | null;
  readonly attributes: unknown;
  readonly specHash: string | null;
  readonly observedAt: string;
}

/** The newest of a source takes the place of what it told before. */
export async function upsertObservations(tx: Tx, source: string, rows: readonly NewObservation[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.sql`
    insert into observation as o (id, node_id, source, generation, state, attributes, spec_hash, observed_at)
    select x.id, x."nodeId", ${source}, x.generation, x.state, x.attributes, x."specHash", x."observedAt"
    from jsonb_to_recordset(${json(rows)}) as x(id uuid, "nodeId" uuid, generation bigint, state text, attributes jsonb, "specHash" text, "observedAt" timestamptz)
    on conflict (node_id, source) do update set generation = excluded.generation, state = excluded.state, attributes = excluded.attributes,
      spec_hash = excluded.spec_hash, observed_at = excluded.observed_at, received_at = now()`;
}

export interface ObservationRow {
  readonly id: string;
  readonly nodeId: string;
  readonly source: string;
  readonly generation: number;
  readonly state: Observation['state'] | null;
  readonly attributes: Record<string, unknown> | null;
  readonly specHash: string | null;
  readonly observedAt: Date;
  readonly receivedAt: Date;
}

export const selectObservation = `select o.id, o.node_id as "nodeId", o.source, o.generation, o.state, o.attributes, o.spec_hash as "specHash",
  o.observed_at as "observedAt", o.received_at as "receivedAt" from observation o`;

export function toObservation(row: ObservationRow): Observation {
  return {
    id: encodeId('obs', row.id),
    type: 'observation',
    nodeId: encodeId('nod', row.nodeId),
    source: row.source,
    generation: row.generation,
    ...(row.state === null ? {} : { state: row.state }),
    ...(row.attributes === null ? {} : { attributes: row.attributes }),
    ...(row.specHash === null ? {} : { specHash: row.specHash }),
    observedAt: row.observedAt.toISOString(),
    receivedAt: row.receivedAt.toISOString(),
  };
}
