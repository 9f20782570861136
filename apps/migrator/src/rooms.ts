import { migrations as audit } from '@sentral/audit/migrations';
import { keepHouse as keepAudit, restoreFeed as restoreAudit } from '@sentral/audit/operate';
import { migrations as inventory } from '@sentral/inventory/migrations';
import { restoreFeed as restoreInventory } from '@sentral/inventory/operate';
import { busMigrations } from '@sentral/kernel/bus/mailbox-schema';
import type { Database } from '@sentral/kernel/database';
import type { ContextMigrations } from '@sentral/kernel/migrate';
import { migrations as task } from '@sentral/task/migrations';
import { restoreFeed as restoreTask } from '@sentral/task/operate';
import { migrations as tenancy } from '@sentral/tenancy/migrations';
import { restoreFeed as restoreTenancy } from '@sentral/tenancy/operate';

export interface RestoredFeed {
  /** The position that the next fact gets. */
  readonly nextPos: number;
  /** Facts that had no position and now belong to this cluster. */
  readonly waiting: number;
  /** Positions that audit had confirmed and this database no longer knows. */
  readonly lost?: { readonly from: number; readonly to: number };
}

export interface Room {
  readonly migrations: ContextMigrations;
  /** How many migrations build the schema while it is empty; the lint judges those after them. */
  readonly opening: number;
  /** Done with every `up`, also when there is nothing to apply. */
  readonly keepHouse?: (db: Database) => Promise<void>;
  /** Numbering never falls back behind what audit has confirmed. */
  readonly restoreFeed?: (db: Database, confirmedPos?: number) => Promise<RestoredFeed>;
}

/** Every schema of Sentral, in the order in which they are migrated: the contexts, and the mailbox for where there is no NATS. */
export const rooms: readonly Room[] = [
  { migrations: tenancy, opening: 4, restoreFeed: restoreTenancy },
  { migrations: inventory, opening: 4, restoreFeed: restoreInventory },
  { migrations: task, opening: 3, restoreFeed: restoreTask },
  { migrations: audit, opening: 3, keepHouse: keepAudit, restoreFeed: restoreAudit },
  { migrations: busMigrations, opening: 1 },
];
