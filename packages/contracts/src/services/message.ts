import * as v from 'valibot';
import { text, timeInputSchema } from '../api/common.js';
import { idSchema, isId, type Id } from '../ids.js';

// What Sentral and a domain service write to each other about one step (task.md 9.2): CloudEvents 1.0 in structured JSON.
// Readers ignore fields that they do not know; a type that they do not know is a dead letter, never a guess.

/** How a service may say that it failed. `unknown` is no class of the wire: only Sentral, which waited, can conclude it. */
export const failureClasses = ['transient', 'throttled', 'conflict', 'permanent', 'invalid'] as const;
export type FailureClass = (typeof failureClasses)[number];

/** `none` claims that the failed attempt left nothing behind, and may be said only after looking (S7). */
export const effectClaims = ['none', 'unknown'] as const;

export type Direction = 'do' | 'undo';

/** A whole message, UTF-8. What does not fit travels by reference. */
export const messageBytesMax = 256 * 1024;

const attemptSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const percentSchema = v.pipe(v.number(), v.minValue(0), v.maxValue(100));
const millisecondsSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const instanceSchema = text(1, 128);
const codePattern = /^[a-z][a-z0-9_]{0,63}$/;

/** A service: the first token of its subjects. */
export const serviceSchema = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be a service like nett'));
/** `<resource>.<verb>`: two tokens of a subject. */
export const actionSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9_-]{0,31}\.[a-z][a-z0-9_-]{0,31}$/, 'must be an action like port.attach'),
);
const contractVersionSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

const envelope = {
  specversion: v.literal('1.0'),
  source: v.pipe(v.string(), v.regex(/^\/[a-z0-9/-]{1,127}$/, 'must be a source like /sentral/task')),
  time: timeInputSchema,
  datacontenttype: v.optional(v.literal('application/json')),
  stepid: idSchema('stp'),
  taskid: idSchema('tsk'),
  attempt: attemptSchema,
  traceparent: v.optional(v.pipe(v.string(), v.maxLength(128))),
  correlationid: v.optional(v.pipe(v.string(), v.maxLength(128))),
} as const;

const workSchema = v.object({ action: actionSchema, input: v.unknown() });

/** What Sentral asks: do this step, or take it back. */
export const commandSchema = v.pipe(
  v.variant('type', [
    v.object({
      ...envelope,
      id: v.string(),
      type: v.literal('dev.dataverket.step.do.v1'),
      direction: v.literal('do'),
      subject: v.optional(text(1, 128)),
      dataschema: v.optional(v.pipe(v.string(), v.maxLength(256))),
      tenantid: idSchema('tnt'),
      /** A command that was never recorded by then is dropped: a newer attempt is under way. */
      expires: timeInputSchema,
      data: v.object({ action: actionSchema, contract: contractVersionSchema, input: v.unknown() }),
    }),
    v.object({
      ...envelope,
      id: v.string(),
      type: v.literal('dev.dataverket.step.undo.v1'),
      direction: v.literal('undo'),
      subject: v.optional(text(1, 128)),
      dataschema: v.optional(v.pipe(v.string(), v.maxLength(256))),
      tenantid: idSchema('tnt'),
      /** Without `action`: leave the tombstone, there is nothing to take back. `of` is what was asked for. */
      data: v.object({
        action: v.optional(actionSchema),
        contract: contractVersionSchema,
        input: v.optional(v.unknown()),
        of: workSchema,
      }),
    }),
  ]),
  v.check(
    (it) => it.id === commandId(it.stepid, it.direction, it.attempt),
    'must have the id <step>:<direction>:<attempt>',
  ),
);
export type Command = v.InferOutput<typeof commandSchema>;

const failure = {
  class: v.picklist(failureClasses),
  code: v.pipe(v.string(), v.regex(codePattern, 'must be a code like port_in_use')),
  message: text(0, 2000),
  /** When it is worth asking again; counts for `throttled`. */
  retryAfterMs: v.optional(millisecondsSchema),
  problem: v.optional(v.unknown()),
} as const;

const acceptedData = v.object({ instance: v.optional(instanceSchema), etaMs: v.optional(millisecondsSchema) });

/** What a service answers: the kind, the directions it may answer, and its data. */
export const replyData = {
  accepted: acceptedData,
  succeeded: v.object({ output: v.unknown() }),
  failed: v.object({ ...failure, effects: v.picklist(effectClaims) }),
  undone: v.object({ found: v.boolean() }),
  undo_failed: v.object(failure),
  fenced: v.object({ by: v.picklist(['undo', 'newer_attempt']) }),
} as const;
export type ReplyKind = keyof typeof replyData;
export const replyKinds = Object.keys(replyData) as ReplyKind[];

/** The answer to one attempt of one direction, without its envelope: what the rules of both sides speak about. */
export type Answer = {
  [K in ReplyKind]: { readonly kind: K; readonly data: v.InferOutput<(typeof replyData)[K]> };
}[ReplyKind];

const answers: { readonly [K in ReplyKind]: readonly Direction[] } = {
  accepted: ['do', 'undo'],
  succeeded: ['do'],
  failed: ['do'],
  undone: ['undo'],
  undo_failed: ['undo'],
  fenced: ['do'],
};

