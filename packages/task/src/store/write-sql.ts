// What a decision writes, all under the lock of its task's row (sql.ts).
import { json, type Tx } from '@sentral/kernel/database';
import type { StepRow, TaskRow } from '../decide/aggregate.js';
import type { ClosedAttempt, Decision, TaskEvent, Timer, TimerKey } from '../decide/decision.js';

/** Kept so long after its end. */
const keptDays = 90;

const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** Every column that a decision may move; the version is the one that was decided on plus one. */
export async function amendTasks(
  tx: Tx,
  moved: readonly { readonly task: TaskRow; readonly ended: boolean }[],
): Promise<void> {
  const rows = moved.map(({ task: { input: _input, outputTemplate: _template, ...task }, ended }) => ({
    ...task,
    ended,
    startedAt: time(task.startedAt),
    finishedAt: time(task.finishedAt),
  }));
  await tx.unsafe(
    `update task t set state = p.state, cause = p.cause, hold = p.hold, hold_note = p."holdNote", version = p.version,
       audit_version = p."auditVersion", steps_open = p."stepsOpen", undo_open = p."undoOpen", pivot_passed = p."pivotPassed",
       progress = p.progress, note = p.note, output = p.output, error = p.error, started_at = p."startedAt",
       finished_at = p."finishedAt", updated_at = now(),
       expires_at = case when p.ended then now() + interval '${keptDays} days' else t.expires_at end
     from jsonb_to_recordset($1) as p(id uuid, state text, cause text, hold text, "holdNote" text, version bigint, "auditVersion" bigint,
       "stepsOpen" smallint, "undoOpen" smallint, "pivotPassed" boolean, progress smallint, note text, output jsonb, error jsonb,
       "startedAt" timestamptz, "finishedAt" timestamptz, ended boolean)
     where t.id = p.id`,
    [json(rows)],
  );
}

/** What a decision may move of a step, as it is now, and those of its documents that have changed: they may be large. */
function asWritten({ step, patch: { input, output, error } }: AmendedStep): object {
  const { id, state, undoState, tainted, attempt, undoAttempt, unknowns, tries, conflicts, holder, progress, note } =
    step;
  return {
    id, state, undoState, tainted, attempt, undoAttempt, unknowns, tries, conflicts, holder, progress, note,
    dispatchedAt: time(step.dispatchedAt),
    acceptedAt: time(step.acceptedAt),
    beatAt: time(step.beatAt),
    finishedAt: time(step.finishedAt),
    // Null is a value of theirs: only what is named has changed.
    documents: { input, output, error },
  }; // prettier-ignore
}

export interface AmendedStep {
  readonly step: StepRow;
  readonly patch: Partial<StepRow>;
}

export async function amendSteps(tx: Tx, steps: readonly AmendedStep[]): Promise<void> {
  await tx.unsafe(
    `update step s set state = p.state, undo_state = p."undoState", tainted = p.tainted, attempt = p.attempt,
       undo_attempt = p."undoAttempt", unknowns = p.unknowns, tries = p.tries, conflicts = p.conflicts,
       dispatched_at = p."dispatchedAt", accepted_at = p."acceptedAt", beat_at = p."beatAt", finished_at = p."finishedAt",
       holder = p.holder, progress = p.progress, note = p.note,
       input = case when p.documents ? 'input' then p.documents -> 'input' else s.input end,
       output = case when p.documents ? 'output' then p.documents -> 'output' else s.output end,
       error = case when p.documents ? 'error' then nullif(p.documents -> 'error', 'null') else s.error end
     from jsonb_to_recordset($1) as p(id uuid, state text, "undoState" text, tainted boolean, attempt integer, "undoAttempt" integer,
       unknowns integer, tries integer, conflicts integer, "dispatchedAt" timestamptz, "acceptedAt" timestamptz, "beatAt" timestamptz,
       "finishedAt" timestamptz, holder text, progress smallint, note text, documents jsonb)
     where s.id = p.id`,
    [json(steps.map(asWritten))],
  );
}

export async function insertAttempts(
  tx: Tx,
  opened: readonly {
    readonly stepId: string;
    readonly direction: string;
    readonly attempt: number;
    readonly messageId: string;
  }[],
): Promise<void> {
  await tx.unsafe(
    `insert into attempt (step_id, dir, attempt, message_id)
     select a."stepId", a.direction, a.attempt, a."messageId"
     from jsonb_to_recordset($1) as a("stepId" uuid, direction text, attempt integer, "messageId" text)`,
    [json(opened)],
  );
}

/** Each is closed once: a second end is none. With the ids beside, since few are open: the plan would begin with all of them. */
export async function endAttempts(tx: Tx, closed: readonly ClosedAttempt[]): Promise<void> {
  await tx.unsafe(
    `update attempt a set finished_at = now(), outcome = c.outcome, class = c.class, code = c.code
     from jsonb_to_recordset($1) as c("stepId" uuid, direction text, attempt integer, outcome text, class text, code text)
     where a.step_id = any($2::uuid[]) and a.step_id = c."stepId" and a.dir = c.direction and a.attempt = c.attempt and a.finished_at is null`,
    [json(closed), closed.map(({ stepId }) => stepId)],
  );
}

