import { actions, type ActionDef } from '@sentral/contracts/services/registry';
import { readFigures, type Figures, type Meter } from '@sentral/task';
import type { Database } from '@sentral/kernel/database';
import { workflows } from '../workflows/registry.js';
import { counter, gauge, histogram, type Family } from './exposition.js';

const boundsSeconds = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600];
/** Looked up at most so often, whoever scrapes. */
const keptMs = 5_000;

const kinds = new Set(workflows.map(({ kind }) => kind));
const services: Readonly<Record<string, Readonly<Record<string, ActionDef>>>> = actions;
/** Rows of a release that is gone, or of a service that is not in the registry, are one series. */
const kindOf = (kind: string): string => (kinds.has(kind) ? kind : 'other');
const actionOf = (service: string, action: string) =>
  services[service]?.[action] === undefined ? { service: 'other', action: 'other' } : { service, action };

export interface TaskMetrics {
  readonly meter: Meter;
  readonly families: readonly Family[];
  readonly counted: Readonly<Record<string, (by: number) => void>>;
  /** What a look at the tables tells; nothing where this process has no task. */
  seen(db: Database | undefined): readonly Family[];
}

/** What is told of tasks: by kind, service and action, never by whose they are. */
export function createTaskMetrics(): TaskMetrics {
  const attempts = counter({
    name: 'sentral_task_attempts_total',
    help: 'Commands that are over, by how they ended.',
    labels: ['service', 'action', 'direction', 'outcome', 'class'],
  });
  const latency = histogram(
    {
      name: 'sentral_task_step_seconds',
      help: 'Of one command: until it was taken, from then to its end, and both.',
      labels: ['service', 'action', 'phase'],
    },
    boundsSeconds,
  );
  const queued = histogram(
    { name: 'sentral_task_queue_seconds', help: 'How long tasks waited in their lanes.', labels: ['kind'] },
    boundsSeconds,
  );
  const plain = (name: string, help: string) => counter({ name, help, labels: [] });
  const publishErrors = plain('sentral_task_publish_errors_total', 'Messages that the bus did not take.');
  const duplicates = plain('sentral_task_inbox_duplicates_total', 'Messages that had been applied already.');
  const repairs = plain('sentral_task_invariant_repairs_total', 'What should hold and was set right: alarm on it.');
  const retries = plain('sentral_task_decider_retries_total', 'Decisions that the database made begin anew.');
  const meter: Meter = {
    attempt: ({ service, action, direction, outcome, class: failure = '', ...took }) => {
      const of = actionOf(service, action);
      attempts.add({ ...of, direction, outcome, class: failure });
      const { ackSeconds, runSeconds, totalSeconds } = took;
      if (ackSeconds !== undefined) latency.observe({ ...of, phase: 'ack' }, ackSeconds);
      if (runSeconds !== undefined) latency.observe({ ...of, phase: 'run' }, runSeconds);
      if (totalSeconds !== undefined) latency.observe({ ...of, phase: 'total' }, totalSeconds);
    },
    queued: (kind, seconds) => queued.observe({ kind: kindOf(kind) }, seconds),
  };
  const look = keeping();
  return {
    meter,
    families: [attempts, latency, queued, publishErrors, duplicates, repairs, retries],
    counted: {
      'task.publish.errors': (by) => publishErrors.add({}, by),
      'task.inbox.duplicates': (by) => duplicates.add({}, by),
      'task.invariant.repairs': (by) => repairs.add({}, by),
      'task.decider.retries': (by) => retries.add({}, by),
    },
    seen: (db) => (db === undefined ? [] : figureFamilies(() => look(db))),
  };
}

/** One look for all families, and for every scrape of the next seconds. */
function keeping(): (db: Database) => Promise<Figures> {
  let kept: { at: number; figures: Promise<Figures> } | undefined;
  return (db) => {
    if (kept === undefined || performance.now() - kept.at > keptMs)
      kept = { at: performance.now(), figures: readFigures(db) };
    return kept.figures;
  };
}

function figureFamilies(look: () => Promise<Figures>): readonly Family[] {
  const one = (name: string, help: string, value: (figures: Figures) => number) =>
    gauge(name, help, async () => [{ value: value(await look()) }]);
  return [
    gauge('sentral_tasks', 'Tasks that have not ended.', async () => {
      const sums = new Map<string, { kind: string; state: string; count: number }>();
      for (const { kind, state, count } of (await look()).tasks) {
        const known = kindOf(kind);
        const before = sums.get(`${known} ${state}`)?.count ?? 0;
        sums.set(`${known} ${state}`, { kind: known, state, count: before + count });
      }
      return [...sums.values()].map(({ kind, state, count }) => ({ labels: { kind, state }, value: count }));
    }),
    one('sentral_task_lanes_waiting', 'Tenants whose tasks wait for room.', ({ lanes }) => lanes.waiting),
    one('sentral_task_lanes_queued', 'Tasks that wait for room.', ({ lanes }) => lanes.queued),
    one('sentral_task_lanes_running', 'Tasks that take room.', ({ lanes }) => lanes.running),
    one('sentral_task_outbox_depth', 'Messages that the bus has not taken yet.', ({ outbox }) => outbox.depth),
    one('sentral_task_outbox_oldest_seconds', 'Age of the oldest of them.', ({ outbox }) => outbox.oldestSeconds),
    one('sentral_task_timer_lag_seconds', 'How overdue the first timer is.', (figures) => figures.timerLagSeconds),
    gauge('sentral_task_dead_letters_open', 'Letters that need a person.', async () =>
      (await look()).letters.map(({ origin, count }) => ({ labels: { origin }, value: count })),
    ),
    gauge('sentral_task_findings_open', 'What tasks cannot settle, and is not.', async () =>
      (await look()).findings.map(({ kind, state, count }) => ({ labels: { kind, state }, value: count })),
    ),
  ];
}
