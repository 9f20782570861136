import type { Implements } from '@sentral/contracts/contract';
import { decodeId, encodeId, isId } from '@sentral/contracts/ids';
import type { inventory } from '@sentral/contracts/inventory';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { isProblem } from '@sentral/contracts/problem';
import { inTransaction } from '@sentral/kernel/transaction';
import { system } from '../change.js';
import { isTerminal, type TaskStateName } from '../decide/aggregate.js';
import type { Deps } from '../deps.js';
import { take } from '../run/take.js';
import type { Page, Pass, Scan } from './runner.js';
import { endSightings, listHoldings, moveFinding, sight, statesOf, type Sighting } from './sql.js';

/** As much of inventory as this needs. */
export type Allocations = Pick<
  Implements<typeof inventory>['allocation'],
  'list' | 'get' | 'bind' | 'confirm' | 'release'
>;

const pageSize = 200;
/** An allocation of a task that nobody knows: the request that made it may still be on its way to make the task. */
const unknownTaskMs = 15 * 60_000;
const kinds = {
  unknown: 'task.allocation_of_unknown_task',
  ended: 'task.allocation_of_ended_task',
  unconfirmed: 'task.allocation_unconfirmed',
  abandoned: 'task.allocation_of_abandoned_task',
  missing: 'task.allocation_missing',
} as const;

export type Verdict =
  | { readonly act: 'nothing' }
  | { readonly act: 'bind' }
  | { readonly act: 'release' | 'confirm' | 'tell'; readonly kind: string };

/** The table of task.md 13: what inventory holds for a task, and how the task is; undefined: nobody knows it. */
export function verdictOn(bound: boolean, task: TaskStateName | undefined): Verdict {
  if (!bound) return { act: task === undefined || isTerminal(task) ? 'nothing' : 'bind' };
  switch (task) {
    case undefined:
      return { act: 'release', kind: kinds.unknown };
    case 'failed':
    case 'cancelled':
      return { act: 'release', kind: kinds.ended };
    case 'succeeded':
      return { act: 'confirm', kind: kinds.unconfirmed };
    case 'abandoned':
      return { act: 'tell', kind: kinds.abandoned };
    case 'queued':
    case 'running':
    case 'unwinding':
    case 'stuck':
      return { act: 'nothing' };
  }
}

/** R1: what tasks hold by inventory's word against what they are, and the other way round. Nothing is done on one sighting. */
export function holdingScans(deps: Deps, allocations: Allocations): readonly Scan[] {
  const everyMs = 5 * 60_000;
  return [
    { name: 'allocations', everyMs, page: (pass) => allocationsPage(deps, allocations, pass) },
    { name: 'holdings', everyMs, page: (pass) => holdingsPage(deps, allocations, pass) },
  ];
}

async function allocationsPage(deps: Deps, allocations: Allocations, pass: Pass): Promise<Page> {
  const { items, nextCursor } = await allocations.list(system, {
    consumerService: 'sentral',
    consumerKind: 'task',
    state: ['held'],
    limit: pageSize,
    ...(pass.cursor === undefined ? {} : { cursor: pass.cursor }),
  });
  const ids = items.flatMap(({ consumer }) => (isId('tsk', consumer.id) ? [decodeId('tsk', consumer.id)] : []));
  const states = await statesOf(deps.db.app, ids);
  let repaired = 0;
  for (const allocation of items) {
    const { id } = allocation.consumer;
    const taskId = isId('tsk', id) ? decodeId('tsk', id) : undefined;
    const state = taskId === undefined ? undefined : states.get(taskId);
    if (await settle(deps, allocations, { allocation, taskId, state, pass })) repaired += 1;
  }
  if (nextCursor === undefined)
    await endSightings(deps.db.app, [kinds.unknown, kinds.ended, kinds.unconfirmed, kinds.abandoned], pass);
  return { rows: items.length, repaired, next: nextCursor };
}

interface Seen {
  readonly allocation: Allocation;
  readonly taskId: string | undefined;
  readonly state: TaskStateName | undefined;
  readonly pass: Pass;
}

async function settle(deps: Deps, allocations: Allocations, seen: Seen): Promise<boolean> {
  const { allocation, taskId, state, pass } = seen;
  const { id, tenantId, boundTaskId, version } = allocation;
  const verdict = verdictOn(boundTaskId !== undefined, state);
  if (verdict.act === 'nothing') return false;
  if (verdict.act === 'bind') {
    // What the facade would have done if it lived; the task's first step does the same.
    if (taskId === undefined) return false;
    return attempt(() => allocations.bind(system, { tenantId, taskId: encodeId('tsk', taskId) }));
  }
  const found = await note(deps, pass, {
    kind: verdict.kind,
    subject: id,
    taskId: state === undefined ? null : (taskId ?? null),
    generation: version,
    expected: { state: state ?? 'unknown' },
    observed: { state: allocation.state, boundTaskId },
  });
  if (verdict.act === 'tell' || found.state === 'suspect') return false;
  if (state === undefined && pass.now.getTime() - found.firstAt.getTime() < unknownTaskMs) return false;
  // Written before it is done: whoever comes after a process that died here sees what it was at.
  await moveFinding(deps.db.app, found.id, { state: 'repairing', note: null, at: pass.now });
  const repair = verdict.act === 'release' ? allocations.release : allocations.confirm;
  const done = await attempt(() => repair(system, { id, version }));
  const to = done ? 'resolved' : 'open';
  const said = done ? `${verdict.act} by the reconciler` : `${verdict.act} was refused`;
  await moveFinding(deps.db.app, found.id, { state: to, note: said, at: pass.now });
  return done;
}

/** A refusal leaves it to the next pass, and to whoever reads the finding. */
async function attempt(repair: () => Promise<unknown>): Promise<boolean> {
  try {
    await repair();
    return true;
  } catch (error) {
    if (isProblem(error)) return false;
    throw error;
  }
}

async function holdingsPage(deps: Deps, allocations: Allocations, pass: Pass): Promise<Page> {
  const held = await listHoldings(deps.db.app, { after: pass.cursor, limit: pageSize });
  let repaired = 0;
  for (const { taskId, ref } of held) {
    if (await isHeld(allocations, ref)) continue;
    const subject = { kind: kinds.missing, subject: ref, taskId, generation: null };
    const found = await note(deps, pass, { ...subject, expected: { state: 'held' }, observed: { state: 'gone' } });
    if (found.state === 'suspect') continue;
    const why = `what it holds is gone: ${ref}`;
    const taken = await take(deps, { taskId, input: () => ({ on: 'doubted', note: why }) });
    if (taken?.was === 'applied') repaired += 1;
  }
  const last = held.at(-1);
  const next = held.length < pageSize || last === undefined ? undefined : `${last.taskId} ${last.ref}`;
  if (next === undefined) await endSightings(deps.db.app, [kinds.missing], pass);
  return { rows: held.length, repaired, next };
}

/** Whether what a task holds is still held for it, or in its hands. */
async function isHeld(allocations: Allocations, ref: string): Promise<boolean> {
  if (!isId('alc', ref)) return true;
  try {
    const { state } = await allocations.get(system, { id: ref });
    return state === 'held' || state === 'active';
  } catch (error) {
    if (isProblem(error, 'not-found')) return false;
    throw error;
  }
}

const note = (deps: Deps, pass: Pass, seen: Omit<Sighting, 'id' | 'service'>) =>
  inTransaction(deps.db.app, (tx) => sight(tx, { ...seen, id: deps.newId(), service: 'inventory' }, pass.now));
