import { effectivePolicy, violation, type Violation } from '@sentral/contracts/policy';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { listPath } from './projection-sql.js';
import { toProjection } from './row.js';
import { findNow } from './sql.js';

export interface Judged {
  readonly kind: 'tenant' | 'project' | 'environment';
  readonly labels: Readonly<Record<string, string>>;
  readonly class?: string | undefined;
}

/** What would have been refused, had it been enforced: for the record. */
export type AuditOnly = readonly Violation['facts'][];

/**
 * Holds a new scope to the policies above it, as they are in this transaction.
 * @returns what only audit would have refused
 * @throws Problem policy-violation
 */
export async function judgePolicy(tx: Tx, parentId: string, scope: Judged): Promise<AuditOnly> {
  const rows = (await listPath(tx, parentId)).map(toProjection);
  if (scope.kind === 'tenant' || rows.every((row) => (row.policyBindings ?? []).length === 0)) return [];
  const effective = effectivePolicy(rows, await findNow(tx));
  const violations = [
    violation(effective, 'tenancy.requiredLabels', (keys) => keys.every((key) => Object.hasOwn(scope.labels, key))),
    scope.kind === 'environment'
      ? violation(
          effective,
          'tenancy.environmentClasses',
          (classes) => classes === null || classes.some((each) => each === scope.class),
        )
      : undefined,
  ].filter((each) => each !== undefined);
  const enforced = violations.find((each) => each.enforced);
  if (enforced !== undefined) throw problem('policy-violation', enforced.facts);
  return violations.map(({ facts }) => facts);
}

/** For the audit part of the change. */
export const auditOnlyOf = (auditOnly: AuditOnly) => (auditOnly.length === 0 ? {} : { auditOnly });
