import { auditEvents } from './audit-events.js';
import type { EventsDef } from './events.js';
import { inventoryEvents } from './inventory-events.js';
import { taskEvents } from './task-events.js';
import { tenancyEvents } from './tenancy-events.js';

/** Every event that others may rely on, a context after the other: what the goldens and the AsyncAPI document hold. */
export const publicEvents: readonly EventsDef[] = [tenancyEvents, inventoryEvents, taskEvents, auditEvents];
