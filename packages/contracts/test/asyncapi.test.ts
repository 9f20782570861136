import { createRequire } from 'node:module';
import { toJsonSchema } from '@valibot/to-json-schema';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { asyncApiDocument } from '../src/api/documents.js';
import { eventSubject, eventType } from '../src/events.js';
import { publicEvents } from '../src/public-events.js';

type Json = Record<string, unknown>;

const document = asyncApiDocument(toJsonSchema);

/** The structure of AsyncAPI 3.0.0 as its authors publish it. */
const require = createRequire(import.meta.url);
const specification = require('@asyncapi/specs/schemas/3.0.0-without-$id.json') as Json;
const ajv = new Ajv({ strict: false, validateFormats: false });
const isDocument = ajv.compile(specification);

/** What stands at a place of the document. */
function at(pointer: string): unknown {
  const keys = pointer.replace('#/', '').split('/');
  return keys.reduce<unknown>((inside, key) => (inside as Json | undefined)?.[key], document);
}

test('the document of the bus is AsyncAPI 3.0', () => {
  expect(isDocument(document), JSON.stringify(isDocument.errors?.slice(0, 3))).toBe(true);
});

test.each<[string, (planted: Record<'channels' | 'operations' | 'components' | 'info', Json>) => void]>([
  ['a channel without words of its own', (planted) => void (planted.channels['x'] = { adress: 'a' })],
  [
    'an operation without an action',
    (planted) => void (planted.operations['x'] = { channel: { $ref: '#/channels/x' } }),
  ],
  [
    'an operation that does something else',
    (planted) => void (planted.operations['x'] = { action: 'publish', channel: { $ref: '#/channels/x' } }),
  ],
  ['no title', (planted) => void delete planted.info['title']],
  ['a schema of no known type', (planted) => void ((planted.components['schemas'] as Json)['x'] = { type: 'text' })],
])('the check sees %s', (_, plant) => {
  const planted = structuredClone(document) as never;
  plant(planted);
  expect(isDocument(planted)).toBe(false);
});

test('every reference of the document leads somewhere', () => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref as string);
  expect(refs.length).toBeGreaterThan(100);
  for (const ref of refs) expect(at(ref), ref).toBeDefined();
});

test('every public event has its channel at the subject it is sent on, and its message is of its type', () => {
  const listed = Object.entries(document['channels'] as Record<string, { address: string }>);
  const want = publicEvents.flatMap((def) =>
    Object.keys(def.events).map((name) => [`${def.context}.${name}`, eventSubject(def, name), eventType(def, name)]),
  );
  expect(
    listed.map(([key, { address }]) => [key, address, (at(`#/components/messages/${key}`) as { name: string }).name]),
  ).toEqual(want);
  expect(Object.keys(document['operations'] as Json)).toEqual(listed.map(([key]) => key));
});

test('a message as it goes out is one by the document, and another event’s data is none', () => {
  const message = at('#/components/messages/tenancy.scope.created') as { payload: Json };
  const isMessage = ajv.compile({ ...message.payload, components: document['components'] });
  const id = 'tnt_01h455vb4pex5vsknk084sn02q';
  const scope = {
    id,
    type: 'tenant',
    parentId: 'platform',
    tenantId: id,
    name: 'acme',
    labels: {},
    annotations: {},
    state: 'active',
    version: 1,
    createdAt: '2026-11-23T10:00:00.000Z',
    updatedAt: '2026-11-23T10:00:00.000Z',
    projection: {
      id,
      parentId: 'platform',
      kind: 'tenant',
      tenantId: id,
      state: 'active',
      version: 1,
      policyVersion: 0,
      policyBindings: [],
      exemptions: [],
      holds: [],
      limits: [],
    },
  };
  const sent = {
    specversion: '1.0',
    id: 'evt_01h455vb4pex5vsknk084sn02q',
    source: '/sentral/tenancy',
    type: 'dev.dataverket.tenancy.scope.created.v1',
    subject: 'tenancy.scope/tnt_01h455vb4pex5vsknk084sn02q',
    time: '2026-11-23T10:00:00.000Z',
    datacontenttype: 'application/json',
    sequence: '7',
    resourceversion: 1,
    data: scope,
  };
  expect(isMessage(sent), JSON.stringify(isMessage.errors)).toBe(true);
  expect(isMessage({ ...sent, data: { ...scope, type: 'planet' } })).toBe(false);
  expect(isMessage({ ...sent, type: 'dev.dataverket.tenancy.scope.changed.v1' })).toBe(false);
  expect(isMessage({ ...sent, id: '7' })).toBe(false);
});
