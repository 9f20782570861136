import { encodeId } from '@sentral/contracts/ids';
import type { Node } from '@sentral/contracts/inventory/node';
import { externalIdsOf } from '../external-id/sql.js';

/** A node as the statements read it. */
export interface NodeRow {
  readonly id: string;
  readonly kind: string;
  readonly category: Node['category'];
  readonly name: string | null;
  readonly nameExclusive: boolean;
  readonly parentId: string | null;
  readonly tenantId: string | null;
  readonly attributes: Record<string, unknown>;
  readonly traits: string[];
  readonly labels: Record<string, string>;
  readonly intent: Node['intent'];
  readonly state: Node['state'];
  /** Its own, and with its kind's where it has none. */
  readonly cleaningSeconds: number | null;
  readonly scrubs: boolean | null;
  readonly cleanedSeconds: number;
  readonly scrubbed: boolean;
  readonly observedAt: Date | null;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly externalIds: { source: string; externalId: string }[];
  readonly position: Node['position'] | null;
  readonly capacities: NonNullable<Node['capacities']> | null;
  readonly fence: number;
  readonly useVersion: number;
}

/** Everything of the node `n` in one row; its kind is `k`, its use `u`. */
export const nodeColumns = `n.id, n.kind, k.category, n.name, n.name_exclusive as "nameExclusive", n.parent_id as "parentId",
  n.tenant_id as "tenantId", n.attributes, n.traits, n.labels, n.intent, n.state, n.cleaning_seconds as "cleaningSeconds", n.scrubs,
  coalesce(n.cleaning_seconds, k.cleaning_seconds) as "cleanedSeconds", coalesce(n.scrubs, k.scrubs) as scrubbed,
  (select max(o.observed_at) from observation o where o.node_id = n.id) as "observedAt", n.version, n.created_at as "createdAt", n.updated_at as "updatedAt", ${externalIdsOf('n.id')},
  (select jsonb_build_object('face', c.face, 'startHalfUnit', lower(c.half_units), 'heightHalfUnits', upper(c.half_units) - lower(c.half_units),
     'fullDepth', exists (select from rack_claim o where o.node_id = n.id and not o.mounted))
   from rack_claim c where c.node_id = n.id and c.mounted) as position,
  (select jsonb_agg(jsonb_build_object('class', c.class, 'total', c.total, 'heldBack', c.held_back, 'overcommitPct', c.overcommit_pct,
     'minUnit', c.min_unit, 'maxUnit', c.max_unit, 'step', c.step, 'cap', c.cap) order by c.class)
   from capacity c where c.node_id = n.id) as capacities,
  coalesce(u.fence, 0) as fence, coalesce(u.use_version, 0) + (select coalesce(sum(c.use_version), 0)::bigint from capacity c where c.node_id = n.id) as "useVersion"`;

export const nodeJoins = 'join kind k on k.key = n.kind left join provider_use u on u.provider_id = n.id';

export const selectNode = `select ${nodeColumns} from node n ${nodeJoins}`;

export function toNode(row: NodeRow): Node {
  return {
    id: encodeId('nod', row.id),
    type: 'node',
    version: row.version,
    kind: row.kind,
    category: row.category,
    ...(row.name === null ? {} : { name: row.name }),
    ...(row.parentId === null ? {} : { parentId: encodeId('nod', row.parentId) }),
    ...(row.tenantId === null ? {} : { tenantId: encodeId('tnt', row.tenantId) }),
    attributes: row.attributes,
    traits: row.traits,
    labels: row.labels,
    intent: row.intent,
    state: row.state,
    ...(row.cleanedSeconds === 0 ? {} : { cleaningSeconds: row.cleanedSeconds }),
    ...(row.scrubbed ? { scrubs: true as const } : {}),
    externalIds: row.externalIds,
    ...(row.position == null ? {} : { position: row.position }),
    ...(row.capacities === null ? {} : { capacities: row.capacities }),
    fence: row.fence,
    useVersion: row.useVersion,
    ...(row.observedAt === null ? {} : { observedAt: row.observedAt.toISOString() }),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

export interface NodeSummaryRow {
  readonly id: string;
  readonly kind: string;
  readonly name: string | null;
}

export const toSummary = (row: NodeSummaryRow) => ({
  id: encodeId('nod', row.id),
  kind: row.kind,
  ...(row.name === null ? {} : { name: row.name }),
});
