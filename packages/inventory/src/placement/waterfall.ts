import type { Waterfall } from '@sentral/contracts/inventory/placement';
import type { Search } from './host-sql.js';
import { listStages, type Asks } from './sql.js';

/** Why there is no place, or no more: hosts left after each filter, within what the search may see. For refusals too. */
export const waterfallOf = async (db: Asks, search: Search): Promise<Waterfall> =>
  (await listStages(db, search)) as Waterfall;
