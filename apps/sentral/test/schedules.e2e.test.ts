import type { StandInProcess } from '@sentral/stand-ins';
import { parseId } from '@sentral/contracts/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { any, as, behind, grant, house, made, person, type House, type Person } from './cast.js';
import { order, standInOf, storage, taskOnce } from './platform.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let place: House;
let editor: Person;
let objekt: StandInProcess;

beforeAll(async () => {
  server = await startServer();
  place = await house(server, 'acme');
  editor = await person(server, 'editor');
  await grant(server, place, { to: editor, role: 'editor' });
  objekt = await standInOf(server, 'objekt');
  await storage(server);
});
afterAll(async () => {
  await objekt?.kill();
  await server?.stop();
});

const wanted = (more: object = {}) => ({
  scopeId: place.environment,
  name: 'friday-evening',
  kind: 'environment.empty',
  cron: '0 18 * * fri',
  timeZone: 'Europe/Oslo',
  ...more,
});
const make = (who: Person, more: object = {}) => server.ask('/v1/schedules', { ...as(who), body: wanted(more) });
const read = async (id: string): Promise<Json> => (await server.ask(`/v1/schedules/${id}`, as(place.owner))).body;
const comes = (id: string) =>
  behind(server, `update task.schedule_run set next_at = now() - interval '3 hours' where schedule_id = $1::uuid`, [
    parseId(id).uuid,
  ]);
async function ran(id: string, outcome: string): Promise<Json> {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = await read(id);
    if (found.lastRun?.outcome === outcome) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${id} was never ${outcome}: ${JSON.stringify(await read(id))}`);
}

test('a schedule empties its environment at its time, with the rights of who has made it', async () => {
  const bucket = await order(server, place, { of: 'buckets', body: { name: 'photos', sizeGib: 1 } });
  await taskOnce(server, place, { id: bucket.body.id, state: 'succeeded' });
  const { body, headers, status } = await make(editor);
  expect([status, headers.get('location'), headers.get('etag')]).toEqual([201, `/v1/schedules/${body.id}`, '"1"']);
  expect(body).toMatchObject({ owner: { id: editor.id }, overlap: 'skip', enabled: true, input: {} });
  await comes(body.id);
  const { lastRun, version, nextAt } = await ran(body.id, 'started');
  expect([version, new Date(nextAt) > new Date()]).toEqual([1, true]);
  const task = await taskOnce(server, place, { id: lastRun.taskId, state: 'succeeded' });
  expect(task).toMatchObject({ kind: 'environment.empty', initiator: { id: editor.id }, output: { more: false } });
  expect((await server.ask('/v1/buckets', as(place.owner))).body.items).toEqual([]);

  const empty = { ...as(place.owner), method: 'POST', headers: { 'idempotency-key': 'again' } } as const;
  const again = await made(server.ask(`/v1/environments/${place.environment}/empty`, empty), 202);
  expect(await taskOnce(server, place, { id: again.id, state: 'succeeded' })).toMatchObject({
    output: { first: [], last: [] },
  });
});

test('a schedule whose owner has lost the right is held and says so; who enables it again is its owner', async () => {
  const { body } = await make(editor, { name: 'held' });
  const bindings = await server.ask(`/v1/tenants/${place.tenant}/roleBindings`, as(place.owner));
  const own = bindings.body.items.find(({ subject }: Json) => subject.id === editor.id);
  await made(server.ask(`/v1/roleBindings/${own.id}`, { ...as(place.owner), method: 'DELETE', headers: any }), 200);
  await comes(body.id);
  expect(await ran(body.id, 'refused')).toMatchObject({
    version: 2,
    enabled: false,
    held: { code: 'permission-denied', detail: expect.stringContaining(editor.id) },
  });
  const change = (headers: Record<string, string>) =>
    server.ask(`/v1/schedules/${body.id}`, {
      ...as(place.owner),
      method: 'PATCH',
      body: { enabled: true },
      headers: { 'content-type': 'application/merge-patch+json', ...headers },
    });
  expect([(await change({})).status, (await change({ 'if-match': '"1"' })).status]).toEqual([428, 412]);
  const now = (await change({ 'if-match': '"2"' })).body;
  expect(now).toMatchObject({ version: 3, enabled: true, owner: { id: place.owner.id } });
  expect(now.held).toBeUndefined();
  const gone = await server.ask(`/v1/schedules/${body.id}`, { ...as(place.owner), method: 'DELETE', headers: any });
  expect([gone.status, (await server.ask(`/v1/schedules/${body.id}`, as(place.owner))).status]).toEqual([200, 404]);
});

test('nobody schedules where they may not, nor what they may not do', async () => {
  const [stranger, viewer] = [await person(server, 'stranger'), await person(server, 'viewer')];
  await grant(server, place, { to: viewer, role: 'viewer' });
  expect((await make(stranger)).body).toMatchObject({ code: 'reference-not-found', pointer: '/scopeId' });
  expect((await make(viewer)).body).toMatchObject({ missingPermission: 'task.schedule.create' });
  const wrong = async (more: object) => (await make(place.owner, { name: 'wrong', ...more })).body;
  expect(await wrong({ scopeId: place.project })).toMatchObject({ errors: [{ pointer: '/scopeId' }] });
  expect(await wrong({ kind: 'bucket.delete' })).toMatchObject({ code: 'reference-not-found', pointer: '/kind' });
  expect(await wrong({ cron: '0 0 30 2 *' })).toMatchObject({ errors: [{ pointer: '/cron' }] });
  expect(await wrong({ scopeId: 'platform' })).toMatchObject({ code: 'reference-not-found' });
});
