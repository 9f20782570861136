import type { ChangeItem, NodeResource } from '../change-set.js';
import { componentNodes } from './component-nodes.js';
import type { Row } from './dump.js';
import type { KeptModel } from './fields.js';
import { parentFinder } from './parent.js';
import { placeNodes, type NodeMaker } from './place-nodes.js';
import { rackPositions } from './rack-position.js';
import type { Source } from './source.js';
import { rejected, upsert } from './translated.js';

/** Parents come before children across models in this order; within a model the tree is walked. */
const nodeModels: readonly KeptModel[] = [
  'dcim.region',
  'dcim.site',
  'dcim.location',
  'dcim.rack',
  'dcim.powerpanel',
  'dcim.virtualchassis',
  'dcim.device',
  'dcim.module',
  'dcim.modulebay',
  'dcim.devicebay',
  'dcim.rearport',
  'dcim.frontport',
  'dcim.interface',
  'dcim.consoleport',
  'dcim.consoleserverport',
  'dcim.powerport',
  'dcim.poweroutlet',
  'dcim.powerfeed',
  'dcim.inventoryitem',
  'virtualization.cluster',
  'virtualization.virtualmachine',
  'virtualization.vminterface',
  'circuits.provider',
  'circuits.providernetwork',
  'circuits.circuit',
  'circuits.circuittermination',
];

/** Every node of the dump, parents before children; a row whose parents form a cycle is rejected, what hangs below it is left to the judge. */
export function* nodeItems(source: Source): Generator<ChangeItem> {
  const parentOf = parentFinder(source);
  const positions = rackPositions(source, parentOf);
  const makers: Partial<Record<KeptModel, NodeMaker>> = { ...placeNodes(source, positions), ...componentNodes(source) };
  const done = new Set<string>();

  for (const model of nodeModels) {
    const make = makers[model];
    if (make === undefined) continue;
    for (const row of source.all(model)) {
      const chain: Row[] = [];
      const onChain = new Set<string>();
      let at: Row | undefined = row;
      while (at !== undefined && at.model === model && !done.has(at.key) && !onChain.has(at.key)) {
        chain.push(at);
        onChain.add(at.key);
        const parent = parentOf(at);
        at = parent === undefined ? undefined : source.find(parent);
      }
      const inCycle =
        at !== undefined && onChain.has(at.key)
          ? new Set(chain.slice(chain.indexOf(at)).map((member) => member.key))
          : new Set<string>();
      for (const next of chain.reverse()) {
        done.add(next.key);
        if (inCycle.has(next.key)) {
          yield rejected(next, 'its parents form a cycle');
          continue;
        }
        const parent = parentOf(next);
        const resource: NodeResource = { type: 'node', ...make(next), ...(parent === undefined ? {} : { parent }) };
        yield upsert(next, resource);
        const unplaced = positions.unplaced.get(next.key);
        if (unplaced !== undefined)
          yield { item: 'rejected', line: next.line, key: `${next.key}#position`, reason: unplaced.reason };
      }
    }
  }
}
