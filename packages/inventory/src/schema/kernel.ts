import { kernelTables } from '@sentral/kernel/tables';
import { inventory } from './context.js';

/** The kernel's tables in this schema. Bookkeeping. */
export const { feed, outbox, inbox, idempotency, operation, lease } = kernelTables(inventory);
