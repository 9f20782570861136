import { attributesOf, named, tenantOf } from './attributes.js';
import type { Row } from './dump.js';
import type { KeptModel } from './fields.js';
import type { NodeMaker } from './place-nodes.js';
import { keyOf, text, type Source } from './source.js';

/** Ports, bays and feeds, and the circuits that lead out of the house. */
export function componentNodes(source: Source): Partial<Record<KeptModel, NodeMaker>> {
  const port =
    (kind: string, own: (fields: Row['fields']) => Readonly<Record<string, unknown>>): NodeMaker =>
    (row) => ({
      kind,
      ...named(row),
      attributes: attributesOf(source, row, { portType: row.fields['type'], ...own(row.fields) }),
    });

  const networkInterface =
    (kind: string, model: 'dcim.interface' | 'virtualization.vminterface'): NodeMaker =>
    (row) => ({
      kind,
      ...named(row),
      attributes: attributesOf(
        source,
        row,
        {
          portType: row.fields['type'],
          enabled: row.fields['enabled'],
          managementOnly: row.fields['mgmt_only'] === true ? true : undefined,
          macAddress: source.mac(row),
          mtu: row.fields['mtu'],
          mode: row.fields['mode'],
          speedKbps: row.fields['speed'],
          poeMode: row.fields['poe_mode'],
          poeType: row.fields['poe_type'],
        },
        { parent: keyOf(model, row.fields['parent']), bridge: keyOf(model, row.fields['bridge']) },
      ),
    });

  return {
    'dcim.interface': networkInterface('interface', 'dcim.interface'),
    'virtualization.vminterface': networkInterface('vm-interface', 'virtualization.vminterface'),
    'dcim.frontport': port('front-port', () => ({})),
    'dcim.rearport': port('rear-port', (fields) => ({ positions: fields['positions'] })),
    'dcim.consoleport': port('console-port', (fields) => ({ speed: fields['speed'] })),
    'dcim.consoleserverport': port('console-server-port', (fields) => ({ speed: fields['speed'] })),
    'dcim.powerport': port('power-port', (fields) => ({
      maximumDrawWatts: fields['maximum_draw'],
      allocatedDrawWatts: fields['allocated_draw'],
    })),
    'dcim.poweroutlet': port('power-outlet', (fields) => ({ feedLeg: fields['feed_leg'] })),
    'dcim.devicebay': (row) => ({
      kind: 'device-bay',
      ...named(row),
      attributes: attributesOf(
        source,
        row,
        {},
        { installedDevice: keyOf('dcim.device', row.fields['installed_device']) },
      ),
    }),
    'dcim.modulebay': (row) => ({
      kind: 'module-bay',
      ...named(row),
      attributes: attributesOf(source, row, { position: row.fields['position'] }),
    }),
    'dcim.inventoryitem': (row) => ({
      kind: 'inventory-item',
      ...named(row),
      attributes: attributesOf(source, row, {
        role: source.slug('dcim.inventoryitemrole', row.fields['role']),
        manufacturer: source.slug('dcim.manufacturer', row.fields['manufacturer']),
        partId: row.fields['part_id'],
        serial: row.fields['serial'],
        assetTag: row.fields['asset_tag'],
      }),
    }),
    'dcim.powerfeed': (row) => ({
      kind: 'power-feed',
      ...named(row),
      ...tenantOf(row),
      attributes: attributesOf(
        source,
        row,
        {
          status: row.fields['status'],
          feedType: row.fields['type'],
          supply: row.fields['supply'],
          phase: row.fields['phase'],
          voltage: row.fields['voltage'],
          amperage: row.fields['amperage'],
          maximumUtilizationPercent: row.fields['max_utilization'],
          availableWatts: row.fields['available_power'],
        },
        { rack: keyOf('dcim.rack', row.fields['rack']) },
      ),
    }),
    'circuits.provider': (row) => ({
      kind: 'provider',
      ...named(row),
      attributes: attributesOf(source, row, { slug: row.fields['slug'] }),
    }),
    'circuits.providernetwork': (row) => ({
      kind: 'provider-network',
      ...named(row),
      attributes: attributesOf(source, row, { serviceId: row.fields['service_id'] }),
    }),
    'circuits.circuit': (row) => ({
      kind: 'circuit',
      ...(text(row.fields['cid']) === undefined ? {} : { name: String(row.fields['cid']) }),
      ...tenantOf(row),
      attributes: attributesOf(source, row, {
        status: row.fields['status'],
        circuitType: source.slug('circuits.circuittype', row.fields['type']),
        commitRateKbps: row.fields['commit_rate'],
        installDate: row.fields['install_date'],
        terminationDate: row.fields['termination_date'],
      }),
    }),
    'circuits.circuittermination': (row) => ({
      kind: 'circuit-termination',
      ...(text(row.fields['term_side']) === undefined ? {} : { name: String(row.fields['term_side']) }),
      attributes: attributesOf(
        source,
        row,
        {
          side: row.fields['term_side'],
          portSpeedKbps: row.fields['port_speed'],
          upstreamSpeedKbps: row.fields['upstream_speed'],
          crossConnectId: row.fields['xconnect_id'],
          patchPanel: row.fields['pp_info'],
        },
        { end: circuitEnd(source, row) },
      ),
    }),
  };
}

/** Where a circuit comes ashore: `site` or `provider_network` up to 4.1, `termination_type` and `_id` from 4.2. */
function circuitEnd(source: Source, row: Row): string | undefined {
  if ('termination_type' in row.fields)
    return source.reference(row.fields['termination_type'], row.fields['termination_id']);
  return keyOf('circuits.providernetwork', row.fields['provider_network']) ?? keyOf('dcim.site', row.fields['site']);
}
