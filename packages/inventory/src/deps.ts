import type { Database } from '@sentral/kernel/database';
import type { Telemetry } from '@sentral/kernel/telemetry';

/** What this context needs of the process it runs in. */
export interface Deps {
  readonly db: {
    /** inventory_app: every write, every lock, every loop. */
    readonly app: Database;
    /** inventory_read: reads of tenant principals, under row-level security. */
    readonly read: Database;
    /** inventory_platform: reads across tenants. */
    readonly platform: Database;
  };
  /** Stamps logs and mints ids; no decision is made on it. */
  readonly now: () => Date;
  readonly newId: () => string;
  readonly telemetry: Telemetry;
}
