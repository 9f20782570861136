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

/** What it holds is held for its parts too: they give nothing back on their own. */
export interface PartsOf<W> {
  readonly of: PlatformResource;
  ids(wanted: W): readonly Id[];
  /** What is kept of the part of that index, and what of all that is held is its. */
  each(it: Making<W>, index: number): { readonly wanted: Record<string, unknown>; readonly items: Held['items'] };
}

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
  keeps(body: v.InferOutput<B>, held: Held, id: Id): v.InferOutput<W>;
  /** Other resources of its environment that it needs, and that outlive it. */
  on?(body: v.InferOutput<B>): readonly On[];
  /** What is reserved for it; what it is on is there, in the same order. */
  holds(body: v.InferOutput<B>, on: readonly Resource[]): readonly Wish[];
  /** And what can be named only once that is held. */
  more?(held: Held): readonly Wish[];
  /** Resources that it is made of: first there by tasks of their own, and gone with it. */
  readonly parts?: PartsOf<v.InferOutput<W>>;
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

type Recorded = Pick<One, 'id' | 'name' | 'labels' | 'wanted' | 'on'>;
type Text = Pick<Recording, 'name' | 'labels' | 'wanted'>;

/** The records of what is made, what stands on others last: `text` tells what somebody has written, or where it is. */
function recordsBy<T>(
  { kind, parts }: Pick<PlatformResource, 'kind' | 'parts'>,
  input: Recorded & { readonly parts?: readonly Recorded[] | undefined },
  text: (one: Recorded, under: string) => T,
): (T & Pick<Recording, 'nodeId' | 'kind' | 'dependsOn'>)[] {
  const made = input.parts ?? [];
  return [
    ...made.map((part, n) => ({
      nodeId: nodeOf(part.id),
      kind: parts?.of.kind ?? kind,
      ...text(part, `parts/${n}/`),
      dependsOn: part.on,
    })),
    {
      nodeId: nodeOf(input.id),
      kind,
      ...text(input, ''),
      dependsOn: [...input.on, ...made.map(({ id }) => nodeOf(id))],
    },
  ];
}

/** By the facade at once, and by the first step with the same in references. */
export const recordsOf = (def: PlatformResource, input: Creating): Recording[] =>
  recordsBy(def, input, ({ name, labels, wanted }): Text => ({ name, labels, wanted: wanted as Text['wanted'] }));
const recordSteps = (def: PlatformResource, input: Creating): Json =>
  recordsBy(def, input, (_, under) => ({
    name: asked(`${under}name`),
    labels: asked(`${under}labels`),
    wanted: asked(`${under}wanted`),
  }));

/** A resource is named once in its environment: who is about to make one of that name has the name. */
const nameClaim = (kind: ResourceKind, environmentId: string, name: string) => `${environmentId}/${kind}/${name}`;

const oneOf = (def: PlatformResource) => ({
  id: idSchema(def.prefix) as v.GenericSchema<string, Id>,
  environmentId: idSchema('env'),
  name: nameSchema,
  labels: labelsSchema,
  wanted: def.wanted,
  held: heldSchema,
  on: v.array(idSchema('nod')),
  /** What it is a part of: recorded and held by the task of that. */
  partOf: v.optional(idSchema('nod')),
});
type One = v.InferOutput<v.StrictObjectSchema<ReturnType<typeof oneOf>, undefined>>;

const creating = (def: PlatformResource) =>
  v.strictObject({
    ...oneOf(def),
    parts: v.optional(v.array(v.strictObject(def.parts === undefined ? oneOf(def) : oneOf(def.parts.of)))),
  });
export type Creating = v.InferOutput<ReturnType<typeof creating>>;

/** What the task is begun with: its parts are named after it, one by one. */
export function creatingOf(
  def: PlatformResource,
  of: Pick<Creating, 'id' | 'environmentId' | 'name' | 'labels' | 'held' | 'on'> & { readonly body: unknown },
): Creating {
  const { body, ...all } = of;
  const whole = { ...all, wanted: def.keeps(body, of.held, of.id) };
  const { parts } = def;
  if (parts === undefined) return whole;
  const made = parts.ids(whole.wanted).map((id, index): One => {
    const { wanted, items } = parts.each(whole, index);
    const name = `${whole.name}-${index + 1}`;
    return { ...whole, id, name, wanted, held: { id: whole.held.id, items: [...items] }, partOf: nodeOf(whole.id) };
  });
  return { ...whole, parts: made };
}

const goingOf = (def: PlatformResource) => ({
  id: idSchema(def.prefix) as v.GenericSchema<string, Id>,
  name: nameSchema,
  /** As it was seen: it is removed from this state and no other. */
  state: v.picklist(platformResourceStates),
});

const removing = (def: PlatformResource) =>
  v.strictObject({
    ...goingOf(def),
    /** What it stands on; absent of a part, which goes with the whole. */
    allocationId: v.optional(idSchema('alc')),
    partOf: v.optional(idSchema('nod')),
    parts: v.optional(v.array(v.strictObject(def.parts === undefined ? goingOf(def) : goingOf(def.parts.of)))),
  });
export type Removing = v.InferOutput<ReturnType<typeof removing>>;

