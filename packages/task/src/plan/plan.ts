import type { Template } from './template.js';

/** What a workflow has decided to do, as data: made once, before the task, and never run again (task.md 2). */
export interface Plan {
  readonly kind: string;
  readonly kindVersion: number;
  /** From creation; before the pivot it unwinds the task, after it people are told. */
  readonly deadlineMs?: number;
  readonly priority?: number;
  readonly claims: readonly Claim[];
  readonly holdings: readonly Holding[];
  readonly steps: readonly StepPlan[];
  readonly output?: Template;
}

export interface Claim {
  readonly resource: string;
  readonly mode: 'exclusive' | 'observe';
}

/** What the task holds elsewhere, by reference. */
export interface Holding {
  readonly ref: string;
  readonly kind: string;
}

export interface StepPlan {
  readonly key: string;
  /** Keys of the steps that must have succeeded; the undo runs the other way. */
  readonly needs?: readonly string[];
  readonly kind: 'command' | 'wait' | 'child';
  readonly service: string;
  /** `<resource>.<verb>`; of a wait step the name of the signal that it waits for. */
  readonly action: string;
  readonly contract: number;
  readonly input: Template;
  /** `fence`: nothing to take back, but the step must not run after the task has ended. */
  readonly undo: { readonly action: string; readonly input?: Template } | 'fence' | 'none';
  readonly pivot?: boolean;
  /** The initiator's right is looked at again before it is sent. */
  readonly destructive?: boolean;
  readonly onFailure?: 'unwind' | 'hold' | 'continue';
  readonly weight?: number;
  readonly policy?: PolicyPlan;
}

export interface Policy {
  /** Until a service must have said that it took the command; doubles with each silence, to ten minutes. */
  readonly ackMs: number;
  readonly beatMs: number;
  readonly attemptMs: number;
  /** From the first attempt, over all. */
  readonly totalMs: number;
  readonly retry: Backoff & { readonly attemptsMax: number; readonly conflictsMax: number };
  readonly undo: Backoff & { readonly totalMs: number };
  /** Believes `effects: 'none'`: only for a service that passes the conformance suite. */
  readonly effectsTrusted: boolean;
}
export interface Backoff {
  readonly initialMs: number;
  readonly factor: number;
  readonly capMs: number;
}
export type PolicyPlan = Partial<Omit<Policy, 'retry' | 'undo'>> & {
  readonly retry?: Partial<Policy['retry']>;
  readonly undo?: Partial<Policy['undo']>;
};

const minute = 60_000;
const hour = 60 * minute;
export const ackMsMax = 10 * minute;

export const defaultPolicy: Policy = {
  ackMs: 30_000,
  beatMs: minute,
  attemptMs: 15 * minute,
  totalMs: hour,
  retry: { initialMs: 1_000, factor: 2, capMs: minute, attemptsMax: 8, conflictsMax: 3 },
  undo: { initialMs: 2_000, factor: 2, capMs: 5 * minute, totalMs: 24 * hour },
  effectsTrusted: false,
};

/** The whole policy of a step, to be frozen with it. */
export function policyOf(plan: PolicyPlan = {}): Policy {
  return {
    ...defaultPolicy,
    ...plan,
    retry: { ...defaultPolicy.retry, ...plan.retry },
    undo: { ...defaultPolicy.undo, ...plan.undo },
  };
}

/** `min(cap, initial · factor^(n-1)) · U(0.5, 1)`; `jitter` is drawn from [0, 1) by the caller. */
export function backoffMs({ initialMs, factor, capMs }: Backoff, attempt: number, jitter: number): number {
  return Math.round(Math.min(capMs, initialMs * factor ** (attempt - 1)) * (0.5 + jitter / 2));
}

/** How long to wait for a word, after so many silences in a row. */
export function patienceMs(policy: Policy, unknowns: number): number {
  return Math.max(policy.ackMs, Math.min(policy.ackMs * 2 ** unknowns, ackMsMax));
}

/** Inventory's verb that ties what the facade has reserved to the task (task.md 12). */
export const bindStep = { service: 'inventory', action: 'allocation.bind' } as const;
export const confirmStep = { service: 'inventory', action: 'allocation.confirm' } as const;

export const isStepOf = (
  step: { readonly service: string; readonly action: string },
  known: { readonly service: string; readonly action: string },
): boolean => step.service === known.service && step.action === known.action;
