import type { ResourceKind } from '@sentral/contracts/services/specs';
import type { Json } from '@sentral/task';

/** What one of each kind is asked for with, what it is given, and what its services answer, by the action or the step. */
interface Fixture {
  readonly body: object;
  readonly items: readonly object[];
  readonly outputs: Readonly<Record<string, Json>>;
  /** What its removal knows besides. */
  readonly removing?: Readonly<Record<string, Json>>;
}

const on = { networkId: 'net_01jz0000000000000000000000' };
const size = { vcpu: 2, memoryMib: 1024 };
const part = { what: 'capacity', nodeId: 'nod_01jz0000000000000000000000', fence: 7 };
const address = { what: 'address', blockId: 'blk_01jz0000000000000000000000', address: '10.0.1.2', fence: 9 };

/** Workflows that make no resource of the platform. */
export const others: Readonly<Record<string, { readonly input: Json; readonly outputs: Fixture['outputs'] }>> = {
  'audit.export': { input: { exportId: 'exp_01jz0000000000000000000000' }, outputs: {} },
  'environment.empty': {
    input: { environmentId: 'env_01jz0000000000000000000000' },
    outputs: {
      'environment.list-resources': {
        resources: [
          {
            id: 'nod_01jz0000000000000000000000',
            kind: 'bucket',
            name: 'photos',
            state: 'available',
            allocationId: 'alc_01jz0000000000000000000000',
            wanted: {},
          },
        ],
        more: false,
      },
      'removals.plan': {
        first: [
          {
            kind: 'bucket.delete',
            input: {
              id: 'bkt_01jz0000000000000000000000',
              name: 'photos',
              state: 'available',
              allocationId: 'alc_01jz0000000000000000000000',
            },
          },
        ],
        last: [],
      },
      'child.run': { tasks: [] },
    },
  },
};

export const fixtures: { readonly [K in ResourceKind]?: Fixture } = {
  bucket: {
    body: { sizeGib: 10, spec: { versioning: true } },
    items: [part],
    outputs: {
      'bucket.create': { bucketId: 'bkt_01jz0000000000000000000000', endpoint: 'https://b.objects.example' },
    },
  },
  network: {
    body: {
      vlan: { domainId: 'ndm_01jz0000000000000000000000' },
      block: { blockId: 'blk_01jz0000000000000000000001', prefixLength: 24 },
    },
    items: [
      { what: 'number', domainId: 'ndm_01jz0000000000000000000000', number: 12, fence: 5 },
      { what: 'block', cidr: '10.0.1.0/24', takenBlockId: address.blockId, fence: 6 },
      { ...address, address: '10.0.1.1' },
    ],
    outputs: { 'network.create': { ...on, vlan: 12, gateway: '10.0.1.1' } },
  },
  machine: {
    body: { ...on, size, spec: { image: 'debian-13' } },
    items: [part, { ...part, fence: 8 }, address],
    outputs: {
      'port.attach': { portId: 'port-1', mac: '02:00:00:00:00:01', address: '10.0.1.2' },
      'machine.create': { machineId: 'mch_01jz0000000000000000000000', state: 'running' },
    },
  },
  cluster: {
    body: {
      ...on,
      machines: { count: 2, size },
      spec: { version: '1.33', machine: { image: 'debian-13' } },
    },
    items: [part, { ...part, fence: 8 }, part, { ...part, fence: 8 }, address, { ...address, address: '10.0.1.3' }],
    outputs: {
      'child.run': { tasks: [{ taskId: 'tsk_01jz0000000000000000000000' }] },
      'cluster.create': { clusterId: 'cls_01jz0000000000000000000000', endpoint: 'https://c.clusters.example:6443' },
    },
    removing: { parts: [{ id: 'mch_01jz0000000000000000000000', name: 'thing-1', state: 'available' }] },
  },
};
