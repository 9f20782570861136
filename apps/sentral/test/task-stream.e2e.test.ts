import { afterAll, beforeAll, expect, test } from 'vitest';
import { as, house, type House } from './cast.js';
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

const signal = (id: string, name: string, headers: Record<string, string> = {}) =>
  server.ask(`/v1/tasks/${id}/signal`, { ...as(place.owner), method: 'POST', body: { name }, headers });

async function listen(id: string, { token = place.owner.token, headers = {} as Record<string, string> } = {}) {
  const answer = await fetch(`${server.url}/v1/tasks/${id}/events`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...headers },
  });
  let text = '';
  const read = async (): Promise<void> => {
    for await (const chunk of answer.body ?? []) text += Buffer.from(chunk as Uint8Array).toString();
  };
  const ended = read();
  const seqs = () => [...text.matchAll(/^id: (\d+)\nevent:/gm)].map(([, seq]) => Number(seq));
  return { status: answer.status, type: answer.headers.get('content-type'), ended, seqs, text: () => text };
}

test('the story of a task is told as it happens, goes on behind the last that was seen, and ends with it', async () => {
  const id = await waitingTask(server, place);
  const stream = await listen(id);
  expect([stream.status, stream.type]).toEqual([200, 'text/event-stream; charset=utf-8']);
  await expect.poll(() => stream.seqs().length).toBeGreaterThan(0);
  const before = stream.seqs().length;
  const began = performance.now();
  await signal(id, 'told');
  await expect.poll(() => stream.seqs().length, { interval: 10 }).toBeGreaterThan(before);
  // Woken by the commit: a stream that polled alone would take a second.
  expect(performance.now() - began).toBeLessThan(900);
  const late = await listen(id, { headers: { 'last-event-id': String(stream.seqs()[0]) } });
  await signal(id, 'again');
  await Promise.all([stream.ended, late.ended]);
  const pages = await server.ask(`/v1/tasks/${id}/events?limit=100`, as(place.owner));
  const all = pages.body.items.map(({ seq }: { seq: number }) => seq);
  expect(stream.seqs()).toEqual(all);
  expect(late.seqs()).toEqual(all.slice(1));
  expect(stream.text()).toContain('event: task.succeeded');
  // Of one that has ended all is told at once.
  const after = await listen(id);
  await after.ended;
  expect(after.seqs()).toEqual(all);
});

test('who may not see the task gets no stream of it, and a wrong place is named', async () => {
  const id = await waitingTask(server, place);
  expect((await listen(id, { token: other.owner.token })).status).toBe(404);
  const wrong = await listen(id, { headers: { 'last-event-id': 'log_x:1' } });
  await wrong.ended;
  expect([wrong.status, JSON.parse(wrong.text()).parameter]).toEqual([400, 'Last-Event-ID']);
});

test('a client that prefers to wait is answered when the task moves, when it has ended, or when its time is over', async () => {
  const id = await waitingTask(server, place);
  const at = `/v1/tasks/${id}`;
  const mine = as(place.owner);
  const ask = (headers: Record<string, string>) => server.ask(at, { ...mine, headers });
  const { headers, body } = await server.ask(at, mine);
  const seen = { 'if-none-match': headers.get('etag') ?? '' };
  const timed = async <T>(call: Promise<T>) => {
    const began = performance.now();
    return { answer: await call, ms: performance.now() - began };
  };
  const silent = await timed(ask({ ...seen, prefer: 'wait=1' }));
  expect(silent.answer.status).toBe(304);
  expect(silent.ms).toBeGreaterThan(900);
  const waiting = timed(ask({ ...seen, prefer: 'respond-async, wait=20' }));
  const toTheEnd = timed(ask({ prefer: 'wait=99' }));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const signalled = await signal(id, 'told', { prefer: 'wait=0' });
  expect([signalled.status, signalled.headers.get('preference-applied')]).toEqual([202, null]);
  const moved = await waiting;
  expect(moved.answer).toMatchObject({ status: 200, body: { state: 'running' } });
  expect(moved.answer.body.version).toBeGreaterThan(body.version);
  expect(moved.answer.headers.get('preference-applied')).toBe('wait=20');
  expect(moved.ms).toBeLessThan(1_900);
  // A 202 stays one, and shows what has become of it.
  const last = await signal(id, 'again', { prefer: 'wait=20' });
  expect([last.status, last.headers.get('preference-applied'), last.body.state]).toEqual([202, 'wait=20', 'succeeded']);
  expect(last.headers.get('etag')).toBe(`"${last.body.version}"`);
  const ended = await toTheEnd;
  expect([ended.answer.body.state, ended.answer.headers.get('preference-applied')]).toEqual(['succeeded', 'wait=30']);
  // What is no number of seconds is passed over.
  expect((await ask({ prefer: 'wait=soon' })).headers.get('preference-applied')).toBeNull();
});
