import type { Plan } from '../plan/plan.js';
import { policyOf } from '../plan/plan.js';
import type { Json } from '../plan/template.js';
import { topological } from '../plan/validate.js';
import type { Aggregate, StepRow } from './aggregate.js';

/** The rows of a new task, from a plan that has been found valid. It waits until it is admitted. */
export function aggregateOf(
  plan: Plan,
  task: { readonly id: string; readonly input: Json; readonly stepId: (key: string) => string },
): Aggregate {
  const steps = (topological(plan.steps) ?? []).map((step, ordinal): StepRow => {
    const { key, needs = [], kind, service, action, contract, undo } = step;
    return {
      id: task.stepId(key),
      key,
      ordinal,
      kind,
      service,
      action,
      contract,
      undo: typeof undo === 'object' ? 'action' : undo,
      undoTemplate: typeof undo === 'object' ? { action: undo.action, input: undo.input ?? null } : null,
      pivot: step.pivot ?? false,
      destructive: step.destructive ?? false,
      onFailure: step.onFailure ?? 'unwind',
      weight: step.weight ?? 1,
      policy: policyOf(step.policy),
      inputTemplate: step.input,
      input: undefined,
      output: undefined,
      error: null,
      state: 'blocked',
      undoState: 'idle',
      needs,
      tainted: false,
      attempt: 0,
      undoAttempt: 0,
      unknowns: 0,
      tries: 0,
      conflicts: 0,
      dispatchedAt: null,
      acceptedAt: null,
      beatAt: null,
      finishedAt: null,
      holder: null,
      progress: 0,
      note: null,
    };
  });
  return {
    task: {
      id: task.id,
      state: 'queued',
      cause: null,
      hold: null,
      holdNote: null,
      version: 1,
      auditVersion: 1,
      stepsTotal: steps.length,
      stepsOpen: steps.length,
      undoOpen: 0,
      pivotPassed: false,
      progress: 0,
      note: null,
      input: task.input,
      outputTemplate: plan.output ?? null,
      output: null,
      error: null,
      hasHoldings: plan.holdings.length > 0,
      startedAt: null,
      finishedAt: null,
    },
    steps,
    signals: [],
  };
}
