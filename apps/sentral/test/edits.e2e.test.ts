import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from './start-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

async function site(name: string) {
  const { status, body, headers } = await server.ask('/v1/nodes', { body: { kind: 'site', name } });
  expect([status, headers.get('location'), headers.get('etag')]).toEqual([201, `/v1/nodes/${body.id}`, '"1"']);
  return { at: `/v1/nodes/${body.id}`, id: body.id as string };
}

const edit = (at: string, color: string, ifMatch?: string) =>
  server.ask(at, {
    method: 'PATCH',
    body: { labels: { color } },
    headers: ifMatch === undefined ? {} : { 'if-match': ifMatch },
  });

test('of two who edit the same version one succeeds, and the other is told which version there is now', async () => {
  const { at, id } = await site('bergen');
  const answers = await Promise.all([edit(at, 'red', '"1"'), edit(at, 'blue', '"1"')]);
  expect(answers).toHaveLength(2);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 412]));
  const won = answers.find(({ status }) => status === 200)!;
  const lost = answers.find(({ status }) => status === 412)!;
  expect([won.headers.get('etag'), won.body.version]).toEqual(['"2"', 2]);
  expect(lost.body).toMatchObject({ code: 'version-mismatch', resourceId: id, currentVersion: 2, providedVersion: 1 });
  expect((await server.ask(at)).body.labels).toEqual(won.body.labels);
});

test('an edit that does not say which version was read is refused', async () => {
  const { at } = await site('hamar');
  const answer = await edit(at, 'red');
  expect([answer.status, answer.body.code]).toEqual([428, 'precondition-required']);
  expect((await server.ask(at, { method: 'DELETE' })).status).toBe(428);
  expect((await server.ask(at)).body.version).toBe(1);
});

test('a tag that a proxy has weakened matches nothing', async () => {
  const { at } = await site('skien');
  const answer = await edit(at, 'red', 'W/"1"');
  expect([answer.status, answer.body.code, answer.body.currentVersion]).toEqual([412, 'version-mismatch', 1]);
});

test('who sends a star does not care which version there is', async () => {
  const { at } = await site('molde');
  expect((await edit(at, 'red', '"1"')).status).toBe(200);
  expect((await edit(at, 'blue', '*')).body).toMatchObject({ version: 3, labels: { color: 'blue' } });
});

test('what has not changed since it was read is not sent again', async () => {
  const { at } = await site('lom');
  const read = await server.ask(at);
  expect(read.headers.get('etag')).toBe('"1"');
  const again = await server.ask(at, { headers: { 'if-none-match': '"1"' } });
  expect([again.status, again.body]).toEqual([304, '']);
});

test('a dry run judges to the end and changes nothing', async () => {
  const { at } = await site('dombas');
  const tried = await server.ask(`${at}?dryRun=true`, {
    method: 'PATCH',
    body: { labels: { color: 'red' } },
    headers: { 'if-match': '"1"' },
  });
  expect([tried.status, tried.headers.get('dry-run')]).toEqual([200, 'true']);
  expect((await server.ask(at)).body).toMatchObject({ version: 1, labels: {} });
});

test('an edit whose answer was lost is answered again under its key, not with its own new version', async () => {
  const { at } = await site('otta');
  const again = () =>
    server.ask(at, {
      method: 'PATCH',
      body: { labels: { color: 'red' } },
      headers: { 'if-match': '"1"', 'idempotency-key': 'lost' },
    });
  expect([(await again()).status, (await again()).status]).toEqual([200, 200]);
  expect((await server.ask(at)).body.version).toBe(2);
});
