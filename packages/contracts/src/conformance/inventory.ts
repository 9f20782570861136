import { inventory } from '../inventory/index.js';
import { allocationCases } from './inventory-allocation.js';
import { capacityCases } from './inventory-capacity.js';
import { findingCases } from './inventory-findings.js';
import { graphCases } from './inventory-graph.js';
import { placementCases } from './inventory-placement.js';
import { poolCases } from './inventory-pools.js';
import { topologyCases } from './inventory-topology.js';
import { nodeVersionCases } from './inventory-node-versions.js';
import { pastCases } from './inventory-past.js';
import { conformance } from './kit.js';
import { sharedVerbCases } from './shared-verbs.js';

/** What holds for inventory's contract, near, far and in every fake. */
export const inventoryConformance = conformance(inventory, [
  ...sharedVerbCases,
  ...graphCases,
  ...nodeVersionCases,
  ...topologyCases,
  ...poolCases,
  ...allocationCases,
  ...capacityCases,
  ...placementCases,
  ...findingCases,
  ...pastCases,
]);
