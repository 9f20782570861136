import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { Imported, Stored } from '@sentral/facts/resource';
import { byKey, told, type KnownTenant, type Shown } from '@sentral/facts/told';
import type { Database } from '@sentral/kernel/database';
import type { Inventory } from '../../src/index.js';

interface Reading {
  readonly caller: Caller;
  readonly inventory: Inventory;
  /** For what no verb lists: ranges of addresses, and which units of a rack are kept free. */
  readonly admin: Database;
  readonly tenants: ReadonlyMap<string, KnownTenant>;
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

/** What one source has, read back through the verbs and told with its own keys, as the facts read it. */
export async function storedOf(
  { inventory, caller, admin, tenants }: Reading,
  source: string,
  importId?: string,
): Promise<Imported> {
  const lists: readonly (readonly Shown[])[] = [
    await every((page) => inventory.node.list(caller, { source, ...page })),
    await every((page) => inventory.edge.list(caller, page)),
    await every((page) => inventory.addressSpace.list(caller, page)),
    await every((page) => inventory.addressBlock.list(caller, page)),
    await every((page) => inventory.address.list(caller, page)),
    await every((page) => inventory.numberDomain.list(caller, page)),
    await every((page) => inventory.numberRange.list(caller, page)),
    await every((page) => inventory.number.list(caller, page)),
    await every((page) => inventory.deviceType.list(caller, page)),
  ];
  const { resources: listed, key } = told(source, lists.flat(), tenants);
  const resources: readonly Stored[] = [
    ...listed,
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
