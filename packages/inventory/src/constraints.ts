import { problem, type Problem } from '@sentral/contracts/problem';

const exists = (field: string) => () => problem('already-exists', { field });
const missing = (pointer: string, resourceType: string) => () =>
  problem('reference-not-found', { pointer, resourceType });
const broken = (rule: string) => () => problem('topology-violation', { rule });
const taken = (requested: string) => () => problem('allocation-conflict', { requested, retryable: false });
const vlanBound = () => problem('amount-not-allowed', { rule: 'max', class: 'vlan', bound: 4094 });

/** The last judge of every rule is a constraint; here is what each means to the caller. An unknown name is a bug. */
export const constraints: Record<string, (error: unknown) => Problem> = {
  node_pkey: exists('id'),
  node_name_once_among_siblings: exists('name'),
  node_kind_exists: missing('/kind', 'kind'),
  node_parent_exists: missing('/parentId', 'node'),
  node_not_its_own_parent: () => problem('cycle-detected', { path: '/parentId' }),
  node_parent_acyclic: () => problem('cycle-detected', { path: '/parentId' }),
  external_id_once_per_source: exists('externalIds'),
  edge_end_port_cabled_once: taken('port'),
  edge_end_node_exists: missing('/a', 'node'),
  edge_end_node_once_per_edge: broken('edge_end_node_once_per_edge'),
  rack_units_taken_once: taken('rackUnits'),
  rack_claim_inside_its_rack: broken('rack_claim_inside_its_rack'),
  device_type_slug_once_per_manufacturer: exists('slug'),
  address_space_name_once: exists('name'),
  address_space_exists: missing('/spaceId', 'addressSpace'),
  address_node_exists: missing('/nodeId', 'node'),
  address_held_once: exists('address'),
  address_hold_space_exists: missing('/spaceId', 'addressSpace'),
  address_block_space_exists: missing('/spaceId', 'addressSpace'),
  address_block_node_exists: missing('/nodeId', 'node'),
  address_block_siblings_never_overlap: taken('cidr'),
  address_block_inside_its_parent: broken('address_block_inside_its_parent'),
  number_domain_name_once: exists('name'),
  number_domain_node_exists: missing('/nodeId', 'node'),
  number_node_exists: missing('/nodeId', 'node'),
  number_held_once: exists('value'),
  number_of_its_domain: missing('/domainId', 'numberDomain'),
  number_vlan_in_bounds: vlanBound,
  number_hold_vlan_in_bounds: vlanBound,
  number_range_of_its_domain: missing('/domainId', 'numberDomain'),
  number_range_vlan_in_bounds: vlanBound,
  number_ranges_never_overlap: taken('numbers'),
  capacity_once_per_class: exists('class'),
  capacity_node_exists: missing('/nodeId', 'node'),
  capacity_class_exists: missing('/class', 'resourceClass'),
  capacity_never_grown_over_cap: () => problem('capacity-exhausted', {}),
  resource_class_pkey: exists('key'),
  trait_key_once: exists('key'),
  node_trait_is_registered: missing('/traits', 'trait'),
  platform_resource_name_once: exists('name'),
  pool_name_once: exists('name'),
  pool_member_node_exists: missing('/members', 'node'),
  finding_node_exists: missing('/sightings', 'node'),
  allocation_item_node_held_once: taken('node'),
  allocation_item_whole_or_in_parts: taken('node'),
  allocation_request_once_per_tenant: exists('requestId'),
  quota_never_grown_over_cap: () => problem('quota-exceeded', {}),
  allocation_consumer_holds_once: () => problem('version-mismatch', {}, 'Read it again, then decide.'),
};
