import type { ScopeKind } from '@sentral/contracts/contract';
import { encodeId, type Prefix } from '@sentral/contracts/ids';
import { scopeId } from '../scope/row.js';

const prefixOf: Readonly<Record<string, Prefix>> = {
  user: 'usr',
  serviceAccount: 'sac',
  token: 'tok',
  roleBinding: 'rbd',
  denyRule: 'dny',
  policy: 'plb',
  policyExemption: 'pex',
  quotaLimit: 'qta',
  hold: 'hol',
};

/** The id on the wire of a resource that the feed names by type and uuid: `tenancy.<noun>`, or `tenancy.<kind of scope>`. */
export function wireId(resourceType: string, uuid: string): string {
  const noun = resourceType.slice('tenancy.'.length);
  const prefix = prefixOf[noun];
  return prefix === undefined ? scopeId(noun as ScopeKind, uuid) : encodeId(prefix, uuid);
}
