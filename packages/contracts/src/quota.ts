/** What a quota limit can be set on: who counts it, and what one unit is. Closed; the owner of a dimension owns its counter. */
export const quotaDimensions = {
  'tenancy.projects': { context: 'tenancy', unit: 'projects that are not deleted' },
  'tenancy.environments': { context: 'tenancy', unit: 'environments that are not deleted' },
  'inventory.server': { context: 'inventory', unit: 'exclusive nodes of kind server or machine' },
  'inventory.device': { context: 'inventory', unit: 'exclusive nodes of every other kind' },
  'inventory.ipv4': { context: 'inventory', unit: 'IPv4 addresses given out one by one' },
  'inventory.ipv6': { context: 'inventory', unit: 'IPv6 addresses given out one by one' },
  'inventory.ipv4Block': { context: 'inventory', unit: 'IPv4 blocks' },
  'inventory.ipv6Block': { context: 'inventory', unit: 'IPv6 blocks' },
  'inventory.vlan': { context: 'inventory', unit: 'VLAN ids' },
  'inventory.number': { context: 'inventory', unit: 'numbers of every other kind of domain' },
} as const satisfies { readonly [dimension: string]: { readonly context: string; readonly unit: string } };

export type QuotaDimension = keyof typeof quotaDimensions;

/** Every dimension, for schemas and loops. */
export const quotaDimensionKeys = Object.keys(quotaDimensions) as QuotaDimension[];

/** Tells whether text is a dimension of this version. */
export function isQuotaDimension(text: string): text is QuotaDimension {
  return Object.hasOwn(quotaDimensions, text);
}

/** Which context counts a dimension; undefined for one that this version does not know. */
export function ownerOfDimension(dimension: string): string | undefined {
  return isQuotaDimension(dimension) ? quotaDimensions[dimension].context : undefined;
}
