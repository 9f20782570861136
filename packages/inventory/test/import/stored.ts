import type { Caller } from '@sentral/contracts/contract';
import { encodeId, type Id } from '@sentral/contracts/ids';
import type { Imported, Stored } from '@sentral/facts/resource';
import type { Database } from '@sentral/kernel/database';
import type { Inventory } from '../../src/index.js';

export interface KnownTenant {
  readonly id: Id<'tnt'>;
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Reading {
  readonly caller: Caller;
  readonly inventory: Inventory;
  /** For what no verb lists: ranges of addresses, and which units of a rack are kept free. */
  readonly admin: Database;
  readonly tenants: ReadonlyMap<string, KnownTenant>;
}

interface Named {
  readonly id?: string;
  readonly externalIds: readonly { readonly source: string; readonly externalId: string }[];
}

type Page<T> = Promise<{ readonly items: readonly T[]; readonly nextCursor?: string | undefined }>;

async function every<T>(list: (page: { limit: number; cursor?: string }) => Page<T>): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await list({ limit: 500, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return items;
}

const numeric = (text: string): number => Number(text.slice(text.lastIndexOf(':') + 1));
/** In the order of the source's own keys, which is the order in which the facts list rows without a key. */
const byKey = (a: Stored, b: Stored): number => {
  const [x, y] = [a.externalId, b.externalId];
  return /:\d+$/.test(x) && /:\d+$/.test(y) && numeric(x) !== numeric(y) ? numeric(x) - numeric(y) : x < y ? -1 : 1;
};

/** What one source has, read back through the verbs and told with its own keys, as the facts read it. */
export async function storedOf(
  { inventory, caller, admin, tenants }: Reading,
  source: string,
  importId?: string,
): Promise<Imported> {
  const ours = <T extends Named>(all: readonly T[]): readonly (T & { externalId: string })[] =>
    all.flatMap((each) => {
      const externalId = each.externalIds.find((key) => key.source === source)?.externalId;
      return externalId === undefined ? [] : [{ ...each, externalId }];
    });
  const nodes = ours(await every((page) => inventory.node.list(caller, { source, ...page })));
  const edges = ours(await every((page) => inventory.edge.list(caller, page)));
  const spaces = ours(await every((page) => inventory.addressSpace.list(caller, page)));
  const blocks = ours(await every((page) => inventory.addressBlock.list(caller, page)));
  const addresses = ours(await every((page) => inventory.address.list(caller, page)));
  const domains = ours(await every((page) => inventory.numberDomain.list(caller, page)));
  const ranges = ours(await every((page) => inventory.numberRange.list(caller, page)));
  const numbers = ours(await every((page) => inventory.number.list(caller, page)));
  const types = ours(await every((page) => inventory.deviceType.list(caller, page)));
  const keys = new Map<string, string>(
    [...nodes, ...spaces, ...blocks, ...domains].map(({ id, externalId }) => [id, externalId]),
  );
  for (const [key, { id }] of tenants) keys.set(id, key);
  const key = (id: string | undefined) => (id === undefined ? undefined : keys.get(id));
  const resources: readonly Stored[] = [
    ...[...tenants].map(([externalId, { name, annotations }]) => ({ externalId, type: 'tenant', name, annotations })),
    ...nodes.map(({ externalId, type, kind, name, attributes, ...node }) => ({
      externalId,
      type,
      kind,
      name,
      attributes,
      parent: key(node.parentId),
      tenant: key(node.tenantId),
      rack: node.position,
    })),
    ...edges.map(({ externalId, type, edgeType, attributes, a, b }) => ({
      externalId,
      type,
      edgeType,
      attributes,
      a: a.map(key),
      b: b.map(key),
    })),
    ...spaces.map(({ externalId, type, name, attributes, tenantId }) => ({
      externalId,
      type,
      name,
      attributes,
      tenant: key(tenantId),
    })),
    ...blocks.map(({ externalId, type, cidr, isPool, markUtilized, status, attributes, ...block }) => ({
      externalId,
      type,
      cidr,
      isPool,
      markUtilized,
      status,
      attributes,
      space: key(block.spaceId),
      parent: key(block.parentId),
      tenant: key(block.tenantId),
    })),
    ...addresses.map(({ externalId, type, address, prefixLength, attributes, spaceId, tenantId }) => ({
      externalId,
      type,
      address,
      prefixLength,
      attributes,
      space: key(spaceId),
      tenant: key(tenantId),
    })),
    ...domains.map(({ externalId, type, name, kind, pooled, attributes }) => ({
      externalId,
      type,
      name,
      kind,
      pooled,
      attributes,
    })),
    ...ranges.map(({ externalId, type, start, end, domainId }) => ({
      externalId,
      type,
      start,
      end,
      domain: key(domainId),
    })),
    ...numbers.map(({ externalId, type, value, name, attributes, domainId, tenantId }) => ({
      externalId,
      type,
      value,
      name,
      attributes,
      domain: key(domainId),
      tenant: key(tenantId),
    })),
    ...types.map(
      ({ externalId, type, manufacturer, model, slug, heightHalfUnits, fullDepth, attributes, components }) => ({
        externalId,
        type,
        manufacturer,
        model,
        slug,
        heightHalfUnits,
        fullDepth,
        attributes,
        components,
      }),
    ),
    ...(await unlisted(admin, source)).map(({ space, rack, ...each }) => ({
      ...each,
      ...(space === null ? { rack: key(encodeId('nod', rack ?? '')) } : { space: key(encodeId('spc', space)) }),
    })),
  ];
  const results =
    importId === undefined
      ? []
      : await admin.sql<{ key: string; outcome: string; count: number | null; detail: string | null }>`
          select external_id as key, outcome, (resource ->> 'count')::integer as count, problem ->> 'detail' as detail from import_row where import_id = ${importId} and outcome in ('skipped', 'refused') order by line`;
  return {
    resources: [...resources].sort(byKey),
    skipped: new Map(
      results.filter(({ outcome }) => outcome === 'skipped').map(({ key: model, count }) => [model, count ?? 0]),
    ),
    rejected: results
      .filter(({ outcome }) => outcome === 'refused')
      .map(({ key: row, detail }) => ({ key: row, reason: detail ?? '' })),
  };
}

interface Unlisted extends Stored {
  readonly space: string | null;
  readonly rack?: string;
}

async function unlisted(admin: Database, source: string): Promise<readonly Unlisted[]> {
  const rows = await admin.sql<{ row: Unlisted }>`
    select jsonb_build_object('externalId', x.external_id, 'type', 'addressRange', 'space', t.space_id, 'start', host(t.first_host), 'end', host(t.last_host),
      'attributes', t.attributes) as row
    from address_range t join external_id x on x.resource_id = t.id where x.source = ${source} and t.ended_at is null
    union all
    select jsonb_build_object('externalId', x.external_id, 'type', 'rackReservation', 'space', null, 'rack', t.rack_id, 'units', t.units, 'attributes', t.attributes)
    from rack_reservation t join external_id x on x.resource_id = t.id where x.source = ${source} and t.ended_at is null`;
  return rows.map(({ row }) => row);
}
