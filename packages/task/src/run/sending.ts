import { decodeId, isId } from '@sentral/contracts/ids';
import type { Bus } from '@sentral/kernel/bus/port';
import { startOutbox } from '@sentral/kernel/outbox';
import type { Loop } from '@sentral/kernel/relay';
import { schemaName } from '../change.js';
import type { Deps } from '../deps.js';
import { insertDeadLetter } from '../store/write-sql.js';

/** Sends what was decided, outside of every transaction. What can never be sent is a letter; its step is told by its timer. */
export function startSending(deps: Deps, bus: Bus): Loop {
  const loop = startOutbox({
    db: deps.db.app,
    schema: schemaName,
    bus,
    log: (level, message, fields) => {
      deps.telemetry.count('task.publish.errors');
      deps.telemetry.log(level, message, fields);
    },
    deadLetter: (tx, letter) =>
      insertDeadLetter(tx, {
        id: deps.newId(),
        origin: 'outbox',
        taskId: letter.aggregate,
        ...(letter.operation !== undefined && isId('stp', letter.operation)
          ? { stepId: decodeId('stp', letter.operation) }
          : {}),
        subject: letter.subject,
        messageId: letter.messageId,
        deliveries: letter.tries,
        body: letter.body,
        error: { reason: letter.reason },
      }),
  });
  deps.pulse.on('outbox', loop.wake);
  return loop;
}
