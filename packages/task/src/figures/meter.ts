import type { Decision } from '../decide/decision.js';
import type { Deps } from '../deps.js';
import type { Loaded } from '../store/aggregate.js';

/** One command that is over: how it ended, and how long it took in seconds. */
export interface AttemptEnd {
  readonly service: string;
  readonly action: string;
  readonly direction: 'do' | 'undo';
  readonly outcome: string;
  /** Of a failure, and of a silence. */
  readonly class?: string;
  /** Until the service took it, from then on, and in all; absent where nothing was heard. */
  readonly ackSeconds?: number;
  readonly runSeconds?: number;
  readonly totalSeconds?: number;
}

/** Where figures of decisions go; the metrics of the process stand behind it. */
export interface Meter {
  attempt(end: AttemptEnd): void;
  /** How long a task waited in its lane. */
  queued(kind: string, seconds: number): void;
}

/** Told after the commit: a decision that was undone counts nowhere. */
export function measure({ meter }: Deps, { decision, loaded }: { decision: Decision; loaded: Loaded }): void {
  if (meter === undefined) return;
  const { stored, aggregate } = loaded;
  const now = stored.now.getTime();
  if (decision.lane.queued < 0) meter.queued(stored.kind, (now - stored.createdAt.getTime()) / 1_000);
  for (const { stepId, direction, outcome, class: failure } of decision.closed) {
    const step = aggregate.steps.find(({ id }) => id === stepId);
    if (step === undefined || step.kind === 'wait') continue;
    const { service, action, dispatchedAt, acceptedAt } = step;
    // The times of a step are those of its work; an undo has none of its own.
    const sent = direction === 'do' ? dispatchedAt : null;
    const taken = sent !== null && acceptedAt !== null && acceptedAt >= sent ? acceptedAt : null;
    meter.attempt({
      service,
      action,
      direction,
      outcome,
      ...(failure === undefined ? {} : { class: failure }),
      ...(sent === null ? {} : { totalSeconds: (now - sent) / 1_000 }),
      ...(sent === null || taken === null
        ? {}
        : { ackSeconds: (taken - sent) / 1_000, runSeconds: (now - taken) / 1_000 }),
    });
  }
}
