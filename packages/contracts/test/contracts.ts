import { audit } from '../src/audit.js';
import type { ContractDef } from '../src/contract.js';
import { inventory } from '../src/inventory/index.js';
import { task } from '../src/task.js';
import { tenancy } from '../src/tenancy/index.js';

/** Every contract that others rely on; each has its golden file. */
export const contracts: readonly ContractDef[] = [tenancy, inventory, task, audit];
