import { problem, type Problem } from '@sentral/contracts/problem';

const exists = (field: string) => () => problem('already-exists', { field });
const missing = (pointer: string, resourceType: string) => () =>
  problem('reference-not-found', { pointer, resourceType });

/** The last judge of every rule is a constraint; here is what each means to the caller. An unknown name is a bug. */
export const constraints: Record<string, (error: unknown) => Problem> = {
  scope_name_unique_under_parent: exists('name'),
  principal_once_per_issuer: exists('subject'),
  principal_name_once_in_scope: exists('name'),
  role_binding_once_per_principal: exists('subject'),
  role_binding_once_per_group: exists('subject'),
  role_binding_principal_exists: missing('/subject/id', 'principal'),
  last_administrator: () => problem('last-administrator', { scope: 'platform' }),
  policy_exemption_once: exists('key'),
  quota_limit_once: exists('dimension'),
  quota_never_grown_over_cap: () => problem('quota-exceeded', {}),
};
