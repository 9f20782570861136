import type { Database } from '@sentral/kernel/database';
import { taskColumns, type StoredTask } from '../store/sql.js';

export type TaskRead = Omit<StoredTask, 'hasHoldings'>;

export const selectTask = `select ${taskColumns} from task t`;

export async function findTask(on: Pick<Database, 'unsafe'>, id: string): Promise<TaskRead | undefined> {
  const [row] = await on.unsafe(`${selectTask} where t.id = $1`, [id]);
  return row as unknown as TaskRead | undefined;
}
