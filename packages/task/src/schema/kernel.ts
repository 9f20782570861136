import { kernelTables } from '@sentral/kernel/tables';
import { task } from './context.js';

/** The kernel's tables in this schema. Bookkeeping. */
export const { feed, outbox, inbox, idempotency, operation, lease } = kernelTables(task);
