import type { DeadLetter } from '@sentral/contracts/task/trouble';
import { json, type Database, type Tx } from '@sentral/kernel/database';
import type { Actor } from '../decide/decision.js';

export interface LetterRow {
  readonly id: string;
  readonly origin: DeadLetter['origin'];
  readonly taskId: string | null;
  readonly stepId: string | null;
  readonly subject: string | null;
  readonly messageId: string | null;
  readonly deliveries: number;
  readonly body: object | null;
  readonly raw: string | null;
  readonly error: Record<string, unknown>;
  readonly state: DeadLetter['state'];
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly resolvedAt: Date | null;
  readonly resolvedBy: Actor | null;
  readonly note: string | null;
}

export const selectLetter = `select d.id, d.origin, d.task_id as "taskId", d.step_id as "stepId", d.subject, d.message_id as "messageId",
  d.deliveries, d.body, convert_from(d.raw, 'UTF8') as raw, d.error, d.state, d.first_at as "firstAt", d.last_at as "lastAt",
  d.resolved_at as "resolvedAt", d.resolved_by as "resolvedBy", d.note from dead_letter d`;

export async function findLetter(on: Pick<Database, 'unsafe'>, id: string): Promise<LetterRow | undefined> {
  const [row] = await on.unsafe(`${selectLetter} where d.id = $1`, [id]);
  return row as unknown as LetterRow | undefined;
}

export async function lockLetter(tx: Tx, id: string): Promise<LetterRow | undefined> {
  const [row] = await tx.unsafe(`${selectLetter} where d.id = $1 for update`, [id]);
  return row as unknown as LetterRow | undefined;
}

/** The open ones of a task, or of one of its steps; the task is locked. */
export async function lockOpenLetters(
  tx: Tx,
  of: { readonly taskId: string; readonly stepId: string | null },
): Promise<readonly LetterRow[]> {
  const rows = await tx.unsafe(
    `${selectLetter} where d.task_id = $1 and ($2::uuid is null or d.step_id = $2) and d.state = 'open' order by d.id for update`,
    [of.taskId, of.stepId],
  );
  return rows as unknown as readonly LetterRow[];
}

export async function resolveLetter(
  tx: Tx,
  id: string,
  by: { readonly state: 'redriven' | 'discarded'; readonly actor: Actor; readonly note: string | null },
): Promise<void> {
  await tx.unsafe(
    `update dead_letter set state = $2, resolved_at = now(), resolved_by = $3, note = coalesce($4, note) where id = $1 and state = 'open'`,
    [id, by.state, json(by.actor), by.note],
  );
}
