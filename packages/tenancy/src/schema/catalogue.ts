/**
 * Facts: a change of a row moves its version by one and leaves a feed row in the same transaction. The guard of the kernel
 * refuses everything else at COMMIT.
 */
export const auditedTables = [
  'scope',
  'principal',
  'token',
  'role_binding',
  'deny_rule',
  'policy',
  'policy_exemption',
  'quota_limit',
  'hold',
] as const;

/** Parts of a fact: they change with the version of the row they belong to, and never alone. */
export const partTables = ['scope_key', 'token_secret', 'policy_binding'] as const;

/** Bookkeeping: no version that anyone may rely on, no guard, no event. */
export const bookkeepingTables = [
  'installation',
  'token_use',
  'quota_use',
  'feed',
  'outbox',
  'inbox',
  'idempotency',
  'operation',
  'lease',
] as const;
