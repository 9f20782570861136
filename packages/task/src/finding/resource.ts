import { encodeId } from '@sentral/contracts/ids';
import type { TaskFinding } from '@sentral/contracts/task/trouble';
import type { FindingRow } from './sql.js';

export const toFinding = (row: FindingRow): TaskFinding => ({
  id: encodeId('tfd', row.id),
  type: 'taskFinding',
  kind: row.kind,
  service: row.service,
  subject: row.subject,
  ...(row.taskId === null ? {} : { taskId: encodeId('tsk', row.taskId) }),
  ...(row.expected === null ? {} : { expected: row.expected }),
  ...(row.observed === null ? {} : { observed: row.observed }),
  state: row.state,
  seen: row.seen,
  firstAt: row.firstAt.toISOString(),
  lastAt: row.lastAt.toISOString(),
  ...(row.resolvedAt === null ? {} : { resolvedAt: row.resolvedAt.toISOString() }),
  ...(row.note === null ? {} : { note: row.note }),
});
