import { encodeId } from '@sentral/contracts/ids';
import type { DeadLetter } from '@sentral/contracts/task/trouble';
import type { LetterRow } from './sql.js';

export const toLetter = (row: LetterRow): DeadLetter => ({
  id: encodeId('dlt', row.id),
  type: 'deadLetter',
  origin: row.origin,
  ...(row.taskId === null ? {} : { taskId: encodeId('tsk', row.taskId) }),
  ...(row.stepId === null ? {} : { stepId: encodeId('stp', row.stepId) }),
  ...(row.subject === null ? {} : { subject: row.subject }),
  ...(row.messageId === null ? {} : { messageId: row.messageId }),
  deliveries: row.deliveries,
  ...(row.body === null ? {} : { body: row.body }),
  ...(row.raw === null ? {} : { raw: row.raw }),
  error: row.error,
  state: row.state,
  firstAt: row.firstAt.toISOString(),
  lastAt: row.lastAt.toISOString(),
  ...(row.resolvedAt === null ? {} : { resolvedAt: row.resolvedAt.toISOString() }),
  ...(row.resolvedBy === null ? {} : { resolvedBy: row.resolvedBy }),
  ...(row.note === null ? {} : { note: row.note }),
});
