import { encodeId, type Prefix } from '@sentral/contracts/ids';

const prefixOf: Record<string, Prefix> = {
  'inventory.node': 'nod',
  'inventory.edge': 'edg',
  'inventory.addressSpace': 'spc',
  'inventory.addressBlock': 'blk',
  'inventory.address': 'adr',
  'inventory.numberDomain': 'ndm',
  'inventory.numberRange': 'rng',
  'inventory.allocation': 'alc',
  'inventory.import': 'imp',
  'inventory.finding': 'fnd',
};

/** Numbers, address ranges, rack reservations and device types have no id of their own on the wire: the feed tells them apart by uuid. */
export function wireId(type: string, uuid: string): string {
  const prefix = prefixOf[type];
  return prefix === undefined ? uuid : encodeId(prefix, uuid);
}
