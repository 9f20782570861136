import { cloudEventSchema, eventSubject, eventType, type EventsDef } from './events.js';
import { jsonSchema, type ToJsonSchema } from './openapi.js';

type Json = Record<string, unknown>;

export interface AsyncApiOptions {
  readonly toJsonSchema: ToJsonSchema;
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
}

interface Told {
  readonly context: string;
  readonly name: string;
  readonly summary: string;
  readonly type: string;
  readonly subject: string;
  readonly data: Json;
}

/**
 * AsyncAPI 3.0 of the public events: one channel a subject of the bus, one message in it, Sentral sends. A message is a
 * CloudEvent in structured JSON whose `data` is the resource.
 */
export function asyncApi(contexts: readonly EventsDef[], options: AsyncApiOptions): Json {
  const told = contexts.flatMap((def) => eventsOf(def, options.toJsonSchema));
  const schemas = new Map<string, Json>();
  const messages: Json = {};
  const channels: Json = {};
  const operations: Json = {};
  for (const event of told) {
    const key = `${event.context}.${event.name}`;
    messages[key] = messageOf(event, dataName(event, told));
    schemas.set(dataName(event, told), event.data);
    channels[key] = {
      address: event.subject,
      summary: event.summary,
      messages: { [key]: { $ref: `#/components/messages/${key}` } },
    };
    operations[key] = {
      action: 'send',
      channel: { $ref: `#/channels/${key}` },
      summary: event.summary,
      messages: [{ $ref: `#/channels/${key}/messages/${key}` }],
    };
  }
  return {
    asyncapi: '3.0.0',
    info: options.info,
    defaultContentType: 'application/cloudevents+json',
    channels,
    operations,
    components: {
      messages,
      schemas: {
        CloudEvent: jsonSchema(options.toJsonSchema, cloudEventSchema, { typeMode: 'output', target: 'draft-07' }),
        ...Object.fromEntries(schemas),
      },
    },
  };
}

function eventsOf(def: EventsDef, toJsonSchema: ToJsonSchema): readonly Told[] {
  return Object.entries(def.events).map(([name, { summary, data }]) => ({
    context: def.context,
    name,
    summary,
    type: eventType(def, name),
    subject: eventSubject(def, name),
    // What a message's payload is written in, unless it says otherwise.
    data: jsonSchema(toJsonSchema, data, { typeMode: 'output', target: 'draft-07' }),
  }));
}

/** One schema a noun, where all its events show the same thing; else one an event. */
function dataName({ context, name, data }: Told, told: readonly Told[]): string {
  const [noun = name] = name.split('.');
  const siblings = told.filter((each) => each.context === context && each.name.split('.')[0] === noun);
  const same = siblings.every((each) => JSON.stringify(each.data) === JSON.stringify(data));
  return `${context}.${same ? noun : name}`;
}

function messageOf({ context, summary, type }: Told, data: string): Json {
  return {
    name: type,
    title: summary,
    contentType: 'application/cloudevents+json',
    correlationId: { description: 'The trace that the change belongs to.', location: '$message.header#/traceparent' },
    headers: {
      type: 'object',
      properties: {
        'Nats-Msg-Id': { type: 'string', description: 'The id of the event: the same one twice is the same event.' },
        traceparent: { type: 'string' },
      },
      required: ['Nats-Msg-Id'],
    },
    payload: {
      allOf: [
        { $ref: '#/components/schemas/CloudEvent' },
        {
          type: 'object',
          properties: {
            type: { const: type },
            source: { const: `/sentral/${context}` },
            data: { $ref: `#/components/schemas/${data}` },
          },
        },
      ],
    },
  };
}
