import { isPermission, type ScopeRef } from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import { decodeId, type Id } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Subject } from '@sentral/contracts/tenancy/fields';
import type { Tx } from '@sentral/kernel/database';
import { holdingOf, requireHeld } from '../access/guard.js';
import { findSubject } from '../role-binding/subject.js';
import { exemptsItself, freedOf, type Rule } from './rules.js';
import type { RuleContent } from './sql.js';

/**
 * What every rule must hold to: known permissions, subjects that exist, and no exemption for who writes it.
 * @throws Problem validation-failed | reference-not-found | permission-denied
 */
export async function judgeContent(
  tx: Tx,
  caller: Caller,
  rule: { before: RuleContent | undefined; after: RuleContent; scope: ScopeRef },
): Promise<void> {
  const { after, scope } = rule;
  const unknown = after.permissions.findIndex((name) => !isPermission(name));
  if (unknown >= 0) {
    throw problem('validation-failed', {
      errors: [{ pointer: `/permissions/${unknown}`, code: 'unknown_permission', message: 'is not a permission' }],
    });
  }
  await expectSubjects(tx, after, scope.tenantId === null ? null : decodeId('tnt', scope.tenantId as Id<'tnt'>));
  await refuseSelfExemption(tx, caller, rule);
}

/**
 * @throws Problem permission-denied for whoever would be met by less than before
 */
export async function refuseSelfExemption(
  tx: Tx,
  caller: Caller,
  { before, after, scope }: { before: Rule | undefined; after: Rule | undefined; scope: ScopeRef },
): Promise<void> {
  const { principal } = caller;
  if (principal.type === 'system') return;
  const who = { id: principal.id, groups: principal.groups ?? [] };
  if (exemptsItself(before, after, who)) {
    throw problem(
      'permission-denied',
      { missingPermission: `tenancy.denyRule.${after === undefined ? 'delete' : 'update'}`, scope: scope.id },
      'Nobody exempts itself: another one who may edit this rule can.',
    );
  }
  // A part of a rule for everyone that is taken back is a rule that ends.
  if (before !== undefined && freedOf(before, after, who).length > 0)
    requireHeld(await holdingOf(tx, caller), ['tenancy.denyRule.delete'], scope);
}

async function expectSubjects(tx: Tx, rule: RuleContent, tenantId: string | null): Promise<void> {
  const named: readonly [string, readonly Subject[]][] = [
    ['subjects', rule.subjects ?? []],
    ['exceptions', rule.exceptions],
  ];
  for (const [field, subjects] of named) {
    for (const [at, subject] of subjects.entries())
      await findSubject(tx, subject, { tenantId, pointer: `/${field}/${at}/id` });
  }
}
