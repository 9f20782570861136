import { afterAll, beforeAll, expect, test } from 'vitest';
import { as, house, person, type House } from './cast.js';
import { startServer, type TestServer } from './start-server.js';
import { waitingTask } from './waiting-task.js';

let server: TestServer;
let place: House;
let other: House;

beforeAll(async () => {
  server = await startServer();
  place = await house(server, 'acme');
  other = await house(server, 'rival');
});
afterAll(() => server.stop());

const until = async (id: string, state: string) => {
  for (let tries = 0; tries < 200; tries += 1) {
    const { body } = await server.ask(`/v1/tasks/${id}`, as(place.owner));
    if (body.state === state) return body;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${id} never was ${state}`);
};

test('a task is watched, held, signalled to its end and tells its story, and nobody else learns that it is there', async () => {
  const id = await waitingTask(server, place);
  const mine = as(place.owner);
  const seen = await server.ask(`/v1/tasks/${id}`, mine);
  expect(seen.body).toMatchObject({
    id,
    state: 'running',
    environmentId: place.environment,
    steps: { total: 2, done: 0 },
  });
  expect(seen.headers.get('etag')).toBe(`"${seen.body.version}"`);
  const unchanged = await server.ask(`/v1/tasks/${id}`, {
    ...mine,
    headers: { 'if-none-match': `"${seen.body.version}"` },
  });
  expect(unchanged.status).toBe(304);

  const post = (verb: string, body: object, more: object = {}) =>
    server.ask(`/v1/tasks/${id}/${verb}`, { ...mine, ...more, method: 'POST', body });
  const held = await post('hold', { note: 'wait' });
  expect([held.status, held.body.hold, held.headers.get('etag')]).toEqual([200, 'operator', `"${held.body.version}"`]);
  const stale = await post('resume', {}, { headers: { 'if-match': '"1"' } });
  expect([stale.status, stale.body.code, stale.body.currentVersion]).toEqual([
    412,
    'version-mismatch',
    held.body.version,
  ]);
  expect((await post('resume', {})).status).toBe(200);
  // Asked under a key twice, it is told once.
  const keyed = { headers: { 'idempotency-key': 'told-once' } };
  const [first, again] = [await post('signal', { name: 'told' }, keyed), await post('signal', { name: 'told' }, keyed)];
  expect([first.status, first.headers.get('location'), first.headers.get('retry-after')]).toEqual([
    202,
    `/v1/tasks/${id}`,
    '2',
  ]);
  expect([again.headers.get('idempotency-replayed'), again.body.version]).toEqual(['true', first.body.version]);
  expect((await post('signal', { name: 'again' })).body).toMatchObject({ state: 'succeeded', progress: 100 });
  expect((await post('cancel', {})).body).toMatchObject({ code: 'state-conflict', state: 'succeeded' });
  expect((await post('unwind', {})).body).toMatchObject({ code: 'precondition-required' });

  const steps = await server.ask(`/v1/tasks/${id}/steps`, mine);
  expect(steps.body.items.map(({ key, state }: { key: string; state: string }) => [key, state])).toEqual([
    ['told', 'succeeded'],
    ['again', 'succeeded'],
  ]);
  const events = await server.ask(`/v1/tasks/${id}/events?limit=2`, mine);
  expect(events.body.items.map(({ seq, type }: { seq: number; type: string }) => [seq, type])).toEqual([
    [1, 'task.created'],
    [2, 'task.running'],
  ]);
  const rest = await server.ask(`/v1/tasks/${id}/events?limit=500&cursor=${events.body.nextCursor}`, mine);
  expect(rest.body.items.at(-1)).toMatchObject({ type: 'task.succeeded', actor: { id: place.owner.id } });

  // Another tenant and an outsider are told what a missing id is told, to the byte.
  const outsider = await person(server, 'outsider');
  for (const who of [other.owner, outsider])
    for (const [at, asking] of [
      [`/v1/tasks/ID`, {}],
      [`/v1/tasks/ID/steps`, {}],
      [`/v1/tasks/ID/cancel`, { method: 'POST', body: {} }],
    ] as const) {
      const [foreign, missing] = await Promise.all(
        [id, 'tsk_01jz0000000000000000000000'].map((name) =>
          server.ask(at.replace('ID', name), { ...as(who), ...asking }),
        ),
      );
      const plain = ({ body }: { body: Record<string, unknown> }) => ({ ...body, instance: '', requestId: '' });
      expect([foreign!.status, plain(foreign!)]).toEqual([404, plain(missing!)]);
    }
  expect((await server.ask('/v1/tasks', as(other.owner))).body.items).toEqual([]);
  expect(
    (await server.ask(`/v1/tasks?state=succeeded&environmentId=${place.environment}`, mine)).body.items,
  ).toHaveLength(1);
});

test('a queue is moved by the loops of the server: what waits begins when there is room', async () => {
  const [one, two] = [await waitingTask(server, place, 'queued'), await waitingTask(server, place, 'queued')];
  await Promise.all([until(one, 'running'), until(two, 'running')]);
  const { body } = await server.ask(`/v1/tasks/${one}/cancel`, {
    ...as(place.owner),
    method: 'POST',
    body: { note: 'n' },
  });
  expect(body).toMatchObject({ state: 'cancelled', cause: 'cancelled' });
});
