import { clusterBodySchema, clusterFields } from '@sentral/contracts/api/platform/clusters';
import { encodeId, parseId, type Id } from '@sentral/contracts/ids';
import { namedId } from '@sentral/kernel/id';
import * as v from 'valibot';
import { machine, resourcesOf } from './machine.js';
import { asked, doing, platformResource, type Held } from './platform-resource.js';

/** Of what is held for all, what is of the machine of this index: hosts and addresses are given in the order of asking. */
function shareOf({ items }: Held, { index, count }: { index: number; count: number }): Held['items'] {
  const addresses = items.filter(({ what }) => what === 'address');
  const hosts = items.filter(({ what }) => what !== 'address');
  const each = hosts.length / count;
  return [...hosts.slice(index * each, (index + 1) * each), ...addresses.slice(index, index + 1)];
}

/** Machines in one reservation, spread over failure domains, and Plattform, which makes a cluster of them. */
export const cluster = platformResource({
  kind: 'cluster',
  prefix: 'cls',
  body: clusterBodySchema,
  wanted: v.object(clusterFields),
  keeps: ({ machines: { count, size }, networkId, spec }, _, id) => {
    const { uuid } = parseId(id);
    const machineIds = Array.from({ length: count }, (__, n) => encodeId('mch', namedId(uuid, `machine/${n}`)));
    return { machines: { count, size }, networkId, machineIds, spec };
  },
  on: ({ networkId }) => [{ kind: 'network', id: networkId, at: '/networkId' }],
  holds: ({ machines: { count, size, place } }, [network]) => [
    {
      item: { what: 'place', groups: [], sameSubtree: [], ...place, resources: resourcesOf(size), count },
      at: '/machines/place',
    },
    { item: { what: 'address', blockId: network?.wanted['blockId'] as Id<'blk'>, count }, at: '/networkId' },
  ],
  parts: {
    of: machine,
    ids: ({ machineIds }) => machineIds,
    each: ({ wanted, held }, index) => {
      const { machines, networkId, spec } = wanted;
      const items = shareOf(held, { index, count: machines.count });
      const address = items.find(({ what }) => what === 'address')?.address ?? '';
      return { wanted: { size: machines.size, networkId, address, spec: spec.machine }, items };
    },
  },
  make: ({ id }) => [
    doing('cluster', 'plattform', 'cluster.create', {
      input: {
        clusterId: id,
        name: asked('name'),
        networkId: asked('wanted/networkId'),
        machineIds: asked('wanted/machineIds'),
        spec: asked('wanted/spec'),
      },
      undo: { action: 'cluster.delete', input: { clusterId: id } },
    }),
  ],
  unmake: (id) => [doing('cluster', 'plattform', 'cluster.delete', { input: { clusterId: id }, undo: 'none' })],
});
