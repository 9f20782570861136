import type { Caller } from '@sentral/contracts/contract';
import { encodeId, parseId, type Id } from '@sentral/contracts/ids';
import type { Allocation, AllocationRequestItem } from '@sentral/contracts/inventory/allocation';
import type { PlatformResource as Resource } from '@sentral/contracts/inventory/platform-resource';
import { isProblem, problem } from '@sentral/contracts/problem';
import type { Task } from '@sentral/contracts/task/task';
import { newId } from '@sentral/kernel/id';
import * as v from 'valibot';
import { missing } from '../auth/authorize.js';
import { facade } from '../auth/sessions.js';
import type { Asked } from '../http/mount.js';
import type { Contexts } from '../routes/world.js';
import {
  creates,
  creatingOf,
  heldSchema,
  recordsOf,
  removes,
  type On,
  type PlatformResource,
  type Removing,
  type Wish,
} from './platform-resource.js';

const holdSeconds = 900;

type Item = Allocation['items'][number];

type Body = { readonly name: string; readonly labels: Record<string, string> };
type Intent = { readonly taskId: Id<'tsk'>; readonly task?: Task | undefined };

/** Under the caller's key a retry goes on with the task that the first try has named; a dry run names none. */
export const intentOf = async ({ task }: Contexts, { caller, dryRun }: Asked): Promise<Intent> =>
  dryRun || caller.idempotency === undefined ? { taskId: encodeId('tsk', newId()) } : task.task.intent(caller, {});

/** What is idempotent on the task's id is not kept under the caller's key: only the whole is. */
export function without(caller: Caller): Caller {
  const { idempotency: _, ...rest } = caller;
  return rest;
}

/**
 * Begins the task that makes a resource, in the order of task.md 12: its name, what it stands on, the task, and at once the bond
 * between them. Whoever dies in between is followed by a retry under the same key, or by the end of the reservation.
 * @throws Problem what reserving and making the task refuse with
 */
export async function beginMaking(
  contexts: Contexts,
  asked: Asked,
  { def, environmentId, body }: { def: PlatformResource; environmentId: Id<'env'>; body: Body },
): Promise<Task> {
  const { inventory, task } = contexts;
  const { taskId, task: earlier } = await intentOf(contexts, asked);
  if (earlier !== undefined) return earlier;
  await expectFree(contexts, asked, { def, environmentId, name: body.name, taskId });
  const caller = without(asked.caller);
  const on = await resolve(contexts, { environmentId, on: def.on?.(body) ?? [] });
  const allocation = await reserve(contexts, caller, { def, environmentId, body, taskId, on });
  if (allocation.state !== 'held' && allocation.state !== 'active')
    throw problem('lease-expired', { allocationId: allocation.id, expiredAt: allocation.endedAt });
  const held = v.parse(heldSchema, allocation);
  const input = creatingOf(def, {
    id: encodeId(def.prefix, parseId(taskId).uuid),
    environmentId,
    name: body.name,
    labels: body.labels,
    held,
    on: on.map((each) => each.id),
    body,
  });
  const wanted = { id: taskId, kind: creates(def), scopeId: environmentId, input };
  const made = await task.task
    .create(asked.caller, wanted)
    .catch((error: unknown) => giveBack(contexts, asked, { taskId, allocation, error }));
  if (asked.dryRun) return made;
  // What goes wrong here goes wrong again in the first step of the task, which is the same verb, and is told there.
  const { tenantId } = made;
  await inventory.allocation.bind(caller, { tenantId, taskId, records: recordsOf(def, input) }).catch(() => undefined);
  return made;
}

/**
 * The task was refused: what was held for it is given back at once, and a retry under the same key begins anew. Whoever dies here
 * leaves it to the end of the reservation.
 * @throws Problem what making the task refused with
 */
async function giveBack(
  { inventory, task }: Contexts,
  { caller, dryRun }: Asked,
  { taskId, allocation, error }: { taskId: Id<'tsk'>; allocation: Allocation; error: unknown },
): Promise<never> {
  // After anything else there may be a task that holds it.
  if (!isProblem(error) || dryRun || !nothingMade.has(error.code)) throw error;
  try {
    if (caller.idempotency !== undefined) await task.task.intent(caller, { instead: taskId });
    await inventory.allocation.release(without(caller), { id: allocation.id });
  } catch {
    // Its time ends it.
  }
  throw error;
}

const nothingMade: ReadonlySet<string> = new Set(['queue-full', 'operation-in-progress', 'scope-not-active']);

/** A name that is taken is told before anything is begun; of two at once the claim of the task is the judge. */
async function expectFree(
  { inventory }: Contexts,
  { access }: Asked,
  {
    def,
    environmentId,
    name,
    taskId,
  }: { def: PlatformResource; environmentId: Id<'env'>; name: string; taskId: string },
): Promise<void> {
  const { items } = await inventory.platformResource.list(facade, { kind: def.kind, environmentId, name });
  const [taken] = items;
  // Recorded by the first try of this very request.
  if (taken === undefined || taken.taskId === taskId) return;
  const mayKnow = access.may(`inventory.${def.kind}.read`);
  throw problem('already-exists', {
    field: 'name',
    ...(mayKnow ? { conflictingId: encodeId(def.prefix, parseId(taken.id).uuid) } : {}),
  });
}

