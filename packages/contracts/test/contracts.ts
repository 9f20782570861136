import { audit } from '../src/audit.js';
import type { ContractDef } from '../src/contract.js';
import type { EventsDef } from '../src/events.js';
import { inventory } from '../src/inventory/index.js';
import { publicEvents } from '../src/public-events.js';
import { task } from '../src/task.js';
import { tenancy } from '../src/tenancy/index.js';

/** Every contract that others rely on; each has its golden file. */
export const contracts: readonly ContractDef[] = [tenancy, inventory, task, audit];

/** What a context says publicly, if it says anything yet. */
export const eventsOf = (context: string): EventsDef | undefined =>
  publicEvents.find((each) => each.context === context);
