// The lock order stands in store/sql.ts: the operation of the step is locked by whoever calls these.
import type { Direction } from '@sentral/contracts/services/message';
import type { Database, Tx } from '@sentral/kernel/database';
import { taskColumns, type StoredTask } from '../store/sql.js';
import type { TaskRead } from '../task/sql.js';
import type { Child } from './rules.js';

/** A child as the rules see it, and what is told of it. */
export interface ChildRead extends Child, Pick<StoredTask, 'kind' | 'error'> {}

/** All that a step has ever made. Not locked: what is read as ended stays so, and whoever revokes looks again. */
export async function listChildren(tx: Tx, stepId: string): Promise<readonly ChildRead[]> {
  const rows = await tx.unsafe(
    `select t.id, split_part(t.parent_place, ':', 1) as direction, split_part(t.parent_place, ':', 2)::int as index,
       split_part(t.parent_place, ':', 3)::int as round, t.state, t.cause, t.output, t.kind, t.error,
       (t.state in ('queued', 'running') or t.state = 'stuck' and not exists (select from step u where u.task_id = t.id and u.undo_state <> 'idle'))
         and not exists (select from step p where p.task_id = t.id and p.pivot
           and (p.state = 'succeeded' or p.undo = 'none' and (p.state in ('dispatched', 'accepted') or p.tainted))) as revocable
     from task t where t.parent_step_id = $1 order by t.id`,
    [stepId],
  );
  return rows as unknown as readonly ChildRead[];
}

export const placeOf = (direction: Direction, index: number, round: number): string => `${direction}:${index}:${round}`;

/** Kept from ending while a child of it is made: a scope is not counted empty between the two, and an abandoned task gets no more. */
export async function lockParent(tx: Tx, id: string): Promise<TaskRead | undefined> {
  const [row] = await tx.unsafe(`select ${taskColumns} from task t where t.id = $1 for key share of t`, [id]);
  return row as unknown as TaskRead | undefined;
}

/** The task and all above it, itself first. */
export async function listAncestors(tx: Tx, id: string): Promise<readonly string[]> {
  const rows = await tx.unsafe(
    `with recursive above(id, parent, depth) as (
       select id, parent_task_id, 1 from task where id = $1
       union all select t.id, t.parent_task_id, a.depth + 1 from above a join task t on t.id = a.parent)
     select id from above order by depth`,
    [id],
  );
  return rows.map((row) => row['id'] as string);
}

/**
 * Operations that there may be something to do for: none of their children lives, or one has ended badly since they were looked
 * at. By operation_unfinished and task_by_parent_step.
 */
export async function listSettled(db: Database, limit: number): Promise<readonly string[]> {
  const rows = await db.unsafe(
    `select o.op from operation o where o.state in ('doing', 'undoing') and coalesce(o.input ->> 'service', 'task') = 'task'
       and (not exists (select from task t where t.parent_step_id = o.op and t.finished_at is null)
         or exists (select from task t where t.parent_step_id = o.op and t.state <> 'succeeded' and t.finished_at >= o.updated_at))
     order by o.updated_at limit $1`,
    [limit],
  );
  return rows.map((row) => row['op'] as string);
}
