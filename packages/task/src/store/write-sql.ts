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

const names: Readonly<Record<string, string>> = {
  undoState: 'undo_state',
  undoAttempt: 'undo_attempt',
  dispatchedAt: 'dispatched_at',
  acceptedAt: 'accepted_at',
  beatAt: 'beat_at',
  finishedAt: 'finished_at',
};

const patchOf = (id: string, patch: Partial<StepRow>): object => ({
  ...Object.fromEntries(
    Object.entries(patch).map(([key, value]) => [
      names[key] ?? key,
      key.endsWith('At') ? time(value as number | null) : value,
    ]),
  ),
  id,
});

export async function amendSteps(
  tx: Tx,
  steps: readonly (Decision['steps'][number] & { readonly taskId: string })[],
): Promise<void> {
  await tx.unsafe(
    `update step s set state = p.state, undo_state = p.undo_state, tainted = p.tainted, attempt = p.attempt,
       undo_attempt = p.undo_attempt, unknowns = p.unknowns, tries = p.tries, conflicts = p.conflicts,
       dispatched_at = p.dispatched_at, accepted_at = p.accepted_at, beat_at = p.beat_at, finished_at = p.finished_at,
       holder = p.holder, progress = p.progress, note = p.note,
       input = case when p.patch ? 'input' then p.patch -> 'input' else s.input end,
       output = case when p.patch ? 'output' then p.patch -> 'output' else s.output end,
       error = case when p.patch ? 'error' then nullif(p.patch -> 'error', 'null') else s.error end
     from (
       select r.*, e.patch from jsonb_array_elements($1) as e(patch)
       join step b on b.id = (e.patch ->> 'id')::uuid and b.task_id = (e.patch ->> 'taskId')::uuid,
       lateral jsonb_populate_record(b, e.patch - 'input' - 'output' - 'error') r
     ) p where s.id = p.id`,
    [json(steps.map(({ taskId, id, patch }) => ({ ...patchOf(id, patch), taskId })))],
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
