import type { NodeResource } from '../change-set.js';
import { attributesOf, named, tenantOf } from './attributes.js';
import type { Row } from './dump.js';
import type { KeptModel } from './fields.js';
import type { RackPositions } from './rack-position.js';
import { decimal, keyOf, text, type Source } from './source.js';

/** What a model becomes, without its parent, which is found for all alike. */
export type NodeMaker = (row: Row) => Omit<NodeResource, 'parent' | 'type'>;

/** Places and what stands in them: regions to devices, clusters and virtual machines. */
export function placeNodes(source: Source, positions: RackPositions): Partial<Record<KeptModel, NodeMaker>> {
  const site = (row: Row): string | undefined => keyOf('dcim.site', row.fields['site']);
  const location = (row: Row): string | undefined => keyOf('dcim.location', row.fields['location']);

  return {
    'dcim.region': (row) => ({
      kind: 'region',
      ...named(row),
      attributes: attributesOf(source, row, { slug: row.fields['slug'] }),
    }),
    'dcim.site': (row) => ({
      kind: 'site',
      ...named(row),
      ...tenantOf(row),
      attributes: attributesOf(source, row, {
        slug: row.fields['slug'],
        status: row.fields['status'],
        facility: row.fields['facility'],
        physicalAddress: row.fields['physical_address'],
        latitude: row.fields['latitude'],
        longitude: row.fields['longitude'],
        timeZone: row.fields['time_zone'],
        group: source.slug('dcim.sitegroup', row.fields['group']),
        asns: autonomousSystems(source, row),
      }),
    }),
    'dcim.location': (row) => ({
      kind: 'location',
      ...named(row),
      ...tenantOf(row),
      attributes: attributesOf(
        source,
        row,
        { slug: row.fields['slug'], status: row.fields['status'], facility: row.fields['facility'] },
        { site: site(row) },
      ),
    }),
    'dcim.rack': (row) => ({
      kind: 'rack',
      ...named(row),
      ...tenantOf(row),
      attributes: attributesOf(
        source,
        row,
        {
          status: row.fields['status'],
          role: source.slug('dcim.rackrole', row.fields['role']),
          heightUnits: decimal(row.fields['u_height']),
          startingUnit: decimal(row.fields['starting_unit']),
          descendingUnits: row.fields['desc_units'] === true ? true : undefined,
          formFactor: text(row.fields['form_factor']) ?? text(row.fields['type']),
          widthInches: row.fields['width'],
          facilityId: row.fields['facility_id'],
          serial: row.fields['serial'],
          assetTag: row.fields['asset_tag'],
        },
        { site: site(row), location: location(row) },
      ),
    }),
    'dcim.powerpanel': (row) => ({
      kind: 'power-panel',
      ...named(row),
      attributes: attributesOf(source, row, {}, { site: site(row) }),
    }),
    'dcim.device': (row) => deviceNode(source, positions, row),
    'dcim.module': (row) => {
      const type = source.get('dcim.moduletype', row.fields['module_type']);
      return {
        kind: 'module',
        attributes: attributesOf(
          source,
          row,
          {
            status: row.fields['status'],
            manufacturer: source.slug('dcim.manufacturer', type?.fields['manufacturer']),
            model: type?.fields['model'],
            serial: row.fields['serial'],
            assetTag: row.fields['asset_tag'],
          },
          { moduleBay: keyOf('dcim.modulebay', row.fields['module_bay']) },
        ),
      };
    },
    'dcim.virtualchassis': (row) => ({
      kind: 'virtual-chassis',
      ...named(row),
      attributes: attributesOf(
        source,
        row,
        { domain: row.fields['domain'] },
        { master: keyOf('dcim.device', row.fields['master']) },
      ),
    }),
    'virtualization.cluster': (row) => ({
      kind: 'cluster',
      ...named(row),
      ...tenantOf(row),
      attributes: attributesOf(
        source,
        row,
        {
          status: row.fields['status'],
          clusterType: source.slug('virtualization.clustertype', row.fields['type']),
          group: source.slug('virtualization.clustergroup', row.fields['group']),
        },
        { scope: source.scope(row.fields) },
      ),
    }),
    'virtualization.virtualmachine': (row) => ({
      kind: 'virtual-machine',
      ...named(row),
      ...tenantOf(row),
      attributes: attributesOf(
        source,
        row,
        {
          status: row.fields['status'],
          role: source.slug('dcim.devicerole', row.fields['role']),
          platform: source.slug('dcim.platform', row.fields['platform']),
          vcpus: decimal(row.fields['vcpus']),
          memoryMib: row.fields['memory'],
          disk: row.fields['disk'],
          serial: row.fields['serial'],
        },
        {
          site: site(row),
          device: keyOf('dcim.device', row.fields['device']),
          primaryIp4: keyOf('ipam.ipaddress', row.fields['primary_ip4']),
          primaryIp6: keyOf('ipam.ipaddress', row.fields['primary_ip6']),
        },
      ),
    }),
  };
}

function autonomousSystems(source: Source, row: Row): readonly unknown[] | undefined {
  const asns = row.fields['asns'];
  if (!Array.isArray(asns) || asns.length === 0) return undefined;
  return asns.map((pk) => source.get('ipam.asn', pk)?.fields['asn'] ?? pk);
}

function deviceNode(source: Source, positions: RackPositions, row: Row): ReturnType<NodeMaker> {
  const { fields } = row;
  const type = source.get('dcim.devicetype', fields['device_type']);
  const rack = positions.placed.get(row.key);
  return {
    kind: 'device',
    ...named(row),
    ...tenantOf(row),
    ...(rack === undefined ? {} : { rack }),
    attributes: attributesOf(
      source,
      row,
      {
        status: fields['status'],
        // `device_role` up to 3.5, `role` since 3.6
        role: source.slug('dcim.devicerole', fields['role'] ?? fields['device_role']),
        platform: source.slug('dcim.platform', fields['platform']),
        manufacturer: source.slug('dcim.manufacturer', type?.fields['manufacturer']),
        model: type?.fields['model'],
        deviceType: type?.fields['slug'],
        heightUnits: decimal(type?.fields['u_height']),
        position: decimal(fields['position']),
        serial: fields['serial'],
        assetTag: fields['asset_tag'],
        airflow: fields['airflow'],
        virtualChassisPosition: fields['vc_position'],
        unplaced: positions.unplaced.get(row.key),
      },
      {
        site: keyOf('dcim.site', fields['site']),
        location: keyOf('dcim.location', fields['location']),
        rack: keyOf('dcim.rack', fields['rack']),
        cluster: keyOf('virtualization.cluster', fields['cluster']),
        primaryIp4: keyOf('ipam.ipaddress', fields['primary_ip4']),
        primaryIp6: keyOf('ipam.ipaddress', fields['primary_ip6']),
      },
    ),
  };
}
