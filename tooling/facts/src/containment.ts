import { increment, isRow, modelOf, refOf, type Imported } from './resource.js';

export const placementModels = [
  'dcim.region',
  'dcim.site',
  'dcim.location',
  'dcim.rack',
  'dcim.device',
  'dcim.module',
  'dcim.powerpanel',
  'virtualization.cluster',
  'virtualization.virtualmachine',
];
export const componentModels = [
  'dcim.interface',
  'dcim.frontport',
  'dcim.rearport',
  'dcim.consoleport',
  'dcim.consoleserverport',
  'dcim.powerport',
  'dcim.poweroutlet',
  'dcim.powerfeed',
  'dcim.devicebay',
  'dcim.modulebay',
  'dcim.inventoryitem',
  'virtualization.vminterface',
];

interface KindFacts {
  nodes: number;
  minDepth: number;
  maxDepth: number;
  readonly parents: Record<string, number>;
}

/** The containment tree over some models: how deep, how wide, what hangs on what. */
export function containment(
  imported: Imported,
  models: readonly string[],
  withRootKeys: boolean,
): Record<string, unknown> {
  const parents = new Map<string, string | undefined>();
  for (const { externalId, parent, ...rest } of imported.resources) {
    if (!isRow(externalId) || !models.includes(modelOf(externalId))) continue;
    // A cluster may be scoped to what is no place; then its scope is a parent that the tree does not hold.
    parents.set(
      externalId,
      parent ??
        (modelOf(externalId) === 'virtualization.cluster' ? refOf({ externalId, ...rest }, 'scope') : undefined),
    );
  }
  const orphans: { node: string; missingParent: string }[] = [];
  const depths = new Map<string, number>();
  const depthOf = (key: string): number => {
    const known = depths.get(key);
    if (known !== undefined) return known;
    const parent = parents.get(key);
    let depth = 0;
    if (parent !== undefined) {
      if (parents.has(parent)) depth = depthOf(parent) + 1;
      else orphans.push({ node: key, missingParent: parent });
    }
    depths.set(key, depth);
    return depth;
  };
  const byKind: Record<string, KindFacts> = {};
  const nodesByDepth: Record<string, number> = {};
  const rootKinds: Record<string, number> = {};
  const rootKeys: string[] = [];
  const children = new Map<string, number>();
  for (const [key, parent] of parents) {
    const depth = depthOf(key);
    const model = modelOf(key);
    const facts = (byKind[model] ??= { nodes: 0, minDepth: depth, maxDepth: depth, parents: {} });
    facts.nodes += 1;
    facts.minDepth = Math.min(facts.minDepth, depth);
    facts.maxDepth = Math.max(facts.maxDepth, depth);
    increment(facts.parents, parent === undefined ? 'root' : modelOf(parent));
    increment(nodesByDepth, depth);
    if (parent === undefined) {
      rootKeys.push(key);
      increment(rootKinds, model);
    } else children.set(parent, (children.get(parent) ?? 0) + 1);
  }
  const widest = [...children].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0];
  return {
    nodes: parents.size,
    containsEdges: parents.size - rootKeys.length,
    roots: rootKeys.length,
    rootKinds,
    ...(withRootKeys ? { rootKeys: rootKeys.sort() } : {}),
    maxDepth: Math.max(-1, ...depths.values()),
    nodesByDepth,
    byKind,
    orphans,
    cycles: [],
    widest: widest === undefined ? null : { key: widest[0], children: widest[1] },
    leaves: parents.size - children.size,
  };
}