export const creates = ({ kind }: Pick<PlatformResource, 'kind'>) => `${kind}.create`;
export const removes = ({ kind }: Pick<PlatformResource, 'kind'>) => `${kind}.delete`;

/** The two workflows of a resource. A part has neither its own hold nor its own record: both are with the whole. */
export function workflowsOf(def: PlatformResource): readonly Workflow[] {
  const { kind } = def;
  const create = workflow({
    kind: creates(def),
    kindVersion: 1,
    summary: `Makes a ${kind} of what was reserved for it.`,
    permission: `inventory.${kind}.create`,
    input: creating(def),
    plan: (input) => {
      const { id, environmentId, name, held, parts = [], partOf } = input;
      const isPart = partOf !== undefined;
      const partKind = def.parts?.of.kind ?? kind;
      const claimed = [{ id, name, kind }, ...parts.map((part) => ({ ...part, kind: partKind }))];
      const partsMade = partsStep(def, parts);
      const first = partsMade.at(-1)?.key ?? 'hold';
      const made = def
        .make(input)
        .map((each): StepPlan => ({ needs: isPart ? [] : [first], ...each, kind: 'command' }));
      const last = made.at(-1)?.key ?? '';
      const status = { $from: `/steps/${last}/output` };
      const ready = { nodeId: nodeOf(id), from: 'provisioning', to: 'available' };
      const hold = command('hold', 'allocation.bind', {
        input: { records: recordSteps(def, input) },
        undo: { action: 'allocation.release', input: {} },
      });
      const needs = made.map(({ key }) => key);
      const keep = command('keep', 'allocation.confirm', { needs, input: {}, undo: 'none' });
      return {
        claims: claimed.flatMap((each) => [
          { resource: each.id, mode: 'exclusive' as const },
          { resource: nameClaim(each.kind, environmentId, each.name), mode: 'exclusive' as const },
        ]),
        holdings: isPart ? [] : [{ ref: held.id, kind: 'allocation' }],
        steps: [
          ...(isPart ? [] : [hold, ...partsMade]),
          ...made,
          ...(isPart ? [] : [keep]),
          command('ready', 'node.set-state', {
            needs: isPart ? needs : ['keep'],
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
    plan: ({ id, state, allocationId, partOf, parts = [] }) => {
      const isPart = partOf !== undefined;
      const away = { nodeId: nodeOf(id), from: state, to: 'removing', ...(isPart ? { partOf } : {}) };
      const unmade = def.unmake(id).map((each, at): StepPlan => ({
        needs: ['removing'],
        ...each,
        kind: 'command',
        // Whoever has begun it may remove the whole, and has been asked for that.
        ...(at === 0 ? { pivot: true, destructive: !isPart } : {}),
      }));
      const partsGone = partsGoneStep(def, { id, parts, needs: unmade.map(({ key }) => key) });
      const needs = [...unmade, ...partsGone].map(({ key }) => key);
      return {
        claims: [id, ...parts.map((part) => part.id)].map((resource) => ({ resource, mode: 'exclusive' as const })),
        holdings: [],
        steps: [
          command('removing', 'node.set-state', { input: away, undo: { action: 'node.reset-state', input: away } }),
          ...unmade,
          ...(allocationId === undefined
            ? []
            : [
                ...partsGone,
                command('release', 'allocation.release', { needs, input: { allocationId }, undo: 'none' }),
                command('gone', 'node.retire', {
                  needs: ['release'],
                  input: { nodeIds: [id, ...parts.map((part) => part.id)].map(nodeOf) },
                  undo: 'none',
                }),
              ]),
        ],
        output: { type: kind, id },
      };
    },
  });
  return [create, remove];
}

/** A task for each part, and what takes back those that were made. */
function partsStep({ parts }: PlatformResource, made: readonly One[]): readonly StepPlan[] {
  if (parts === undefined) return [];
  const input = { tasks: made.map((_, n) => ({ kind: creates(parts.of), input: asked(`parts/${n}`) })) };
  const back = made.map(({ id, partOf }, n) => ({
    kind: removes(parts.of),
    input: { id, name: asked(`parts/${n}/name`), state: 'available', partOf: partOf ?? null },
  }));
  const undo = { action: 'child.cancel', input: { tasks: back } };
  return [{ ...doing('parts', 'task', 'child.run', { needs: ['hold'], input, undo }), kind: 'child' }];
}

/** Behind the pivot: who cannot remove one waits for a person. */
function partsGoneStep(
  { parts }: PlatformResource,
  { id, parts: going, needs }: { id: Id; parts: NonNullable<Removing['parts']>; needs: readonly string[] },
): readonly StepPlan[] {
  if (parts === undefined || going.length === 0) return [];
  const tasks = going.map((part, n) => ({
    kind: removes(parts.of),
    input: { ...part, name: asked(`parts/${n}/name`), partOf: nodeOf(id) },
  }));
  const undo = { action: 'child.cancel', input: {} };
  return [
    { ...doing('parts', 'task', 'child.run', { needs, input: { tasks }, undo }), kind: 'child', onFailure: 'hold' },
  ];
}

const command = (
  key: string,
  action: keyof (typeof actions)['inventory'],
  of: { input: Json; undo: Doing['undo']; needs?: readonly string[] },
): StepPlan => ({ ...doing(key, inventory, action, of), kind: 'command' });