export async function acceptAttempts(
  tx: Tx,
  accepted: readonly { readonly stepId: string; readonly direction: string; readonly attempt: number }[],
): Promise<void> {
  await tx.unsafe(
    `update attempt a set accepted_at = now()
     from jsonb_to_recordset($1) as c("stepId" uuid, direction text, attempt integer)
     where a.step_id = c."stepId" and a.dir = c.direction and a.attempt = c.attempt`,
    [json(accepted)],
  );
}

export async function endTimers(tx: Tx, keys: readonly TimerKey[]): Promise<void> {
  await tx.unsafe(
    `delete from timer t using jsonb_to_recordset($1) as k("ownerId" uuid, direction text, kind text)
     where t.owner_id = k."ownerId" and t.dir = k.direction and t.kind = k.kind`,
    [json(keys)],
  );
}

export async function setTimers(tx: Tx, timers: readonly (Timer & { readonly taskId: string })[]): Promise<void> {
  await tx.unsafe(
    `insert into timer (owner_id, kind, task_id, dir, attempt, due_at)
     select k."ownerId", k.kind, k."taskId", k.direction, k.attempt, to_timestamp(k."dueAt" / 1000.0)
     from jsonb_to_recordset($1) as k("ownerId" uuid, kind text, "taskId" uuid, direction text, attempt integer, "dueAt" float8)
     on conflict on constraint timer_once do update set attempt = excluded.attempt, due_at = excluded.due_at`,
    [json(timers)],
  );
}

/** The tasks have ended: nothing waits any more, and what they changed is free for the next one. */
export async function endAll(tx: Tx, taskIds: readonly string[]): Promise<void> {
  await tx.unsafe(
    `with timers as (delete from timer where task_id = any($1::uuid[]))
     update claim set active = false where task_id = any($1::uuid[]) and active`,
    [taskIds],
  );
}

export async function insertEvents(
  tx: Tx,
  events: readonly (TaskEvent & { readonly taskId: string })[],
): Promise<void> {
  await tx.unsafe(
    `insert into event (task_id, seq, type, step_key, data, actor)
     select e."taskId", e.seq, e.type, e.step, e.data, e.actor
     from jsonb_to_recordset($1) as e("taskId" uuid, seq bigint, type text, step text, data jsonb, actor jsonb)`,
    [json(events)],
  );
}

export async function amendHoldings(tx: Tx, taskId: string, state: NonNullable<Decision['holdings']>): Promise<void> {
  await tx.unsafe(`update holding set state = $2, updated_at = now() where task_id = $1 and state <> $2`, [
    taskId,
    state,
  ]);
}

export async function consumeSignals(tx: Tx, consumed: Decision['signalsConsumed']): Promise<void> {
  await tx.unsafe(
    `update signal s set consumed_by = c.by from jsonb_to_recordset($1) as c(id uuid, by uuid) where s.id = c.id`,
    [json(consumed)],
  );
}

export interface NewFinding {
  readonly id: string;
  readonly kind: string;
  readonly service: string;
  readonly subject: string;
}

/** One live finding of a kind and subject: seen again, it only counts. */
export async function insertFindings(tx: Tx, taskId: string, findings: readonly NewFinding[]): Promise<void> {
  await tx.unsafe(
    `insert into finding as f (id, kind, service, subject, task_id, state)
     select n.id, n.kind, n.service, n.subject, $1, 'open'
     from jsonb_to_recordset($2) as n(id uuid, kind text, service text, subject text)
     on conflict (kind, service, subject) where state in ('suspect', 'open', 'repairing')
       do update set seen = least(f.seen + 1, 32767), last_at = now()`,
    [taskId, json(findings)],
  );
}

export interface Letter {
  readonly id: string;
  readonly origin: 'outbox' | 'inbox' | 'do' | 'undo' | 'timer' | 'signal';
  readonly taskId?: string | undefined;
  readonly stepId?: string | undefined;
  readonly subject?: string | undefined;
  readonly messageId?: string | undefined;
  readonly deliveries?: number | undefined;
  readonly body?: object | undefined;
  readonly raw?: string | undefined;
  readonly error: object;
}

/** What needs a person; the same message again is the same letter. */
export async function insertDeadLetter(tx: Tx, letter: Letter): Promise<void> {
  await tx.unsafe(
    `insert into dead_letter as d (id, origin, task_id, step_id, subject, message_id, deliveries, body, raw, error)
     values ($1, $2, $3, $4, $5, $6, $7, $8, convert_to($9, 'UTF8'), $10)
     on conflict (origin, message_id) where message_id is not null and state = 'open'
       do update set deliveries = greatest(d.deliveries, excluded.deliveries), last_at = now(), error = excluded.error`,
    [
      letter.id,
      letter.origin,
      letter.taskId ?? null,
      letter.stepId ?? null,
      letter.subject ?? null,
      letter.messageId ?? null,
      letter.deliveries ?? 0,
      letter.body === undefined ? null : json(letter.body),
      letter.raw ?? null,
      json(letter.error),
    ],
  );
}
