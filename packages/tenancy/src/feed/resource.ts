import type { ScopeKind } from '@sentral/contracts/contract';
import { scopeId } from '../scope/row.js';

/** The id on the wire of a resource that the feed names by type and uuid; the types are `tenancy.<kind of scope>`. */
export function wireId(resourceType: string, uuid: string): string {
  return scopeId(resourceType.slice('tenancy.'.length) as ScopeKind, uuid);
}
