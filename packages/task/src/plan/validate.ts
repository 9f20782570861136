import { bindStep, isStepOf, type Plan, type StepPlan } from './plan.js';
import { referencesOf, stepOfPath, type Template } from './template.js';

export const stepsMax = 200;
export const planBytesMax = 256 * 1024;

/** Whether a service serves an action under a version of its contract. */
export type Knows = (service: string, action: string, contract: number) => boolean;

const keyPattern = /^[a-z][a-z0-9_.-]{0,63}$/;
// A key is a token of a path: `/steps/<key>/output`.
const kindPattern = /^[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*)+$/;

/** Everything that is wrong with a plan, in words; empty when it may run. A plan that is refused is a bug of its workflow. */
export function violationsOf(plan: Plan, knows: Knows): readonly string[] {
  const wrong: string[] = [];
  if (!kindPattern.test(plan.kind)) wrong.push(`kind ${plan.kind} is not like cluster.create`);
  if (plan.steps.length === 0) wrong.push('a plan has at least one step');
  if (plan.steps.length > stepsMax) wrong.push(`more than ${stepsMax} steps: use child tasks`);
  if (new TextEncoder().encode(JSON.stringify(plan)).length > planBytesMax)
    wrong.push(`larger than ${planBytesMax} bytes`);
  const byKey = new Map(plan.steps.map((step) => [step.key, step]));
  if (byKey.size < plan.steps.length) wrong.push('two steps have one key');
  for (const step of plan.steps) {
    wrong.push(...violationsOfStep(step, knows).map((what) => `${step.key}: ${what}`));
    for (const need of step.needs ?? []) if (!byKey.has(need)) wrong.push(`${step.key}: needs ${need}, which is none`);
  }
  // What follows walks the graph, which must be one.
  if (wrong.length > 0) return wrong;
  if (topological(plan.steps) === undefined) return ['the steps need each other in a circle'];
  const ancestors = ancestorsOf(plan.steps);
  for (const step of plan.steps) {
    const above = ancestors.get(step.key) ?? new Set();
    const undo = typeof step.undo === 'object' ? (step.undo.input ?? null) : null;
    wrong.push(
      ...foreignReferences(step.input, above).map((path) => `${step.key}: input takes ${path} from no ancestor`),
    );
    wrong.push(...foreignReferences(undo, above).map((path) => `${step.key}: undo takes ${path} from no ancestor`));
    const pivots = [...above].filter((key) => byKey.get(key)?.pivot === true);
    if (pivots.length > 0 && step.pivot === true) wrong.push(`${step.key}: a second pivot on one path`);
    if (pivots.length > 0 && step.undo !== 'none' && step.onFailure !== 'hold')
      wrong.push(`${step.key}: after a pivot a step has no undo, or holds when it fails`);
  }
  const all = new Set(byKey.keys());
  wrong.push(...foreignReferences(plan.output ?? null, all).map((path) => `output takes ${path} from no step`));
  if (plan.output !== undefined) wrong.push(...referencesOf(plan.output).wrong.map((what) => `output: ${what}`));
  const binds = plan.steps.filter((step) => isStepOf(step, bindStep));
  if (plan.holdings.length > 0 && !(binds.length === 1 && typeof binds[0]?.undo === 'object'))
    wrong.push('a plan with holdings has one step that binds them, with the undo that releases them');
  if (new Set(plan.claims.map(({ resource }) => resource)).size < plan.claims.length)
    wrong.push('one resource is claimed twice');
  return wrong;
}

function violationsOfStep(step: StepPlan, knows: Knows): readonly string[] {
  const wrong: string[] = [];
  if (!keyPattern.test(step.key)) wrong.push('its key is not like attach-port');
  if (!((step.weight ?? 1) >= 0)) wrong.push('its weight is below zero');
  if (new Set(step.needs).size < (step.needs?.length ?? 0)) wrong.push('it needs one step twice');
  wrong.push(...referencesOf(step.input).wrong.map((what) => `input: ${what}`));
  if (typeof step.undo === 'object') {
    if (step.undo.action === '') wrong.push('its undo names no action');
    if (step.undo.input !== undefined)
      wrong.push(...referencesOf(step.undo.input).wrong.map((what) => `undo: ${what}`));
  }
  if (step.kind === 'wait') {
    if (step.undo !== 'none') wrong.push('a wait has nothing to undo');
    return wrong;
  }
  if (step.kind === 'child' && typeof step.undo !== 'object') wrong.push('a child is undone by cancelling it');
  if (!knows(step.service, step.action, step.contract))
    wrong.push(`${step.service} serves no ${step.action} of contract ${step.contract}`);
  if (typeof step.undo === 'object' && step.undo.action !== '' && !knows(step.service, step.undo.action, step.contract))
    wrong.push(`${step.service} serves no ${step.undo.action} of contract ${step.contract}`);
  return wrong;
}

function foreignReferences(template: Template, allowed: ReadonlySet<string>): readonly string[] {
  return referencesOf(template).paths.filter((path) => {
    const key = stepOfPath(path);
    return key !== undefined && !allowed.has(key);
  });
}

type Node = Pick<StepPlan, 'key' | 'needs'>;

/** The steps in an order in which each comes after all that it needs, otherwise as written; undefined when there is none. */
export function topological<S extends Node>(steps: readonly S[]): readonly S[] | undefined {
  const waiting = new Set(steps);
  const done = new Set<string>();
  const ordered: S[] = [];
  while (waiting.size > 0) {
    const next = [...waiting].find((step) => (step.needs ?? []).every((need) => done.has(need)));
    if (next === undefined) return undefined;
    waiting.delete(next);
    done.add(next.key);
    ordered.push(next);
  }
  return ordered;
}

function ancestorsOf(steps: readonly Node[]): ReadonlyMap<string, ReadonlySet<string>> {
  const above = new Map<string, ReadonlySet<string>>();
  for (const { key, needs = [] } of topological(steps) ?? [])
    above.set(key, new Set(needs.flatMap((need) => [need, ...(above.get(need) ?? [])])));
  return above;
}
