import { openDatabase } from '@sentral/kernel/database';
import { bootstrapAdmin } from '@sentral/tenancy/operate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { as, person } from './cast.js';
import { listen } from './hearing.js';
import { eventually } from './patience.js';
import { someSeal, startServer, type Json, type TestServer } from './start-server.js';

const command = 'sentral-migrator bootstrap-admin --subject';
let server: TestServer;
const heard = listen();
beforeAll(async () => {
  server = await startServer({}, { administrator: false });
});
afterAll(async () => {
  heard.stop();
  await server.stop();
});

test('an installation without an administrator is up, refuses everyone and names the command, until it was run', async () => {
  const nobody = await server.ask('/v1/tenants', { token: null });
  expect([nobody.status, nobody.body.reason]).toEqual([401, 'missing']);
  const ada = await person(server, 'ada');
  const make = () =>
    server.ask('/v1/tenants', { ...as(ada), body: { name: 'acme', owner: { type: 'user', id: ada.id } } });
  for (const answer of [await make(), await server.ask('/v1/nodes', as(ada))]) {
    expect([answer.status, answer.body.code]).toEqual([403, 'permission-denied']);
    expect(answer.body.detail).toContain(command);
  }
  const ready = await server.ask('/readyz', { token: null });
  expect([ready.status, ready.body.status]).toEqual([200, 'ready']);
  expect(ready.body.parts.find(({ name }: Json) => name === 'administrators')).toMatchObject({
    status: 'degraded',
    reason: expect.stringContaining(command),
  });
  expect(heard.said().split(command), 'one line of the log names it').toHaveLength(2);

  const db = openDatabase({ url: server.adminUrl, applicationName: 'operator', poolSize: 1 });
  await bootstrapAdmin(db, { subject: { issuer: server.people.issuer.issuer, subject: 'ada', seal: someSeal } });
  await db.close();
  expect((await make()).status).toBe(201);
  const stranger = await person(server, 'bob');
  const refused = await server.ask('/v1/nodes', as(stranger));
  expect([refused.status, refused.body.detail]).toEqual([403, undefined]);
  await eventually(async () => {
    const { body } = await server.ask('/readyz', { token: null });
    expect(body.parts.map(({ name }: Json) => name)).not.toContain('administrators');
  });
});
