import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { page, readCursor } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { expectSeen, readingAs } from '../reading.js';
import { findTask } from '../task/sql.js';

interface EventRow {
  readonly seq: number;
  readonly type: string;
  readonly stepKey: string | null;
  readonly data: Record<string, unknown>;
  readonly actor: { type: string; id: string } | null;
  readonly at: Date;
}

/**
 * What happened to a task that the caller may see, in order.
 * @throws Problem not-found | invalid-cursor
 */
export async function listEvents(
  deps: Deps,
  caller: Caller,
  { limit, cursor, ...command }: Command<'event', 'list'>,
): Promise<Result<'event', 'list'>> {
  const taskId = decodeId('tsk', command.taskId);
  const [after = command.afterSeq ?? 0] = readCursor(cursor, ['number']) ?? [];
  const rows = await readingAs(deps, caller, async (on) => {
    expectSeen(caller, await findTask(on, taskId));
    return on.unsafe(
      `select seq, type, step_key as "stepKey", data, actor, at from event where task_id = $1 and seq > $2 order by seq limit $3`,
      [taskId, after, limit + 1],
    );
  });
  return page(rows as unknown as readonly EventRow[], limit, { item: toEvent, keys: (row) => [row.seq] });
}

const toEvent = ({ seq, type, stepKey, data, actor, at }: EventRow) => ({
  seq,
  type,
  ...(stepKey === null ? {} : { step: stepKey }),
  data,
  ...(actor === null ? {} : { actor }),
  at: at.toISOString(),
});
