import { actions } from '@sentral/contracts/services/registry';
import type { Job, StepAction } from '@sentral/contracts/services/serve';
import { createHash } from 'node:crypto';
import type { GenericSchema, InferOutput } from 'valibot';
import { specHashOf, type World } from './world.js';

export const standInNames = ['nett', 'maskin', 'plattform', 'objekt'] as const;
export type StandInName = (typeof standInNames)[number];

type Actions = typeof actions;
type InputOf<S extends StandInName, A extends keyof Actions[S]> = Actions[S][A] extends { input: infer I }
  ? InferOutput<Extract<I, GenericSchema>>
  : never;

/** A hardware address that is the same whenever the same port is made: locally administered, by the op. */
const macOf = (op: string): string =>
  `02:${createHash('sha256')
    .update(op)
    .digest('hex')
    .slice(0, 10)
    .replaceAll(/..(?!$)/g, '$&:')}`;

interface Makes<I> {
  readonly resource: string;
  readonly id: (input: I) => string;
  readonly spec: (input: I) => object;
  readonly state: string;
  readonly on?: (input: I) => { holder: string; fence: number };
  readonly output: (input: I, op: string) => object;
}

/** Create and delete of one resource: looked for by op, made if it is not there, taken back by op, deleted by id. */
function resource<I, D>(
  world: World,
  defs: {
    readonly create: Pick<StepAction, 'contract' | 'input'>;
    readonly remove: Pick<StepAction, 'contract' | 'input'>;
  },
  { makes, idOf }: { readonly makes: Makes<I>; readonly idOf: (input: D) => string },
): { readonly create: StepAction; readonly remove: StepAction } {
  return {
    create: {
      contract: defs.create.contract,
      input: defs.create.input,
      run: async ({ op, input }: Job) => {
        const asked = input as I;
        const on = makes.on?.(asked);
        const { resource: kind, state } = makes;
        const thing = { resource: kind, id: makes.id(asked), op, spec: makes.spec(asked), state };
        await world.create({ ...thing, ...(on === undefined ? {} : { on }) });
        return { ...makes.output(asked, op), specHash: specHashOf(thing.spec) };
      },
    },
    remove: {
      contract: defs.remove.contract,
      input: defs.remove.input,
      run: async ({ input }: Job) => {
        await world.remove(makes.resource, idOf(input as D));
        return {};
      },
      takeBack: ({ op }: Job) => world.takeBack(op),
    },
  };
}

/** What each stand-in does, by the registry of the contracts. */
export function actionsOf(service: StandInName, world: World): Readonly<Record<string, StepAction>> {
  switch (service) {
    case 'nett': {
      const { nett } = actions;
      const network = resource<InputOf<'nett', 'network.create'>, InputOf<'nett', 'network.delete'>>(
        world,
        { create: nett['network.create'], remove: nett['network.delete'] },
        {
          makes: {
            resource: 'network',
            id: ({ networkId }) => networkId,
            spec: ({ vlan, cidr, gateway, spec }) => ({ vlan, cidr, gateway, ...spec }),
            state: 'active',
            on: ({ vlan, fence }) => ({ holder: `vlan ${vlan}`, fence }),
            output: ({ networkId, vlan, gateway }) => ({ networkId, vlan, gateway }),
          },
          idOf: ({ networkId }) => networkId,
        },
      );
      const port = resource<InputOf<'nett', 'port.attach'>, InputOf<'nett', 'port.detach'>>(
        world,
        { create: nett['port.attach'], remove: nett['port.detach'] },
        {
          makes: {
            resource: 'port',
            id: ({ machineId }) => machineId,
            spec: ({ networkId, address }) => ({ networkId, address }),
            state: 'up',
            on: ({ networkId, address, fence }) => ({ holder: `${networkId} ${address}`, fence }),
            output: ({ address }, op) => ({ portId: `port-${op}`, mac: macOf(op), address }),
          },
          idOf: ({ machineId }) => machineId,
        },
      );
      return {
        'network.create': network.create,
        'network.delete': network.remove,
        'port.attach': port.create,
        'port.detach': port.remove,
      };
    }
    case 'maskin': {
      const { maskin } = actions;
      const machine = resource<InputOf<'maskin', 'machine.create'>, InputOf<'maskin', 'machine.delete'>>(
        world,
        { create: maskin['machine.create'], remove: maskin['machine.delete'] },
        {
          makes: {
            resource: 'machine',
            id: ({ machineId }) => machineId,
            spec: ({ hostNodeId, ports, spec }) => ({ hostNodeId, ports, ...spec }),
            state: 'running',
            on: ({ machineId, fence }) => ({ holder: machineId, fence }),
            output: ({ machineId }) => ({ machineId, state: 'running' }),
          },
          idOf: ({ machineId }) => machineId,
        },
      );
      return { 'machine.create': machine.create, 'machine.delete': machine.remove };
    }
    case 'plattform': {
      const { plattform } = actions;
      const cluster = resource<InputOf<'plattform', 'cluster.create'>, InputOf<'plattform', 'cluster.delete'>>(
        world,
        { create: plattform['cluster.create'], remove: plattform['cluster.delete'] },
        {
          makes: {
            resource: 'cluster',
            id: ({ clusterId }) => clusterId,
            spec: ({ networkId, machineIds, spec }) => ({ networkId, machineIds, ...spec }),
            state: 'ready',
            output: ({ clusterId }) => ({ clusterId, endpoint: `https://${clusterId}.clusters.example:6443` }),
          },
          idOf: ({ clusterId }) => clusterId,
        },
      );
      return { 'cluster.create': cluster.create, 'cluster.delete': cluster.remove };
    }
    case 'objekt': {
      const { objekt } = actions;
      const bucket = resource<InputOf<'objekt', 'bucket.create'>, InputOf<'objekt', 'bucket.delete'>>(
        world,
        { create: objekt['bucket.create'], remove: objekt['bucket.delete'] },
        {
          makes: {
            resource: 'bucket',
            id: ({ bucketId }) => bucketId,
            spec: ({ sizeGib, spec }) => ({ sizeGib, ...spec }),
            state: 'ready',
            on: ({ bucketId, fence }) => ({ holder: bucketId, fence }),
            output: ({ bucketId }) => ({ bucketId, endpoint: `https://${bucketId}.objects.example` }),
          },
          idOf: ({ bucketId }) => bucketId,
        },
      );
      return { 'bucket.create': bucket.create, 'bucket.delete': bucket.remove };
    }
  }
}
