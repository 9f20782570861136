const common = ['description', 'comments', 'custom_field_data'] as const;
const port = ['device', 'module', 'name', 'label', 'description', 'type', 'custom_field_data'] as const;
const scope = ['site', 'scope_type', 'scope_id'] as const;

/** Fields that become resources. A model that is neither here nor in `lookupFields` is counted and never looked into. */
const resourceFields = {
  'tenancy.tenant': [...common, 'name', 'slug', 'group'],
  'dcim.region': [...common, 'name', 'slug', 'parent'],
  'dcim.site': [...common, 'name', 'slug', 'status', 'region', 'group', 'tenant', 'facility', 'physical_address', 'latitude', 'longitude', 'time_zone', 'asns'],
  'dcim.location': [...common, 'name', 'slug', 'status', 'site', 'parent', 'tenant', 'facility'],
  'dcim.rack': [...common, 'name', 'site', 'location', 'tenant', 'role', 'status', 'u_height', 'starting_unit', 'desc_units', 'type', 'form_factor', 'width', 'facility_id', 'serial', 'asset_tag'],
  'dcim.rackreservation': ['rack', 'units', 'tenant', 'description', 'comments'],
  'dcim.device': [...common, 'name', 'device_type', 'role', 'device_role', 'tenant', 'platform', 'site', 'location', 'rack', 'position', 'face', 'status', 'serial', 'asset_tag', 'airflow', 'cluster', 'virtual_chassis', 'vc_position', 'primary_ip4', 'primary_ip6'],
  'dcim.module': [...common, 'device', 'module_bay', 'module_type', 'status', 'serial', 'asset_tag'],
  'dcim.virtualchassis': [...common, 'master', 'name', 'domain'],
  'dcim.powerpanel': [...common, 'site', 'location', 'name'],
  'dcim.powerfeed': [...common, 'power_panel', 'rack', 'name', 'status', 'type', 'supply', 'phase', 'voltage', 'amperage', 'max_utilization', 'available_power', 'tenant'],
  'dcim.interface': [...port, 'lag', 'parent', 'bridge', 'mgmt_only', 'enabled', 'mac_address', 'primary_mac_address', 'mtu', 'mode', 'speed', 'poe_mode', 'poe_type'],
  'dcim.frontport': [...port, 'rear_port', 'rear_port_position'],
  'dcim.rearport': [...port, 'positions'],
  'dcim.consoleport': [...port, 'speed'],
  'dcim.consoleserverport': [...port, 'speed'],
  'dcim.powerport': [...port, 'maximum_draw', 'allocated_draw'],
  'dcim.poweroutlet': [...port, 'power_port', 'feed_leg'],
  'dcim.devicebay': ['device', 'name', 'label', 'description', 'installed_device', 'custom_field_data'],
  'dcim.modulebay': ['device', 'module', 'name', 'label', 'position', 'description', 'custom_field_data'],
  'dcim.inventoryitem': ['device', 'parent', 'name', 'label', 'role', 'manufacturer', 'part_id', 'serial', 'asset_tag', 'description', 'custom_field_data'],
  'dcim.cable': ['type', 'status', 'tenant', 'label', 'color', 'length', 'length_unit', 'description', 'custom_field_data', 'termination_a_type', 'termination_a_id', 'termination_b_type', 'termination_b_id'],
  'circuits.provider': [...common, 'name', 'slug'],
  'circuits.providernetwork': [...common, 'provider', 'name', 'service_id'],
  'circuits.circuit': [...common, 'cid', 'provider', 'type', 'status', 'tenant', 'commit_rate', 'install_date', 'termination_date'],
  'circuits.circuittermination': ['circuit', 'term_side', 'site', 'provider_network', 'termination_type', 'termination_id', 'port_speed', 'upstream_speed', 'xconnect_id', 'pp_info', 'description'],
  'ipam.vrf': [...common, 'name', 'rd', 'enforce_unique', 'tenant'],
  'ipam.aggregate': [...common, 'prefix', 'rir', 'tenant', 'date_added'],
  'ipam.prefix': [...common, ...scope, 'prefix', 'vrf', 'tenant', 'vlan', 'status', 'role', 'is_pool', 'mark_utilized'],
  'ipam.iprange': [...common, 'start_address', 'end_address', 'vrf', 'tenant', 'status', 'role'],
  'ipam.ipaddress': [...common, 'address', 'vrf', 'tenant', 'status', 'role', 'assigned_object_type', 'assigned_object_id', 'nat_inside', 'dns_name'],
  'ipam.vlangroup': ['name', 'slug', 'site', 'scope_type', 'scope_id', 'min_vid', 'max_vid', 'vid_ranges', 'description', 'custom_field_data'],
  'ipam.vlan': [...common, 'site', 'group', 'vid', 'name', 'tenant', 'status', 'role'],
  'virtualization.cluster': [...common, ...scope, 'name', 'type', 'group', 'status', 'tenant'],
  'virtualization.virtualmachine': [...common, 'site', 'cluster', 'device', 'tenant', 'platform', 'name', 'status', 'role', 'vcpus', 'memory', 'disk', 'serial', 'primary_ip4', 'primary_ip6'],
  'virtualization.vminterface': ['virtual_machine', 'name', 'description', 'enabled', 'mac_address', 'primary_mac_address', 'mtu', 'mode', 'parent', 'bridge', 'custom_field_data'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Fields of rows that are folded into others: a role becomes the slug on its devices, a cable termination an end of its cable. */
const lookupFields = {
  'contenttypes.contenttype': ['app_label', 'model'],
  'dcim.cabletermination': ['cable', 'cable_end', 'termination_type', 'termination_id'],
  'dcim.macaddress': ['mac_address', 'assigned_object_type', 'assigned_object_id'],
  'dcim.sitegroup': ['name', 'slug', 'parent'],
  'dcim.manufacturer': ['name', 'slug'],
  'dcim.devicetype': ['manufacturer', 'model', 'slug', 'u_height', 'is_full_depth', 'subdevice_role', 'part_number'],
  'dcim.moduletype': ['manufacturer', 'model', 'part_number'],
  'dcim.devicerole': ['slug'],
  'dcim.inventoryitemrole': ['slug'],
  'dcim.rackrole': ['slug'],
  'dcim.platform': ['slug'],
  'tenancy.tenantgroup': ['slug'],
  'virtualization.clustertype': ['slug'],
  'virtualization.clustergroup': ['slug'],
  'circuits.circuittype': ['slug'],
  'ipam.rir': ['slug'],
  'ipam.role': ['slug'],
  'ipam.asn': ['asn'],
  'extras.tag': ['slug'],
  'extras.taggeditem': ['content_type', 'object_id', 'tag'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type ResourceModel = keyof typeof resourceFields;
export type LookupModel = keyof typeof lookupFields;
export type KeptModel = ResourceModel | LookupModel;

export const resourceModels = Object.keys(resourceFields) as readonly ResourceModel[];

const kept: ReadonlyMap<string, readonly string[]> = new Map(Object.entries({ ...resourceFields, ...lookupFields }));

/** The fields of a model that are worth memory, or undefined for a model that is only counted. */
export function keptFields(model: string): readonly string[] | undefined {
  return kept.get(model);
}

export function isLookup(model: string): boolean {
  return model in lookupFields;
}
