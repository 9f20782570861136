import type { Implements } from '@sentral/contracts/contract';
import type { audit } from '@sentral/contracts/audit';
import type { inventory } from '@sentral/contracts/inventory';
import type { task } from '@sentral/contracts/task';
import type { tenancy } from '@sentral/contracts/tenancy';
import type { Cursors } from '../http/cursor.js';

/** The contexts as the facade sees them, near or far. */
export interface Contexts {
  readonly tenancy: Implements<typeof tenancy>;
  readonly inventory: Implements<typeof inventory>;
  readonly task: Implements<typeof task>;
  readonly audit: Implements<typeof audit>;
}

/** What handlers may use. */
export interface World extends Contexts {
  readonly cursors: Cursors;
}
