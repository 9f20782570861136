import { confirmScopes } from '@sentral/kernel/scopes/news';
import { checked, type CheckedOptions, type Implements } from '@sentral/contracts/contract';
import { inventory } from '@sentral/contracts/inventory';
import { getAddress } from './address/get.js';
import { listAddresses } from './address/list.js';
import { recordAddress } from './address/record.js';
import { removeAddress } from './address/remove.js';
import { amendBlock } from './address-block/amend.js';
import { availableInBlock } from './address-block/available.js';
import { createBlock } from './address-block/create.js';
import { getBlock } from './address-block/get.js';
import { listBlocks } from './address-block/list.js';
import { removeBlock } from './address-block/remove.js';
import { amendSpace } from './address-space/amend.js';
import { createSpace } from './address-space/create.js';
import { getSpace } from './address-space/get.js';
import { listSpaces } from './address-space/list.js';
import { batchAllocations } from './allocation/batch.js';
import { bindAllocation } from './allocation/bind.js';
import { confirmAllocation } from './allocation/confirm.js';
import { getAllocation } from './allocation/get.js';
import { createLanes } from './allocation/lanes.js';
import { listAllocations } from './allocation/list.js';
import { releaseAllocation } from './allocation/release.js';
import { renewAllocation } from './allocation/renew.js';
import { replaceAllocation } from './allocation/replace.js';
import { earliestAllocation } from './allocation/earliest.js';
import { reserveAllocation } from './allocation/reserve.js';
import { addCapacity } from './capacity/add.js';
import { amendCapacity } from './capacity/amend.js';
import { getCapacity } from './capacity/get.js';
import { listNodeCapacities } from './capacity/list.js';
import { removeCapacity } from './capacity/remove.js';
import { setCapacities } from './capacity/set.js';
import type { Deps } from './deps.js';
import { getDeviceType } from './device-type/get.js';
import { listDeviceTypes } from './device-type/list.js';
import { registerDeviceType } from './device-type/register.js';
import { connectNodes } from './edge/connect.js';
import { disconnectNodes } from './edge/disconnect.js';
import { getEdge } from './edge/get.js';
import { listEdges } from './edge/list.js';
import { factPage, versionPage } from '@sentral/kernel/feed';
import { versions } from './feed/versions.js';
import { acceptFinding } from './finding/accept.js';
import { getFinding } from './finding/get.js';
import { listFindings } from './finding/list.js';
import { repairFinding } from './finding/repair.js';
import { reportFindings } from './finding/report.js';
import { resolveFinding } from './finding/resolve.js';
import { cancelImport } from './import/cancel.js';
import { createImport } from './import/create.js';
import { getImport } from './import/get.js';
import { listImports } from './import/list.js';
import { listImportResults } from './import/results.js';
import { stageImport } from './import/stage.js';
import { startImport } from './import/start.js';
import { listInvariants } from './invariant/list.js';
import { getKind } from './kind/get.js';
import { listAllKinds } from './kind/list.js';
import { amendNode } from './node/amend.js';
import { cleanNode } from './node/clean.js';
import { batchNodes } from './node/batch.js';
import { getNode } from './node/get.js';
import { changesOfNode } from './node/changes.js';
import { historyOfNode } from './node/history.js';
import { listNodes } from './node/list.js';
import { registerNode } from './node/register.js';
import { reshapeNodes } from './node/reshape.js';
import { retireNode } from './node/retire.js';
import { recordNumber } from './number/record.js';
import { listNumbers } from './number/list.js';
import { amendDomain } from './number-domain/amend.js';
import { createDomain } from './number-domain/create.js';
import { getDomain } from './number-domain/get.js';
import { listDomains } from './number-domain/list.js';
import { amendRange } from './number-range/amend.js';
import { availableInRange } from './number-range/available.js';
import { createRange } from './number-range/create.js';
import { getRange } from './number-range/get.js';
import { listRanges } from './number-range/list.js';
import { listObservations } from './observation/list.js';
import { reportObservations } from './observation/report.js';
import { ancestorsOfNode } from './topology/ancestors.js';
import { blastRadiusOf } from './topology/blast-radius.js';
import { elevationOfRack } from './topology/elevation.js';
import { neighborsOfNode } from './topology/neighbors.js';
import { pathBetweenNodes } from './topology/path.js';
import { subtreeOfNode } from './topology/subtree.js';
import { listPolicyTrial } from './policy-trial/list.js';
import { findCandidates } from './placement/candidates.js';
import { getPlatformResource } from './platform-resource/get.js';
import { listPlatformResources } from './platform-resource/list.js';
import { amendPool } from './pool/amend.js';
import { capacityOfPool } from './pool/capacity.js';
import { createPool } from './pool/create.js';
import { getPool } from './pool/get.js';
import { listPools } from './pool/list.js';
import { removePool } from './pool/remove.js';
import { amendClass } from './resource-class/amend.js';
import { createClass } from './resource-class/create.js';
import { getClass } from './resource-class/get.js';
import { getRefusal } from './refusal/get.js';
import { listRefusals } from './refusal/list.js';
import { listAllClasses } from './resource-class/list.js';
import { removeClass } from './resource-class/remove.js';
import { amendTrait } from './trait/amend.js';
import { getTrait } from './trait/get.js';
import { listTraits } from './trait/list.js';
import { registerTrait } from './trait/register.js';
import { removeTrait } from './trait/remove.js';
import { scopes } from './projection/view.js';
import { usageBetween } from './usage/between.js';
import { countUsage } from './usage/count.js';
import { usageNow } from './usage/now.js';