/** What it is to be on, as far as it is ready in this environment. */
async function resolve(
  { inventory }: Contexts,
  { environmentId, on }: { environmentId: string; on: readonly On[] },
): Promise<readonly Resource[]> {
  const all: Resource[] = [];
  for (const { kind, id, at } of on) {
    const nodeId = encodeId('nod', parseId(id).uuid);
    const resource = await inventory.platformResource.get(facade, { id: nodeId }).catch((error: unknown) => {
      if (isProblem(error, 'not-found')) return undefined;
      throw error;
    });
    if (resource?.kind !== kind || resource.environmentId !== environmentId)
      throw problem('reference-not-found', { pointer: at, resourceType: kind });
    if (resource.state !== 'available')
      throw problem('state-conflict', { state: resource.state, allowedStates: ['available'] });
    all.push(resource);
  }
  return all;
}

interface Reserving {
  readonly def: PlatformResource;
  readonly environmentId: Id<'env'>;
  readonly body: Body;
  readonly taskId: Id<'tsk'>;
  readonly on: readonly Resource[];
}

/** Whether nothing is wanted besides, or an earlier try has it already. */
const isHeld = (more: readonly Wish[], { items }: Allocation): boolean =>
  more.every(({ item }) => items.some((held) => held.what === item.what));

/** A thing that is held, as it is named to keep it. */
function stated({ what, nodeId, class: of, amount, domainId, number, blockId, address, cidr }: Item) {
  const named = { what, nodeId, class: of, amount, domainId, number, blockId, address, cidr };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) as AllocationRequestItem;
}

async function reserve(
  { inventory }: Contexts,
  caller: Caller,
  { def, environmentId, body, taskId, on }: Reserving,
): Promise<Allocation> {
  const wishes = [...def.holds(body, on)];
  try {
    const allocation = await inventory.allocation.reserve(caller, {
      environmentId,
      requestId: taskId,
      consumer: { service: 'sentral', kind: 'task', id: taskId },
      items: wishes.map(({ item }) => item),
      ttlSeconds: holdSeconds,
    });
    const more = allocation.state === 'held' ? (def.more?.(v.parse(heldSchema, allocation)) ?? []) : [];
    if (isHeld(more, allocation)) return allocation;
    wishes.push(...more);
    // The same set and what it has led to: what is held stays, with its fence.
    const { id, version } = allocation;
    const items = [...allocation.items.map(stated), ...more.map(({ item }) => item as AllocationRequestItem)];
    return await inventory.allocation.replace(caller, { id, version, items });
  } catch (error) {
    if (!isProblem(error)) throw error;
    // A pointer into what we have asked for is no help to who has asked us.
    const named = (pointer: string) =>
      pointer.replace(/^\/items\/(\d+)/, (whole, at: string) => wishes[Number(at)]?.at ?? whole);
    const { pointer, errors } = error.facts as { pointer?: string; errors?: readonly { pointer: string }[] };
    throw problem(
      error.code,
      {
        ...error.facts,
        ...(pointer === undefined ? {} : { pointer: named(pointer) }),
        ...(errors === undefined ? {} : { errors: errors.map((each) => ({ ...each, pointer: named(each.pointer) })) }),
      },
      error.detail,
    );
  }
}

/**
 * Begins the task that removes a resource, at the version that the caller has read.
 * @throws Problem not-found | version-mismatch, and what making the task refuses with
 */
export async function beginRemoval(
  contexts: Contexts,
  asked: Asked,
  { def, id, version }: { def: PlatformResource; id: Id; version: number | undefined },
): Promise<Task> {
  const { taskId, task: earlier } = await intentOf(contexts, asked);
  if (earlier !== undefined) return earlier;
  const resource = await found(contexts, asked.caller, { def, id });
  if (version !== undefined && version !== resource.version)
    throw problem(
      'version-mismatch',
      { resourceId: id, currentVersion: resource.version, providedVersion: version },
      'Read it again, then decide.',
    );
  await expectNothingOn(contexts, resource);
  const { environmentId, name, state, allocationId } = resource;
  const parts = await partsOf(contexts, { def, resource });
  const input: Removing = { id, name, state, allocationId, ...(parts === undefined ? {} : { parts }) };
  return contexts.task.task.create(asked.caller, { id: taskId, kind: removes(def), scopeId: environmentId, input });
}

/** The parts that are still there, as they are. */
async function partsOf(
  contexts: Contexts,
  { def: { parts }, resource }: { def: PlatformResource; resource: Resource },
): Promise<Removing['parts']> {
  if (parts === undefined) return undefined;
  const read = parts.ids(resource.wanted).map(async (id) => {
    try {
      const { name, state } = await found(contexts, facade, { def: parts.of, id });
      return [{ id, name, state }];
    } catch (error) {
      if (isProblem(error, 'not-found')) return [];
      throw error;
    }
  });
  return (await Promise.all(read)).flat();
}

/** What others stand on stays, and says whose; the first step of the removal is the judge. */
async function expectNothingOn({ inventory }: Contexts, { id }: Resource): Promise<void> {
  const { items } = await inventory.platformResource.list(facade, { dependsOn: id, limit: 20 });
  const kinds = [...new Set(items.map(({ kind }) => kind))];
  if (kinds.length === 0) return;
  const dependents = kinds.map((type) => {
    const ids = items.filter(({ kind }) => kind === type).map((each) => each.id);
    return { type, count: ids.length, ids };
  });
  throw problem('has-dependents', { dependents });
}

/**
 * A resource as its kind: under the id of another it is not there.
 * @throws Problem not-found
 */
export async function found(
  { inventory }: Contexts,
  caller: Caller,
  { def, id }: { def: PlatformResource; id: Id },
): Promise<Resource> {
  try {
    const resource = await inventory.platformResource.get(caller, { id: encodeId('nod', parseId(id).uuid) });
    if (resource.kind === def.kind) return resource;
  } catch (error) {
    if (!isProblem(error, 'not-found')) throw error;
  }
  throw missing(id);
}
