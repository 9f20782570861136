import { kernelTables } from '@sentral/kernel/tables';
import { pgSchema } from 'drizzle-orm/pg-core';

export const audit = pgSchema('audit');

/** Bookkeeping: no version, no guard, no event. The context has no other table yet. */
export const { feed, outbox, inbox, idempotency, operation, lease } = kernelTables(audit);
