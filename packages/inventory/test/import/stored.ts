import type { Imported, Stored } from '@sentral/facts/resource';
import type { Database } from '@sentral/kernel/database';

const key = (id: string): string =>
  `(select e.external_id from external_id e where e.resource_id = ${id} and e.source = $1)`;
const named = (table: string): string => `${table} t join external_id x on x.resource_id = t.id and x.source = $1`;
const side = (name: string): string =>
  `coalesce((select jsonb_agg(${key('n.node_id')} order by n.ordinal) from edge_end n where n.edge_id = t.id and n.side = '${name}'), '[]'::jsonb) as ${name}`;

/** What one source has in the database, with its own keys, as the facts read it. */
const selects = [
  `select x.external_id as "externalId", 'node' as type, t.kind, t.name, ${key('t.parent_id')} as parent, t.attributes, t.external_tenant as "externalTenant",
     (select jsonb_build_object('face', c.face, 'startHalfUnit', lower(c.half_units), 'heightHalfUnits', upper(c.half_units) - lower(c.half_units),
        'fullDepth', exists (select from rack_claim o where o.node_id = t.id and not o.mounted)) from rack_claim c where c.node_id = t.id and c.mounted) as rack
   from ${named('node')} where t.state <> 'retired'`,
  `select x.external_id as "externalId", 'edge' as type, t.edge_type as "edgeType", t.attributes, ${side('a')}, ${side('b')} from ${named('edge')} where t.live`,
  `select x.external_id as "externalId", 'addressSpace' as type, t.name, t.attributes, t.external_tenant as "externalTenant" from ${named('address_space')} where t.ended_at is null`,
  `select x.external_id as "externalId", 'addressBlock' as type, ${key('t.space_id')} as space, t.cidr::text as cidr, t.is_pool as "isPool", t.mark_utilized as "markUtilized", t.status,
     t.attributes, t.external_tenant as "externalTenant", ${key('t.parent_id')} as parent from ${named('address_block')} where t.ended_at is null`,
  `select x.external_id as "externalId", 'addressRange' as type, ${key('t.space_id')} as space, host(t.first_host) as start, host(t.last_host) as "end", t.attributes from ${named('address_range')} where t.ended_at is null`,
  `select x.external_id as "externalId", 'address' as type, ${key('t.space_id')} as space, host(t.host) as address, t.prefix_length as "prefixLength", t.attributes,
     t.external_tenant as "externalTenant" from ${named('address')} where t.ended_at is null`,
  `select x.external_id as "externalId", 'numberDomain' as type, t.name, t.kind, t.pooled, t.attributes from ${named('number_domain')} where t.ended_at is null`,
  `select x.external_id as "externalId", 'numberRange' as type, ${key('t.domain_id')} as domain, lower(t.numbers) as start, upper(t.numbers) - 1 as "end" from ${named('number_range')} where t.ended_at is null`,
  `select x.external_id as "externalId", 'number' as type, ${key('t.domain_id')} as domain, t.value, t.name, t.attributes, t.external_tenant as "externalTenant" from ${named('number')} where t.ended_at is null`,
  `select x.external_id as "externalId", 'rackReservation' as type, ${key('t.rack_id')} as rack, t.units, t.attributes from ${named('rack_reservation')} where t.ended_at is null`,
  `select x.external_id as "externalId", 'deviceType' as type, t.manufacturer, t.model, t.slug, t.height_half_units as "heightHalfUnits", t.full_depth as "fullDepth", t.attributes, t.components
   from ${named('device_type')} where t.ended_at is null`,
];

const numeric = (text: string): number => Number(text.slice(text.lastIndexOf(':') + 1));
/** In the order of the source's own keys, which is the order in which the facts list rows without a key. */
const byKey = (a: Stored, b: Stored): number => {
  const [x, y] = [a.externalId, b.externalId];
  return /:\d+$/.test(x) && /:\d+$/.test(y) && numeric(x) !== numeric(y) ? numeric(x) - numeric(y) : x < y ? -1 : 1;
};

export async function storedOf(db: Database, source: string, importId?: string): Promise<Imported> {
  const resources: Stored[] = [];
  for (const select of selects) {
    const rows = await db.unsafe(select, [source]);
    // An absent value is null in SQL and missing in a resource.
    resources.push(
      ...rows.map(
        (row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as unknown as Stored,
      ),
    );
  }
  const results =
    importId === undefined
      ? []
      : await db.sql<{ key: string; outcome: string; count: number | null; detail: string | null }>`
          select external_id as key, outcome, (resource ->> 'count')::integer as count, problem ->> 'detail' as detail from import_row where import_id = ${importId} and outcome in ('skipped', 'refused') order by line`;
  return {
    resources: resources.sort(byKey),
    skipped: new Map(
      results.filter(({ outcome }) => outcome === 'skipped').map(({ key: model, count }) => [model, count ?? 0]),
    ),
    rejected: results
      .filter(({ outcome }) => outcome === 'refused')
      .map(({ key: row, detail }) => ({ key: row, reason: detail ?? '' })),
  };
}
