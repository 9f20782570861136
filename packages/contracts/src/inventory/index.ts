import { defineContract } from '../contract.js';
import { feedVerbs, invariantVerbs, scopeUserVerbs } from '../shared-verbs.js';
import { addressBlock } from './address-block.js';
import { addressSpace } from './address-space.js';
import { address } from './address.js';
import { allocationEarliest } from './allocation-earliest.js';
import { allocation } from './allocation.js';
import { blastRadius } from './blast-radius.js';
import { capacity } from './capacity.js';
import { deviceType } from './device-type.js';
import { edge } from './edge.js';
import { finding } from './finding.js';
import { importNoun } from './import.js';
import { kind } from './kind.js';
import { nodeChanges } from './node-changes.js';
import { nodeVersions } from './node-versions.js';
import { node } from './node.js';
import { numberDomain } from './number-domain.js';
import { numberRange } from './number-range.js';
import { number } from './number.js';
import { observation } from './observation.js';
import { placement } from './placement.js';
import { platformResource } from './platform-resource.js';
import { pool } from './pool.js';
import { refusal } from './refusal.js';
import { nodeReshape } from './reshape.js';
import { resourceClass } from './resource-class.js';
import { trait } from './trait.js';
import { policyTrial, usage } from './usage.js';

/** What inventory offers the others: the resource graph, its pools, and who holds what. */
export const inventory = defineContract({
  context: 'inventory',
  nouns: {
    kind,
    resourceClass,
    trait,
    node: { ...node, ...nodeVersions, ...nodeChanges, ...nodeReshape },
    blastRadius,
    capacity,
    edge,
    deviceType,
    pool,
    placement,
    platformResource,
    addressSpace,
    addressBlock,
    address,
    numberDomain,
    numberRange,
    number,
    allocation: { ...allocation, ...allocationEarliest },
    refusal,
    observation,
    finding,
    import: importNoun,
    feed: feedVerbs,
    invariant: invariantVerbs,
    usage,
    projection: scopeUserVerbs.projection,
    policyTrial,
  },
});
