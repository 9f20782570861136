import type { TaskFinding } from '@sentral/contracts/task/trouble';
import { json, type Database, type Tx } from '@sentral/kernel/database';

export interface FindingRow {
  readonly id: string;
  readonly kind: string;
  readonly service: string;
  readonly subject: string;
  readonly taskId: string | null;
  readonly expected: unknown;
  readonly observed: unknown;
  readonly state: TaskFinding['state'];
  readonly seen: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly resolvedAt: Date | null;
  readonly note: string | null;
}

export const selectFinding = `select f.id, f.kind, f.service, f.subject, f.task_id as "taskId", f.expected, f.observed, f.state,
  f.seen::int as seen, f.first_at as "firstAt", f.last_at as "lastAt", f.resolved_at as "resolvedAt", f.note from finding f`;

export async function findFinding(on: Pick<Database, 'unsafe'>, id: string): Promise<FindingRow | undefined> {
  const [row] = await on.unsafe(`${selectFinding} where f.id = $1`, [id]);
  return row as unknown as FindingRow | undefined;
}

export async function lockFinding(tx: Tx, id: string): Promise<FindingRow | undefined> {
  const [row] = await tx.unsafe(`${selectFinding} where f.id = $1 for update`, [id]);
  return row as unknown as FindingRow | undefined;
}

export async function settleFinding(
  tx: Tx,
  id: string,
  to: { readonly state: 'resolved' | 'accepted'; readonly note: string | null; readonly decidedBy: object },
): Promise<void> {
  await tx.unsafe(
    `update finding set state = $2, note = coalesce($3, note), resolved_at = now(), decided_by = $4 where id = $1`,
    [id, to.state, to.note, json(to.decidedBy)],
  );
}
