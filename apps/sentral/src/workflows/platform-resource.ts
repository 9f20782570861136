import { labelsSchema, nameSchema } from '@sentral/contracts/api/common';
import { encodeId, idSchema, parseId, type Id, type Prefix } from '@sentral/contracts/ids';
import { allocationItemSchema, type AllocationSelectingItem } from '@sentral/contracts/inventory/allocation';
import {
  platformResourceStates,
  type PlatformResource as Resource,
  type Recording,
} from '@sentral/contracts/inventory/platform-resource';
import { actions, type ServiceName } from '@sentral/contracts/services/registry';
import type { ResourceKind } from '@sentral/contracts/services/specs';
import { workflow, type Json, type StepPlan, type Workflow } from '@sentral/task';
import * as v from 'valibot';

/** What was reserved, as far as a plan may lean on it: the same on every try. */
export const heldSchema = v.object({
  id: idSchema('alc'),
  items: v.array(
    v.pick(allocationItemSchema, [
      'what',
      'nodeId',
      'domainId',
      'number',
      'blockId',
      'takenBlockId',
      'cidr',
      'address',
      'fence',
    ]),
  ),
});
export type Held = v.InferOutput<typeof heldSchema>;

/** One thing to reserve, and where in the body it was asked for. */
export interface Wish {
  readonly item: AllocationSelectingItem;
  readonly at: string;
}

export interface On {
  readonly kind: ResourceKind;
  readonly id: Id;
  readonly at: string;
}

export interface Making<W> {
  readonly id: Id;
  readonly wanted: W;
  readonly held: Held;
}

/** A step as a resource writes it: after what it needs, or after all is held. */
export type Doing = Pick<StepPlan, 'key' | 'service' | 'action' | 'contract' | 'input' | 'undo'> &
  Partial<Pick<StepPlan, 'needs' | 'policy'>>;

/** One kind of thing that the platform makes: what it is made of, and in which steps it comes and goes. */
export interface PlatformResource<
  B extends v.GenericSchema = v.GenericSchema,
  W extends v.GenericSchema = v.GenericSchema,
> {
  readonly kind: ResourceKind;
  readonly prefix: Prefix;
  /** What is asked for, as the route takes it, and the part of it that is kept and shown. */
  readonly body: B;
  readonly wanted: W;
  keeps(body: v.InferOutput<B>, held: Held): v.InferOutput<W>;
  /** Other resources of its environment that it needs, and that outlive it. */
  on?(body: v.InferOutput<B>): readonly On[];
  /** What is reserved for it; what it is on is there, in the same order. */
  holds(body: v.InferOutput<B>, on: readonly Resource[]): readonly Wish[];
  /** And what can be named only once that is held. */
  more?(held: Held): readonly Wish[];
  /** How its services make it of what is held; what the last step answers is its status. */
  make(it: Making<v.InferOutput<W>>): readonly [...Doing[], Doing];
  /** How its services take it away: from the first step on there is no way back. */
  unmake(id: Id): readonly [Doing, ...Doing[]];
}

/** Declares a resource; exists so that its parts see each other's types. */
export const platformResource = <const B extends v.GenericSchema, const W extends v.GenericSchema>(
  def: PlatformResource<B, W>,
): PlatformResource<B, W> => def;

/** A command to a service: what it takes, and what takes it back. */
export function doing<S extends ServiceName, A extends keyof (typeof actions)[S] & string>(
  key: string,
  service: S,
  action: A,
  { input, undo, ...more }: { input: Json; undo: Doing['undo'] } & Pick<Doing, 'needs' | 'policy'>,
): Doing {
  const { contract } = (actions[service] as Record<string, { contract: number }>)[action] as { contract: number };
  return { key, service, action, contract, input, undo, ...more };
}

/** What somebody has asked for goes into a step by reference: text of theirs is never read as a template. */
export const asked = (path: string): Json => ({ $from: `/input/${path}` });

const inventory = 'inventory';
const nodeOf = (id: Id): Id<'nod'> => encodeId('nod', parseId(id).uuid);

/** The record of what is made: at once by the facade, and by the first step with the same in references. */
export const recordsOf = (
  { kind }: Pick<PlatformResource, 'kind'>,
  { id, name, labels, wanted, on }: Pick<Creating, 'id' | 'name' | 'labels' | 'wanted' | 'on'>,
): Recording[] => [{ nodeId: nodeOf(id), kind, name, labels, wanted: wanted as Recording['wanted'], dependsOn: on }];
const recordSteps = (kind: ResourceKind, id: Id): Json => [
  {
    nodeId: nodeOf(id),
    kind,
    name: asked('name'),
    labels: asked('labels'),
    wanted: asked('wanted'),
    dependsOn: asked('on'),
  },
];

