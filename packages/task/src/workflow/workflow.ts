import type { Permission } from '@sentral/contracts/access';
import type { Id } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { parseContent } from '@sentral/contracts/validation';
import type { GenericSchema, InferInput, InferOutput } from 'valibot';
import type { Plan } from '../plan/plan.js';
import type { Json } from '../plan/template.js';
import { violationsOf, type Knows } from '../plan/validate.js';

/** What a plan may be made of besides its input. */
export interface Planning {
  readonly taskId: Id<'tsk'>;
  /** Ids of what the steps will make: known to the undo even if no answer ever comes. */
  readonly newId: () => string;
}

/** One kind of long-running work: how a checked input becomes a plan. It runs once, before the task is made, and never again. */
export interface Workflow<S extends GenericSchema = GenericSchema> {
  readonly kind: string;
  readonly kindVersion: number;
  readonly summary: string;
  /** What its initiator must still be allowed when a destructive step is about to go out. */
  readonly permission: Permission;
  readonly input: S;
  // A method, so that workflows of any input fit into one list.
  /**
   * Present: it may be begun by a schedule. Reads what a schedule is given and where its tasks are to lie, and answers `input`.
   * @throws Problem validation-failed
   */
  scheduled?(wanted: unknown, scopeId: string): InferInput<S>;
  plan(input: InferOutput<S>, planning: Planning): Omit<Plan, 'kind' | 'kindVersion'>;
}

/** Declares a workflow; exists so that its plan sees the types of its input. */
export const workflow = <const S extends GenericSchema>(def: Workflow<S>): Workflow<S> => def;

export interface Registry {
  readonly workflows: readonly Workflow[];
  /** What services serve: a plan that asks for anything else is a bug. */
  readonly knows: Knows;
}

export type PlanOf = (
  asked: { readonly kind: string; readonly input: unknown },
  planning: Planning,
) => { readonly plan: Plan; readonly input: Json };

export type PlanScheduled = (
  asked: { readonly kind: string; readonly input: unknown; readonly scopeId: string },
  planning: Planning,
) => ReturnType<PlanOf>;

/** The same for what a schedule is given: only of workflows that say how they read it. */
export function schedulePlanner(registry: Registry): PlanScheduled {
  const planOf = planner(registry);
  return ({ kind, input, scopeId }, planning) => {
    const found = registry.workflows.find((each) => each.kind === kind);
    if (found?.scheduled === undefined)
      throw problem('reference-not-found', { pointer: '/kind', resourceType: 'workflow' }, 'No schedule can begin it.');
    return planOf({ kind, input: found.scheduled(input, scopeId) }, planning);
  };
}

/** Finds the workflow of a kind, checks its input and makes the plan; a plan that is not valid is a bug of the workflow. */
export function planner({ workflows, knows }: Registry): PlanOf {
  const byKind = new Map(workflows.map((each) => [each.kind, each]));
  if (byKind.size < workflows.length) throw new TypeError('two workflows are of one kind');
  return ({ kind, input }, planning) => {
    const found = byKind.get(kind);
    if (found === undefined) throw problem('reference-not-found', { pointer: '/kind', resourceType: 'workflow' });
    const read = parseContent(found.input, input, '/input');
    const plan: Plan = { ...found.plan(read, planning), kind: found.kind, kindVersion: found.kindVersion };
    const wrong = violationsOf(plan, knows);
    if (wrong.length > 0) throw new Error(`the plan of ${kind} is not valid: ${wrong.join('; ')}`);
    return { plan, input: read as Json };
  };
}
