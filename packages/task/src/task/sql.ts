import type { Database } from '@sentral/kernel/database';
import type { Query } from '@sentral/kernel/page';
import type { Task } from '@sentral/contracts/task/task';
import { taskColumns, type StoredTask } from '../store/sql.js';

export type TaskRead = Omit<StoredTask, 'hasHoldings'>;

export const selectTask = `select ${taskColumns} from task t`;

export async function findTask(on: Pick<Database, 'unsafe'>, id: string): Promise<TaskRead | undefined> {
  const [row] = await on.unsafe(`${selectTask} where t.id = $1`, [id]);
  return row as unknown as TaskRead | undefined;
}

/** Every row carries how many there are in each state. */
export interface LivingRead extends TaskRead {
  readonly states: { state: Task['state']; count: number }[];
}

/**
 * The newest of what has not ended, where the conditions of `q` hold. Materialized, since the limit would tempt the planner to walk all tasks of the
 * scope by age: what lives is few, what has ended is not.
 */
export const livingTasksStatement = (q: Query, limit: number): string =>
  `with living as materialized (select t.id, t.state from task t ${q.where()} and t.finished_at is null)
   select ${taskColumns}, (select jsonb_agg(s order by s.state) from (select state, count(*) from living group by state) s) as states
   from living l join task t on t.id = l.id order by l.id desc limit ${q.value(limit)}`;