export type { Deps } from './deps.js';
export { createInventoryLoops } from './loops.js';
export type Inventory = Implements<typeof inventory>;

/** The inventory context: the resource graph, its pools, and who holds what. */
export function createInventory(deps: Deps, options: CheckedOptions = {}): Inventory {
  const lanes = createLanes(deps);
  return checked(
    inventory,
    {
      kind: {
        list: (caller, command) => listAllKinds(deps, caller, command),
        get: (caller, command) => getKind(deps, caller, command),
      },
      trait: {
        register: (caller, command) => registerTrait(deps, caller, command),
        amend: (caller, command) => amendTrait(deps, caller, command),
        remove: (caller, command) => removeTrait(deps, caller, command),
        get: (caller, command) => getTrait(deps, caller, command),
        list: (caller, command) => listTraits(deps, caller, command),
      },
      pool: {
        create: (caller, command) => createPool(deps, caller, command),
        amend: (caller, command) => amendPool(deps, caller, command),
        remove: (caller, command) => removePool(deps, caller, command),
        get: (caller, command) => getPool(deps, caller, command),
        list: (caller, command) => listPools(deps, caller, command),
        capacity: (caller, command) => capacityOfPool(deps, caller, command),
      },
      placement: { candidates: (caller, command) => findCandidates(deps, caller, command) },
      platformResource: {
        get: (caller, command) => getPlatformResource(deps, caller, command),
        list: (caller, command) => listPlatformResources(deps, caller, command),
      },
      resourceClass: {
        create: (caller, command) => createClass(deps, caller, command),
        amend: (caller, command) => amendClass(deps, caller, command),
        remove: (caller, command) => removeClass(deps, caller, command),
        list: (caller, command) => listAllClasses(deps, caller, command),
        get: (caller, command) => getClass(deps, caller, command),
      },
      capacity: {
        list: (caller, command) => listNodeCapacities(deps, caller, command),
        get: (caller, command) => getCapacity(deps, caller, command),
        add: (caller, command) => addCapacity(deps, caller, command),
        set: (caller, command) => setCapacities(deps, caller, command),
        amend: (caller, command) => amendCapacity(deps, caller, command),
        remove: (caller, command) => removeCapacity(deps, caller, command),
      },
      node: {
        register: (caller, command) => registerNode(deps, caller, command),
        amend: (caller, command) => amendNode(deps, caller, command),
        clean: (caller, command) => cleanNode(deps, caller, command),
        retire: (caller, command) => retireNode(deps, caller, command),
        batch: (caller, command) => batchNodes(deps, caller, command),
        reshape: (caller, command) => reshapeNodes(deps, caller, command),
        history: (caller, command) => historyOfNode(deps, caller, command),
        changes: (caller, command) => changesOfNode(deps, caller, command),
        get: (caller, command) => getNode(deps, caller, command),
        list: (caller, command) => listNodes(deps, caller, command),
        subtree: (caller, command) => subtreeOfNode(deps, caller, command),
        ancestors: (caller, command) => ancestorsOfNode(deps, caller, command),
        neighbors: (caller, command) => neighborsOfNode(deps, caller, command),
        elevation: (caller, command) => elevationOfRack(deps, caller, command),
        path: (caller, command) => pathBetweenNodes(deps, caller, command),
      },
      blastRadius: { get: (caller, command) => blastRadiusOf(deps, caller, command) },
      edge: {
        connect: (caller, command) => connectNodes(deps, caller, command),
        disconnect: (caller, command) => disconnectNodes(deps, caller, command),
        get: (caller, command) => getEdge(deps, caller, command),
        list: (caller, command) => listEdges(deps, caller, command),
      },
      deviceType: {
        register: (caller, command) => registerDeviceType(deps, caller, command),
        get: (caller, command) => getDeviceType(deps, caller, command),
        list: (caller, command) => listDeviceTypes(deps, caller, command),
      },
      addressSpace: {
        create: (caller, command) => createSpace(deps, caller, command),
        amend: (caller, command) => amendSpace(deps, caller, command),
        get: (caller, command) => getSpace(deps, caller, command),
        list: (caller, command) => listSpaces(deps, caller, command),
      },
      addressBlock: {
        create: (caller, command) => createBlock(deps, caller, command),
        amend: (caller, command) => amendBlock(deps, caller, command),
        remove: (caller, command) => removeBlock(deps, caller, command),
        get: (caller, command) => getBlock(deps, caller, command),
        list: (caller, command) => listBlocks(deps, caller, command),
        available: (caller, command) => availableInBlock(deps, caller, command),
      },
      address: {
        record: (caller, command) => recordAddress(deps, caller, command),
        get: (caller, command) => getAddress(deps, caller, command),
        list: (caller, command) => listAddresses(deps, caller, command),
        remove: (caller, command) => removeAddress(deps, caller, command),
      },
      numberDomain: {
        create: (caller, command) => createDomain(deps, caller, command),
        amend: (caller, command) => amendDomain(deps, caller, command),
        get: (caller, command) => getDomain(deps, caller, command),
        list: (caller, command) => listDomains(deps, caller, command),
      },
      numberRange: {
        create: (caller, command) => createRange(deps, caller, command),
        amend: (caller, command) => amendRange(deps, caller, command),
        get: (caller, command) => getRange(deps, caller, command),
        list: (caller, command) => listRanges(deps, caller, command),
        available: (caller, command) => availableInRange(deps, caller, command),
      },
      number: {
        record: (caller, command) => recordNumber(deps, caller, command),
        list: (caller, command) => listNumbers(deps, caller, command),
      },
      allocation: {
        reserve: (caller, command) => reserveAllocation({ ...deps, lanes }, caller, command),
        earliest: (caller, command) => earliestAllocation(deps, caller, command),
        replace: (caller, command) => replaceAllocation(deps, caller, command),
        batch: (caller, command) => batchAllocations(deps, caller, command),
        bind: (caller, command) => bindAllocation(deps, caller, command),
        confirm: (caller, command) => confirmAllocation(deps, caller, command),
        renew: (caller, command) => renewAllocation(deps, caller, command),
        release: (caller, command) => releaseAllocation({ ...deps, lanes }, caller, command),
        get: (caller, command) => getAllocation(deps, caller, command),
        list: (caller, command) => listAllocations(deps, caller, command),
      },
      refusal: {
        get: (caller, command) => getRefusal(deps, caller, command),
        list: (caller, command) => listRefusals(deps, caller, command),
      },
      observation: {
        report: (caller, command) => reportObservations(deps, caller, command),
        list: (caller, command) => listObservations(deps, caller, command),
      },
      finding: {
        report: (caller, command) => reportFindings(deps, caller, command),
        get: (caller, command) => getFinding(deps, caller, command),
        list: (caller, command) => listFindings(deps, caller, command),
        accept: (caller, command) => acceptFinding(deps, caller, command),
        repair: (caller, command) => repairFinding(deps, caller, command),
        resolve: (caller, command) => resolveFinding(deps, caller, command),
      },
      import: {
        create: (caller, command) => createImport(deps, caller, command),
        stage: (caller, command) => stageImport(deps, caller, command),
        start: (caller, command) => startImport(deps, caller, command),
        get: (caller, command) => getImport(deps, caller, command),
        list: (caller, command) => listImports(deps, caller, command),
        results: (caller, command) => listImportResults(deps, caller, command),
        cancel: (caller, command) => cancelImport(deps, caller, command),
      },
      feed: {
        page: (caller, command) => factPage(deps.db.platform, versions, { caller, ...command }),
        versions: (caller, command) => versionPage(deps.db.platform, versions, { caller, ...command }),
      },
      invariant: { list: (caller) => listInvariants(deps, caller) },
      usage: {
        count: (caller, command) => countUsage(deps, caller, command),
        now: (caller, command) => usageNow(deps, caller, command),
        between: (caller, command) => usageBetween(deps, caller, command),
      },
      projection: { apply: (caller) => confirmScopes(deps.db.app, scopes, caller) },
      policyTrial: { list: (caller, command) => listPolicyTrial(deps, caller, command) },
    },
    options,
  );
}
