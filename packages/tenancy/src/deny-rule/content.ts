import { isPermission } from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Subject } from '@sentral/contracts/tenancy/fields';
import type { Tx } from '@sentral/kernel/database';
import { findSubject } from '../role-binding/subject.js';
import { exemptsItself, meets } from './rules.js';
import { listLastingAdministrators, type RuleContent } from './sql.js';

/**
 * What every rule must hold to: known permissions, subjects that exist, no exemption for who writes it, and a platform that
 * somebody can still open.
 * @throws Problem validation-failed | reference-not-found | permission-denied | last-administrator
 */
export async function judgeContent(
  tx: Tx,
  caller: Caller,
  rule: { before: RuleContent | undefined; after: RuleContent; tenantId: string | null },
): Promise<void> {
  const { before, after, tenantId } = rule;
  const unknown = after.permissions.findIndex((name) => !isPermission(name));
  if (unknown >= 0) {
    throw problem('validation-failed', {
      errors: [{ pointer: `/permissions/${unknown}`, code: 'unknown_permission', message: 'is not a permission' }],
    });
  }
  await expectSubjects(tx, after, tenantId);
  const { principal } = caller;
  const who = { id: principal.id, groups: principal.groups ?? [] };
  if (principal.type !== 'system' && exemptsItself(before, after, who)) {
    throw problem(
      'permission-denied',
      {
        missingPermission: 'tenancy.denyRule.update',
        scope: tenantId === null ? 'platform' : encodeId('tnt', tenantId),
      },
      'Nobody exempts itself: another one who may edit this rule can.',
    );
  }
  if (tenantId === null && after.permissions.some((name) => name.startsWith('tenancy.denyRule.')))
    await expectAnOpener(tx, after);
}

async function expectSubjects(tx: Tx, rule: RuleContent, tenantId: string | null): Promise<void> {
  const named: readonly [string, readonly Subject[]][] = [
    ['subjects', rule.subjects ?? []],
    ['exceptions', rule.exceptions],
  ];
  for (const [field, subjects] of named) {
    for (const [at, subject] of subjects.entries())
      await findSubject(tx, subject, { tenantId: tenantId ?? null, pointer: `/${field}/${at}/id` });
  }
}

async function expectAnOpener(tx: Tx, rule: RuleContent): Promise<void> {
  const administrators = await listLastingAdministrators(tx);
  const left = administrators.some(({ id, kind, issuer, name }) =>
    id === null || kind === null
      ? !meets(rule, { id: '', groups: [{ issuer: issuer ?? '', name: name ?? '' }] })
      : !meets(rule, { id: encodeId(kind === 'user' ? 'usr' : 'sac', id), groups: [] }),
  );
  if (!left && administrators.length > 0) throw problem('last-administrator', { scope: 'platform' });
}
