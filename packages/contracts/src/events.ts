import * as v from 'valibot';
import { timeInputSchema } from './api/common.js';
import { idSchema } from './ids.js';

type Schema = v.GenericSchema;

/** What a context says publicly about one of its facts. */
export interface EventDef {
  readonly summary: string;
  /** The `data` of the event; a plain object that may gain fields. */
  readonly data: Schema;
  /** Moves with the first change that old readers cannot read; the old one is then sent beside it. */
  readonly majorVersion?: number;
  /** Where it goes on the bus, if not with the events of its context. */
  readonly subject?: string;
}

export interface EventsDef {
  readonly context: string;
  /** `<noun>.<past participle>` → its schema. */
  readonly events: { readonly [name: string]: EventDef };
}

/** Declares the public events of a context; a name that is not `<noun>.<past participle>` stops the start. */
export const defineEvents = <const E extends EventsDef>(def: E): E => {
  const wrong = Object.keys(def.events).find((name) => !/^[a-z][A-Za-z]*\.[a-z][A-Za-z]*$/.test(name));
  if (wrong !== undefined) throw new TypeError(`${wrong} is not <noun>.<past participle>`);
  return def;
};

export type EventName<E extends EventsDef> = keyof E['events'] & string;
export type EventData<E extends EventsDef, N extends EventName<E>> = v.InferOutput<E['events'][N]['data']>;

/** The CloudEvents type: `dev.dataverket.<context>.<noun>.<participle>.v1`. */
export function eventType(def: EventsDef, name: string): string {
  return `dev.dataverket.${def.context}.${name}.v${def.events[name]?.majorVersion ?? 1}`;
}

/** The bus subject: `dv.evt.v1.<context>.<noun>.<participle>`. */
export function eventSubject(def: EventsDef, name: string): string {
  const event = def.events[name];
  return event?.subject ?? `dv.evt.v${event?.majorVersion ?? 1}.${def.context}.${name}`;
}

/** The CloudEvents 1.0 envelope in structured JSON, with the extensions that Sentral sends. Readers tolerate more. */
export const cloudEventSchema = v.object({
  specversion: v.literal('1.0'),
  /** The same id wherever the event goes: on the bus it is the message id. */
  id: idSchema('evt'),
  /** `/sentral/<context>` */
  source: v.pipe(v.string(), v.regex(/^\/[a-z0-9/-]{1,127}$/, 'must be a source like /sentral/inventory')),
  type: v.pipe(v.string(), v.regex(/^dev\.dataverket(\.[A-Za-z0-9]+){3}\.v[1-9][0-9]*$/, 'must be an event type')),
  /** `<context>.<noun>/<id>`; without the id where the resource has none on the wire. */
  subject: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  time: timeInputSchema,
  datacontenttype: v.optional(v.literal('application/json')),
  data: v.record(v.string(), v.unknown()),
  /** Position in the feed of the source: dense, so that a reader sees a gap. CloudEvents wants extensions as text. */
  sequence: v.optional(v.pipe(v.string(), v.regex(/^[0-9]{1,16}$/, 'must be a position'))),
  resourceversion: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  tenantid: v.optional(idSchema('tnt')),
  projectid: v.optional(idSchema('prj')),
  environmentid: v.optional(idSchema('env')),
  traceparent: v.optional(v.pipe(v.string(), v.maxLength(128))),
  causationid: v.optional(v.pipe(v.string(), v.maxLength(128))),
});
export type CloudEvent = v.InferOutput<typeof cloudEventSchema>;

export type ReadEvent<E extends EventsDef> = {
  [N in EventName<E>]: { readonly name: N; readonly data: EventData<E, N>; readonly envelope: CloudEvent };
}[EventName<E>];

/**
 * Reads an event of one context: undefined when its type is none that this version knows, which is no error, since
 * contexts are deployed one by one.
 */
export function readEvent<const E extends EventsDef>(def: E, json: unknown): ReadEvent<E> | undefined {
  const envelope = v.safeParse(cloudEventSchema, json);
  if (!envelope.success) return undefined;
  const name = Object.keys(def.events).find((known) => eventType(def, known) === envelope.output.type);
  const schema = name === undefined ? undefined : def.events[name]?.data;
  if (schema === undefined) return undefined;
  const data = v.safeParse(schema, envelope.output.data);
  return data.success ? ({ name, data: data.output, envelope: envelope.output } as ReadEvent<E>) : undefined;
}