/** A resource is named once in its environment: who is about to make one of that name has the name. */
const nameClaim = (kind: ResourceKind, environmentId: string, name: string) => `${environmentId}/${kind}/${name}`;

const creating = (def: PlatformResource) =>
  v.strictObject({
    id: idSchema(def.prefix) as v.GenericSchema<string, Id>,
    environmentId: idSchema('env'),
    name: nameSchema,
    labels: labelsSchema,
    wanted: def.wanted,
    held: heldSchema,
    on: v.array(idSchema('nod')),
  });
export type Creating = v.InferOutput<ReturnType<typeof creating>>;

const removing = (def: PlatformResource) =>
  v.strictObject({
    id: idSchema(def.prefix) as v.GenericSchema<string, Id>,
    name: nameSchema,
    /** As it was seen: it is removed from this state and no other. */
    state: v.picklist(platformResourceStates),
    allocationId: idSchema('alc'),
  });
export type Removing = v.InferOutput<ReturnType<typeof removing>>;

export const creates = ({ kind }: Pick<PlatformResource, 'kind'>) => `${kind}.create`;
export const removes = ({ kind }: Pick<PlatformResource, 'kind'>) => `${kind}.delete`;

/** The two workflows of a resource. */
export function workflowsOf(def: PlatformResource): readonly Workflow[] {
  const { kind } = def;
  const create = workflow({
    kind: creates(def),
    kindVersion: 1,
    summary: `Makes a ${kind} of what was reserved for it.`,
    permission: `inventory.${kind}.create`,
    input: creating(def),
    plan: (input) => {
      const { id, environmentId, name } = input;
      const nodeId = nodeOf(id);
      const made = def.make(input).map((each): StepPlan => ({ needs: ['hold'], ...each, kind: 'command' }));
      const last = made.at(-1)?.key ?? '';
      const status = { $from: `/steps/${last}/output` };
      const ready = { nodeId, from: 'provisioning', to: 'available' };
      return {
        claims: [
          { resource: id, mode: 'exclusive' },
          { resource: nameClaim(kind, environmentId, name), mode: 'exclusive' },
        ],
        holdings: [{ ref: input.held.id, kind: 'allocation' }],
        steps: [
          command('hold', 'allocation.bind', {
            input: { records: recordSteps(kind, id) },
            undo: { action: 'allocation.release', input: {} },
          }),
          ...made,
          command('keep', 'allocation.confirm', { needs: made.map(({ key }) => key), input: {}, undo: 'none' }),
          command('ready', 'node.set-state', {
            needs: ['keep'],
            input: { ...ready, status },
            undo: { action: 'node.reset-state', input: ready },
          }),
        ],
        output: { type: kind, id, status },
      };
    },
  });
  const remove = workflow({
    kind: removes(def),
    kindVersion: 1,
    summary: `Removes a ${kind} and gives back what it stood on.`,
    permission: `inventory.${kind}.delete`,
    input: removing(def),
    plan: ({ id, state, allocationId }) => {
      const nodeId = nodeOf(id);
      const away = { nodeId, from: state, to: 'removing' };
      const unmade = def.unmake(id).map((each, at): StepPlan => ({
        needs: ['removing'],
        ...each,
        kind: 'command',
        ...(at === 0 ? { pivot: true, destructive: true } : {}),
      }));
      return {
        claims: [{ resource: id, mode: 'exclusive' }],
        holdings: [],
        steps: [
          command('removing', 'node.set-state', { input: away, undo: { action: 'node.reset-state', input: away } }),
          ...unmade,
          command('release', 'allocation.release', {
            needs: unmade.map(({ key }) => key),
            input: { allocationId },
            undo: 'none',
          }),
          command('gone', 'node.retire', { needs: ['release'], input: { nodeId }, undo: 'none' }),
        ],
        output: { type: kind, id },
      };
    },
  });
  return [create, remove];
}

const command = (
  key: string,
  action: keyof (typeof actions)['inventory'],
  of: { input: Json; undo: Doing['undo']; needs?: readonly string[] },
): StepPlan => ({ ...doing(key, inventory, action, of), kind: 'command' });
