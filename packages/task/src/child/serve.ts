import { encodeId, decodeId } from '@sentral/contracts/ids';
import { isProblem } from '@sentral/contracts/problem';
import { actions } from '@sentral/contracts/services/registry';
import { stepFailure } from '@sentral/contracts/services/serve';
import type { Direction } from '@sentral/contracts/services/message';
import type { Tx } from '@sentral/kernel/database';
import { namedId } from '@sentral/kernel/id';
import { unended, type Served, type ServedAction } from '@sentral/kernel/bus/operation';
import type { InferOutput } from 'valibot';
import { system } from '../change.js';
import { decide } from '../decide/decide.js';
import { isTerminal } from '../decide/aggregate.js';
import type { Deps } from '../deps.js';
import { drawJitter } from '../run/take.js';
import { load } from '../store/aggregate.js';
import { lockTask } from '../store/sql.js';
import { writeDecision } from '../store/write.js';
import { makeTask, rowOf } from '../task/make.js';
import type { PlanOf } from '../workflow/workflow.js';
import { runNext, takeBackNext, type Child, type Family, type Move } from './rules.js';
import { listAncestors, listChildren, lockParent, placeOf, type ChildRead } from './sql.js';

type Wanted = InferOutput<(typeof actions.task)['child.run']['input']>['tasks'][number];

/** A workflow that makes itself is stopped here, not by a full database. */
const generationsMax = 5;

/** The steps that task serves itself: each transaction does one move of the rules (rules.ts), on one child. */
export function childSteps(deps: Deps, planOf: PlanOf): Readonly<Record<string, ServedAction>> {
  const next = async (
    tx: Tx,
    asker: Served,
    asked: { tasks: readonly Wanted[]; rule: (family: Family) => Move },
  ): Promise<unknown> => {
    const stepId = decodeId('stp', asker.stepid);
    const children = await listChildren(tx, stepId);
    const move = asked.rule({ count: asked.tasks.length, round: asker.round, children });
    switch (move.act) {
      case 'make':
        await make(tx, deps, { asker, planOf, wanted: asked.tasks[move.index], ...move });
        return unended.again;
      case 'revoke':
        return (await revoke(tx, deps, move.child)) ? unended.again : unended.later;
      case 'wait':
        return unended.later;
      case 'succeed':
        return { tasks: move.children.map(({ id, output }) => ({ taskId: encodeId('tsk', id), output })) };
      case 'undone':
        return move.found;
      case 'fail':
        throw failureOf(move.code, move.child as ChildRead);
    }
  };
  const lasting = { lasting: true } as const;
  return {
    'child.run': {
      ...actions.task['child.run'],
      ...lasting,
      run: (tx, asker, { tasks }: { tasks: readonly Wanted[] }) => next(tx, asker, { tasks, rule: runNext }),
    },
    'child.cancel': {
      ...actions.task['child.cancel'],
      ...lasting,
      takeBack: async (tx, asker, { tasks }: { tasks: readonly Wanted[] }) =>
        (await next(tx, asker, { tasks, rule: takeBackNext })) as boolean | symbol,
    },
  };
}

interface Making {
  readonly asker: Served;
  readonly planOf: PlanOf;
  readonly wanted: Wanted | undefined;
  readonly direction: Direction;
  readonly index: number;
}

/** A child is its parent's in all but its work: where it lies, who began it, and what it belongs to. */
async function make(tx: Tx, deps: Deps, { asker, planOf, wanted, direction, index }: Making): Promise<void> {
  const stepId = decodeId('stp', asker.stepid);
  const parent = await lockParent(tx, decodeId('tsk', asker.taskid));
  if (parent === undefined || wanted === undefined || isTerminal(parent.state))
    throw stepFailure({ class: 'permanent', code: 'parent_ended', message: 'The task that asked has ended.' });
  const ancestors = await listAncestors(tx, parent.id);
  if (ancestors.length >= generationsMax)
    throw stepFailure({
      class: 'permanent',
      code: 'too_many_generations',
      message: `Children of children end at ${generationsMax} generations.`,
    });
  const place = placeOf(direction, index, asker.round);
  const id = namedId(stepId, place);
  const planned = planFor(planOf, wanted, { taskId: encodeId('tsk', id), newId: deps.newId });
  const { tenantId, projectId, environmentId, actor, correlationId, traceparent } = parent;
  await makeTask(tx, deps, {
    caller: system,
    id,
    row: {
      ...rowOf(deps, id, planned),
      tenantId,
      projectId,
      environmentId,
      actor,
      correlationId,
      traceparent,
      parent: { taskId: parent.id, stepId, place },
    },
    plan: planned.plan,
    jitter: drawJitter(),
    child: { ancestors, waits: direction === 'do' },
  });
}

function planFor(planOf: PlanOf, wanted: Wanted, planning: Parameters<PlanOf>[1]): ReturnType<PlanOf> {
  try {
    return planOf({ kind: wanted.kind, input: wanted.input }, planning);
  } catch (error) {
    if (isProblem(error)) throw error;
    // A bug of the workflow, which would come again each time.
    const message = error instanceof Error ? error.message : String(error);
    throw stepFailure({ class: 'invalid', code: 'plan_invalid', message });
  }
}

/** False: it has gone on meanwhile, and is not to be taken back any more. */
async function revoke(tx: Tx, deps: Deps, child: Child): Promise<boolean> {
  const stored = await lockTask(tx, child.id);
  if (stored === undefined) return false;
  const loaded = await load(tx, stored);
  const context = { now: stored.now.getTime(), jitter: drawJitter(), paused: loaded.paused };
  const decision = decide(loaded.aggregate, { on: 'revoked' }, context);
  if (decision.outcome !== 'applied') return false;
  await writeDecision(tx, deps, { loaded, decision, cause: { caller: system } });
  return true;
}

function failureOf(code: string, { id, kind, state, error }: ChildRead): Error {
  const why = error === null ? '' : `: ${error.code} at ${error.step}`;
  return stepFailure({ class: 'permanent', code, message: `${kind} ${encodeId('tsk', id)} is ${state}${why}` });
}
