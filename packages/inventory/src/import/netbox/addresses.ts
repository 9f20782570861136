import type { ChangeItem } from '../change-set.js';
import { formatAddress, formatNetwork, parseNetwork } from '../ip.js';
import { attributesOf, present, tenantOf } from './attributes.js';
import type { Row } from './dump.js';
import type { KeptModel } from './fields.js';
import { keyOf, text, type Source } from './source.js';
import { rejected, upsert } from './translated.js';

/** The table of NetBox that is no VRF. */
export const globalSpace = 'ipam.vrf:global';
/** Aggregates say what was delegated, not what is in use: a space of their own, so that an equal prefix is no overlap. */
export const aggregateSpace = 'ipam.aggregate';

const spaceOf = (row: Row): string => keyOf('ipam.vrf', row.fields['vrf']) ?? globalSpace;
const has = (source: Source, model: KeptModel): boolean => !source.all(model)[Symbol.iterator]().next().done;

export function* addressItems(source: Source, nodeKeys: ReadonlySet<string>): Generator<ChangeItem> {
  yield* spaces(source);
  for (const row of source.all('ipam.aggregate')) {
    const network = parseNetwork(String(row.fields['prefix']));
    if (network === undefined) {
      yield rejected(row, `${JSON.stringify(row.fields['prefix'])} is not a prefix`);
      continue;
    }
    yield upsert(row, {
      type: 'addressBlock',
      space: aggregateSpace,
      cidr: formatNetwork(network),
      ...tenantOf(row),
      attributes: attributesOf(source, row, {
        rir: source.slug('ipam.rir', row.fields['rir']),
        addedOn: row.fields['date_added'],
      }),
    });
  }
  for (const row of source.all('ipam.prefix')) yield prefixItem(source, row, nodeKeys);
  for (const row of source.all('ipam.iprange')) yield rangeItem(source, row);
  for (const row of source.all('ipam.ipaddress')) yield addressItem(source, row, nodeKeys);
}

function* spaces(source: Source): Generator<ChangeItem> {
  const usesGlobal = (['ipam.prefix', 'ipam.ipaddress', 'ipam.iprange'] as const).some((model) => has(source, model));
  if (usesGlobal) yield synthetic(globalSpace, 'global');
  if (has(source, 'ipam.aggregate')) yield synthetic(aggregateSpace, 'aggregates');
  for (const row of source.all('ipam.vrf')) {
    yield upsert(row, {
      type: 'addressSpace',
      name: text(row.fields['name']) ?? row.key,
      ...tenantOf(row),
      attributes: attributesOf(source, row, {
        routeDistinguisher: row.fields['rd'],
        enforceUnique: row.fields['enforce_unique'] === true,
      }),
    });
  }
}

function synthetic(externalId: string, name: string): ChangeItem {
  return { item: 'row', line: -1, row: { op: 'upsert', externalId, resource: { type: 'addressSpace', name } } };
}

function prefixItem(source: Source, row: Row, nodeKeys: ReadonlySet<string>): ChangeItem {
  const network = parseNetwork(String(row.fields['prefix']));
  if (network === undefined) return rejected(row, `${JSON.stringify(row.fields['prefix'])} is not a prefix`);
  const scope = source.scope(row.fields);
  return upsert(row, {
    type: 'addressBlock',
    space: spaceOf(row),
    cidr: formatNetwork(network),
    isPool: row.fields['is_pool'] === true,
    markUtilized: row.fields['mark_utilized'] === true,
    ...present({ status: row.fields['status'], node: scope !== undefined && nodeKeys.has(scope) ? scope : undefined }),
    ...tenantOf(row),
    attributes: attributesOf(
      source,
      row,
      {
        role: source.slug('ipam.role', row.fields['role']),
        asWritten: network.value === network.first ? undefined : row.fields['prefix'],
      },
      { scope, vlan: keyOf('ipam.vlan', row.fields['vlan']) },
    ),
  });
}

function rangeItem(source: Source, row: Row): ChangeItem {
  const start = parseNetwork(String(row.fields['start_address']));
  const end = parseNetwork(String(row.fields['end_address']));
  if (start === undefined || end === undefined || start.family !== end.family || start.value > end.value) {
    return rejected(
      row,
      `${String(row.fields['start_address'])} to ${String(row.fields['end_address'])} is not a range of addresses`,
    );
  }
  return upsert(row, {
    type: 'addressRange',
    space: spaceOf(row),
    start: formatAddress(start.family, start.value),
    end: formatAddress(end.family, end.value),
    attributes: attributesOf(source, row, {
      ...tenantOf(row),
      status: row.fields['status'],
      role: source.slug('ipam.role', row.fields['role']),
      prefixLength: start.length,
    }),
  });
}

function addressItem(source: Source, row: Row, nodeKeys: ReadonlySet<string>): ChangeItem {
  const network = parseNetwork(String(row.fields['address']));
  if (network === undefined) return rejected(row, `${JSON.stringify(row.fields['address'])} is not an address`);
  const assigned = source.reference(row.fields['assigned_object_type'], row.fields['assigned_object_id']);
  return upsert(row, {
    type: 'address',
    space: spaceOf(row),
    address: formatAddress(network.family, network.value),
    prefixLength: network.length,
    ...(assigned !== undefined && nodeKeys.has(assigned) ? { node: assigned } : {}),
    ...tenantOf(row),
    attributes: attributesOf(
      source,
      row,
      { status: row.fields['status'], role: row.fields['role'], dnsName: row.fields['dns_name'] },
      { assigned, natInside: keyOf('ipam.ipaddress', row.fields['nat_inside']) },
    ),
  });
}
