import { effectivePolicy, type EffectivePolicy, type PolicyKey } from '@sentral/contracts/policy';
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

/** What would have been refused, had it been enforced. */
export interface AuditOnly {
  readonly key: PolicyKey;
  readonly binding?: string;
}

type Check = (value: unknown) => boolean;

/**
 * Holds a new scope to the policies above it, as they are in this transaction.
 * @returns what only audit would have refused
 * @throws Problem policy-violation
 */
export async function judgePolicy(tx: Tx, parentId: string, scope: Judged): Promise<readonly AuditOnly[]> {
  const rows = (await listPath(tx, parentId)).map(toProjection);
  if (rows.every((row) => (row.policyBindings ?? []).length === 0)) return [];
  const effective = effectivePolicy(rows, await findNow(tx));
  const checks: [PolicyKey, Check][] =
    scope.kind === 'tenant'
      ? []
      : [['tenancy.requiredLabels', (keys) => (keys as string[]).every((key) => Object.hasOwn(scope.labels, key))]];
  if (scope.kind === 'environment')
    checks.push([
      'tenancy.environmentClasses',
      (classes) => classes === null || (classes as string[]).includes(scope.class ?? ''),
    ]);
  return checks.flatMap(([key, check]) => judgeOne(effective, key, check));
}

function judgeOne(effective: EffectivePolicy, key: PolicyKey, check: Check): readonly AuditOnly[] {
  const { value, audited, contributions, exemptedBy } = effective.values[key];
  // The nearest binding that refuses by itself is the one to name.
  const blame = contributions.findLast((each) => !check(each.value));
  if (!check(value)) {
    throw problem('policy-violation', {
      key,
      scope: blame?.scopeId,
      ...(blame === undefined ? {} : { binding: blame.bindingId }),
      allowed: value,
    });
  }
  if (exemptedBy !== undefined || check(audited)) return [];
  return [{ key, ...(blame === undefined ? {} : { binding: blame.bindingId }) }];
}

/** For the audit part of the change. */
export const auditOnlyOf = (auditOnly: readonly AuditOnly[]) => (auditOnly.length === 0 ? {} : { auditOnly });
