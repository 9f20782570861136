import { decodeId, encodeId } from '@sentral/contracts/ids';
import {
  commandId,
  kindOf,
  subjects,
  type Answer,
  type Beat,
  type Command,
  type Reply,
} from '@sentral/contracts/services/message';
import type { Input, ReplyInput, SentCommand } from './decision.js';

// The border between the decider, which knows uuids, and the wire, which knows TypeIDs (task.md 9.1, 9.2).

export interface Origin {
  readonly taskId: string;
  readonly tenantId: string;
  readonly correlationId: string;
  readonly traceparent?: string;
  /** now() of the transaction, in milliseconds. */
  readonly now: number;
}

export interface OutgoingCommand {
  readonly subject: string;
  readonly messageId: string;
  /** Do and undo of one step are one operation: the newer takes the place of what still waits (D8). */
  readonly operation: string;
  readonly body: Command;
}

/** Writes a command of a decision as the message that the outbox sends. */
export function messageOf(origin: Origin, sent: SentCommand): OutgoingCommand {
  const step = encodeId('stp', sent.stepId);
  const id = commandId(step, sent.direction, sent.attempt);
  const envelope = {
    specversion: '1.0',
    id,
    source: '/sentral/task',
    subject: `${sent.service}.${sent.of.action.split('.')[0]}/${step}`,
    time: new Date(origin.now).toISOString(),
    datacontenttype: 'application/json',
    dataschema: `https://schemas.dataverket.dev/${sent.service}/${sent.action ?? sent.of.action}/${sent.contract}`,
    tenantid: encodeId('tnt', origin.tenantId),
    taskid: encodeId('tsk', origin.taskId),
    stepid: step,
    attempt: sent.attempt,
    ...(origin.traceparent === undefined ? {} : { traceparent: origin.traceparent }),
    correlationid: origin.correlationId,
  } as const;
  const { action, contract, input, of } = sent;
  const body: Command =
    sent.direction === 'do'
      ? {
          ...envelope,
          type: 'dev.dataverket.step.do.v1',
          direction: 'do',
          expires: new Date(sent.expiresAt ?? origin.now).toISOString(),
          data: { action: of.action, contract, input },
        }
      : {
          ...envelope,
          type: 'dev.dataverket.step.undo.v1',
          direction: 'undo',
          data: { ...(action === undefined ? {} : { action, input }), contract, of },
        };
  return { subject: subjects.command(sent.service, of.action, step), messageId: id, operation: step, body };
}

/** What a reply tells the decider. */
export function inputOfReply(reply: Reply): ReplyInput {
  return {
    on: 'reply',
    stepId: decodeId('stp', reply.stepid),
    direction: reply.direction,
    attempt: reply.attempt,
    answer: { kind: kindOf(reply.type), data: reply.data } as Answer,
  };
}

export function inputOfBeat(beat: Beat): Input {
  const { stepid, direction, attempt, progress, note, instance } = beat;
  return { on: 'beat', stepId: decodeId('stp', stepid), direction, attempt, progress, note, instance };
}