const replyOf = <const K extends ReplyKind>(kind: K) =>
  v.object({
    ...envelope,
    id: v.string(),
    type: v.literal(`dev.dataverket.step.${kind}.v1` as const),
    direction: v.picklist(['do', 'undo']),
    data: replyData[kind],
  });

export const replySchema = v.pipe(
  v.variant('type', [
    replyOf('accepted'),
    replyOf('succeeded'),
    replyOf('failed'),
    replyOf('undone'),
    replyOf('undo_failed'),
    replyOf('fenced'),
  ]),
  v.check((it) => answers[kindOf(it.type)].includes(it.direction), 'must answer the direction that its type is for'),
  v.check(
    (it) => it.id === replyId(commandId(it.stepid, it.direction, it.attempt), kindOf(it.type)),
    'must have the id <command id>:<kind>',
  ),
);
export type Reply = v.InferOutput<typeof replySchema>;

/** Life of a running step, sent every 20 s (S8) where loss is fine. */
export const beatSchema = v.object({
  stepid: idSchema('stp'),
  direction: v.picklist(['do', 'undo']),
  attempt: attemptSchema,
  progress: v.optional(percentSchema),
  note: v.optional(text(0, 500)),
  instance: v.optional(instanceSchema),
});
export type Beat = v.InferOutput<typeof beatSchema>;
export const beatEveryMs = 20_000;

/** The id of a command names the attempt: the same id twice is one message, a retry is another one (D9). */
export function commandId(step: string, direction: Direction, attempt: number): string {
  return `${step}:${direction}:${attempt}`;
}

/** A reply sent twice is one reply. */
export function replyId(command: string, kind: ReplyKind): string {
  return `${command}:${kind}`;
}

/** The kind of a reply by its CloudEvents type. */
export function kindOf(type: string): ReplyKind {
  return type.slice('dev.dataverket.step.'.length, -'.v1'.length) as ReplyKind;
}

export type Read<T> =
  | { readonly ok: true; readonly message: T }
  /** A dead letter at first sight; `reason` never repeats the content. */
  | { readonly ok: false; readonly reason: string };

/** Reads a command as it came from the bus. */
export const readCommand = (data: string): Read<Command> => read(commandSchema, data);
/** Reads a reply as it came from the bus. */
export const readReply = (data: string): Read<Reply> => read(replySchema, data);

function read<S extends v.GenericSchema>(schema: S, data: string): Read<v.InferOutput<S>> {
  // A code unit is at least one byte, so this is never stricter than the bound, and no text of any length is encoded for it.
  if (data.length > messageBytesMax || new TextEncoder().encode(data).length > messageBytesMax)
    return { ok: false, reason: `larger than ${messageBytesMax} bytes` };
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch {
    return { ok: false, reason: 'not JSON' };
  }
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return { ok: true, message: parsed.output };
  const [issue] = parsed.issues;
  return { ok: false, reason: `${v.getDotPath(issue) ?? 'message'}: ${issue.message.split(' but received')[0]}` };
}

export interface ReplyTo {
  readonly command: Pick<Command, 'stepid' | 'taskid' | 'traceparent' | 'correlationid'>;
  readonly service: string;
  readonly direction: Direction;
  readonly attempt: number;
  readonly time: string;
}

/** Writes the reply of a service about one attempt. */
export function replyMessage(to: ReplyTo, answer: Answer): Reply {
  const { stepid, taskid, traceparent, correlationid } = to.command;
  return {
    specversion: '1.0',
    id: replyId(commandId(stepid, to.direction, to.attempt), answer.kind),
    source: `/${to.service}`,
    type: `dev.dataverket.step.${answer.kind}.v1`,
    time: to.time,
    datacontenttype: 'application/json',
    stepid,
    taskid,
    attempt: to.attempt,
    direction: to.direction,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(correlationid === undefined ? {} : { correlationid }),
    data: answer.data,
  } as Reply;
}

/** Where commands, replies and beats of a step travel; do and undo share one subject, so that the newer replaces the older (D8). */
export const subjects = {
  command: (service: string, action: string, step: Id<'stp'>) => `dv.cmd.v1.${service}.${action}.${step}`,
  commandsOf: (service: string) => `dv.cmd.v1.${service}.>`,
  reply: (service: string, step: Id<'stp'>) => `dv.rpl.v1.sentral.${service}.${step}`,
  replies: 'dv.rpl.v1.sentral.>',
  beat: (service: string, step: Id<'stp'>) => `dv.beat.v1.${service}.${step}`,
  beats: 'dv.beat.v1.>',
  describe: (service: string) => `dv.qry.v1.${service}.op.describe`,
  observe: (service: string, resource: string) => `dv.qry.v1.${service}.observe.${resource}`,
} as const;

/** Who sent a reply, by its subject: the bus lets a service publish under its own name only, its word in the body proves nothing. */
export function replyFrom(subject: string): { service: string; step: Id<'stp'> } | undefined {
  const [, service, step, rest] = /^dv\.rpl\.v1\.sentral\.([a-z][a-z0-9-]*)\.([^.]+)(.*)$/.exec(subject) ?? [];
  if (service === undefined || step === undefined || rest !== '' || !isId('stp', step)) return undefined;
  return { service, step };
}
