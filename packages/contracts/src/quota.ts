import type { ScopeKind } from './contract.js';

export interface QuotaDimensionDef {
  readonly context: string;
  readonly unit: string;
  readonly in: readonly Limited[];
}

type Limited = 'tenant' | 'project' | 'environment';
const everywhere: readonly Limited[] = ['tenant', 'project', 'environment'];

/**
 * What a quota limit can be set on: who counts it, what one unit is, and in which scopes there can be any. Closed; the
 * owner of a dimension owns its counter.
 */
export const quotaDimensions = {
  'tenancy.projects': { context: 'tenancy', unit: 'projects that are not deleted', in: ['tenant'] },
  'tenancy.environments': { context: 'tenancy', unit: 'environments that are not deleted', in: ['tenant', 'project'] },
  'task.running': { context: 'task', unit: 'tasks that run at once; more of them wait', in: ['tenant'] },
  'inventory.server': { context: 'inventory', unit: 'exclusive nodes of kind server or machine', in: everywhere },
  'inventory.device': { context: 'inventory', unit: 'exclusive nodes of every other kind', in: everywhere },
  'inventory.ipv4': { context: 'inventory', unit: 'IPv4 addresses given out one by one', in: everywhere },
  'inventory.ipv6': { context: 'inventory', unit: 'IPv6 addresses given out one by one', in: everywhere },
  'inventory.ipv4Block': { context: 'inventory', unit: 'IPv4 blocks', in: everywhere },
  'inventory.ipv6Block': { context: 'inventory', unit: 'IPv6 blocks', in: everywhere },
  'inventory.vlan': { context: 'inventory', unit: 'VLAN ids', in: everywhere },
  'inventory.number': { context: 'inventory', unit: 'numbers of every other kind of domain', in: everywhere },
  'inventory.vcpu': { context: 'inventory', unit: 'virtual processors', in: everywhere },
  'inventory.memoryMib': { context: 'inventory', unit: 'MiB of memory', in: everywhere },
  'inventory.diskGib': { context: 'inventory', unit: 'GiB of storage', in: everywhere },
  'inventory.milliGpu': { context: 'inventory', unit: 'thousandths of a GPU', in: everywhere },
  'inventory.watt': { context: 'inventory', unit: 'watts of power', in: everywhere },
  'inventory.halfU': { context: 'inventory', unit: 'half rack units', in: everywhere },
} as const satisfies { readonly [dimension: string]: QuotaDimensionDef };

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

/** Tells whether there can be any of a dimension in a scope of this kind; a limit anywhere else would never bind. */
export function isCountedIn(dimension: QuotaDimension, kind: ScopeKind): boolean {
  const counted: readonly ScopeKind[] = quotaDimensions[dimension].in;
  return counted.includes(kind);
}
