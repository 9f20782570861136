/**
 * Facts: a change of a row moves its version by one and leaves a feed row in the same transaction. The guard of the kernel
 * refuses everything else at COMMIT.
 */
export const auditedTables = ['task', 'schedule'] as const;

/** Bookkeeping: no version that anyone may rely on, no guard, no event. The rows of a task change with its version. */
export const bookkeepingTables = [
  'step',
  'attempt',
  'timer',
  'event',
  'claim',
  'holding',
  'lane',
  'schedule_run',
  'service_gate',
  'signal',
  'dead_letter',
  'finding',
  'scan',
  'scope_view',
  'feed',
  'outbox',
  'inbox',
  'idempotency',
  'operation',
  'lease',
] as const;

/** What a tenant principal may read: its own rows of these, by row-level security. The rest is closed to it. */
export const tenantTables = ['task', 'step', 'event', 'schedule', 'schedule_run'] as const;
