import type { ScopeRef } from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import type { Subject } from '@sentral/contracts/tenancy/fields';
import type { Holding } from '../access/row.js';
import { heldUntil } from '../access/rules.js';
import { names } from '../deny-rule/rules.js';

/**
 * Who holds something for a time cannot make it last for itself, nor for a group of its own: broken glass would else stay
 * broken. Gives the end that the grant would pass, undefined when it passes none. To others, and on the record, it may give
 * for good: a tenant that lost its owners gets new ones that way.
 */
export function endItWouldPass(
  own: Holding,
  { principal }: Pick<Caller, 'principal'>,
  grant: { subject: Subject; wanted: readonly string[]; scope: ScopeRef; expiresAt: Date | null },
): Date | undefined {
  if (!names(grant.subject, { id: principal.id, groups: principal.groups ?? [] })) return undefined;
  const until = heldUntil(own, grant.wanted, grant.scope);
  if (until === null || (grant.expiresAt !== null && grant.expiresAt <= until)) return undefined;
  return until;
}
