import { machineBodySchema, machineFields } from '@sentral/contracts/api/platform/machines';
import type { Id } from '@sentral/contracts/ids';
import * as v from 'valibot';
import { asked, doing, platformResource } from './platform-resource.js';

/** What a machine of this size takes of a host. */
export const resourcesOf = (size: v.InferOutput<typeof machineFields.size>) => {
  if ('whole' in size) return [{ kind: size.whole, count: 1 }];
  const amounts = Object.entries(size) as [string, number][];
  return amounts.map(([of, amount]) => ({ class: of, amount }));
};

/** A port of Nett's, and a machine by Maskin on a host or a part of it. */
export const machine = platformResource({
  kind: 'machine',
  prefix: 'mch',
  body: machineBodySchema,
  wanted: v.object(machineFields),
  keeps: ({ size, networkId, spec }, { items }) => ({
    size,
    networkId,
    address: items.find(({ what }) => what === 'address')?.address ?? '',
    spec,
  }),
  on: ({ networkId }) => [{ kind: 'network', id: networkId, at: '/networkId' }],
  holds: ({ size, place }, [network]) => [
    {
      item: { what: 'place', groups: [], sameSubtree: [], ...place, resources: resourcesOf(size), count: 1 },
      at: '/place',
    },
    {
      item: { what: 'address', blockId: network?.wanted['blockId'] as Id<'blk'>, count: 1 },
      at: '/networkId',
    },
  ],
  make: ({ id, held: { items } }) => {
    const address = items.find(({ what }) => what === 'address');
    const host = items.find(({ nodeId, what }) => what !== 'address' && nodeId !== undefined);
    return [
      doing('port', 'nett', 'port.attach', {
        input: {
          networkId: asked('wanted/networkId'),
          machineId: id,
          address: asked('wanted/address'),
          fence: address?.fence ?? 0,
        },
        undo: { action: 'port.detach', input: { machineId: id } },
      }),
      doing('machine', 'maskin', 'machine.create', {
        needs: ['port'],
        input: {
          machineId: id,
          name: asked('name'),
          hostNodeId: host?.nodeId ?? '',
          ports: [{ $from: '/steps/port/output' }],
          spec: asked('wanted/spec'),
          fence: host?.fence ?? 0,
        },
        undo: { action: 'machine.delete', input: { machineId: id } },
      }),
    ];
  },
  unmake: (id) => [
    doing('machine', 'maskin', 'machine.delete', { input: { machineId: id }, undo: 'none' }),
    doing('port', 'nett', 'port.detach', { needs: ['machine'], input: { machineId: id }, undo: 'none' }),
  ],
});
