import { readFileSync } from 'node:fs';
import { routes } from '@sentral/contracts/api/routes';
import { inventory as inventoryContract } from '@sentral/contracts/inventory';
import type { RouteDef } from '@sentral/contracts/route';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseExposition, type Scrape } from './exposition.js';
import { startServer, type TestServer } from './start-server.js';
import { startSplit, type Split } from './start-split.js';

const scrapeOf = async (server: TestServer): Promise<Scrape & { text: string }> => {
  const response = await fetch(`${server.opsUrl}/metrics`);
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  const text = await response.text();
  return { ...parseExposition(text), text };
};

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ SENTRAL_OPS_PORT: '0' });
});
afterAll(() => server.stop());

const requests = 'sentral_http_requests_total';
const asked = (operation: string, method: string, status: string) => ({ door: 'public', operation, method, status });

test('a request moves the counter of its operation, method and status class, and the histogram with it', async () => {
  const before = await scrapeOf(server);
  await server.ask('/v1/nodes', { body: { kind: 'site', name: 'counted' } });
  await server.ask('/v1/nodes', { body: { kind: 'site' }, token: null });
  await server.ask('/v1/nodes');
  const after = await scrapeOf(server);
  const moved = (name: string, labels: Record<string, string>) =>
    after.value(name, labels) - before.value(name, labels);
  expect(moved(requests, asked('createNode', 'POST', '2xx'))).toBe(1);
  expect(moved(requests, asked('createNode', 'POST', '4xx'))).toBe(1);
  expect(moved(requests, asked('listNodes', 'GET', '2xx'))).toBe(1);
  expect(moved('sentral_http_request_duration_seconds_count', { operation: 'createNode' })).toBe(2);
  expect(after.value('sentral_http_requests_in_flight', { door: 'public' })).toBe(0);
});

test('no label holds a path, an id, a token or anything else that a caller chose', async () => {
  const node = await server.ask('/v1/nodes', { body: { kind: 'site', name: 'chosen-by-caller' } });
  await server.ask(`/v1/nodes/${node.body.id}`);
  await server.ask('/v1/nodes/not-an-id');
  await server.ask('/v1/nowhere/chosen-by-caller');
  await server.ask('/nowhere?chosen-by-caller', { method: 'PROPFIND' });
  await server.ask('/problems/chosen-by-caller');
  const { text, samples } = await scrapeOf(server);
  for (const chosen of [node.body.id, 'not-an-id', 'nowhere', 'chosen-by-caller', 'PROPFIND', server.token])
    expect(text).not.toContain(chosen);
  const closed = new Set([
    ...Object.values(routes as Record<string, RouteDef>).map(({ operationId }) => operationId),
    'unmatched',
    '/docs',
    '/docs/start.js',
    '/docs/swagger-ui.css',
    '/docs/swagger-ui-bundle.js',
    '/problems/:code',
  ]);
  const operations = samples.flatMap(({ labels }) => labels['operation'] ?? []);
  expect(operations.filter((operation) => !closed.has(operation))).toEqual([]);
  expect(operations).toEqual(expect.arrayContaining(['unmatched', '/problems/:code', 'getNode']));
});

test('pools are told by context and role, feeds by context, with the bus, the process and the build', async () => {
  const scrape = await scrapeOf(server);
  const labelled = (name: string) =>
    scrape.samples.filter((each) => each.name === name).map(({ labels }) => Object.values(labels).join(' '));
  const contexts = ['tenancy', 'inventory', 'task', 'audit'];
  const pools = [
    ...contexts.flatMap((context) => ['app', 'read', 'platform'].map((role) => `${context} ${role}`)),
    'bus app',
  ];
  for (const family of ['size', 'open', 'busy', 'waiting']) expect(labelled(`sentral_pool_${family}`)).toEqual(pools);
  expect(scrape.value('sentral_pool_size', { context: 'inventory', role: 'app' })).toBe(8);
  expect(scrape.value('sentral_pool_open', { context: 'inventory', role: 'app' })).toBeGreaterThan(0);
  for (const family of ['unnumbered', 'unpublished', 'oldest_seconds'])
    expect(labelled(`sentral_feed_${family}`)).toEqual(contexts);
  expect(scrape.value('sentral_bus_connected')).toBe(1);
  expect(scrape.value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
  expect(scrape.value('process_uptime_seconds')).toBeGreaterThan(0);
  expect(scrape.value('nodejs_heap_size_used_bytes')).toBeGreaterThan(1_000_000);
  expect(scrape.value('nodejs_eventloop_delay_seconds', { stat: 'max' })).toBeLessThan(60);
  expect(scrape.value('sentral_build_info', { mode: 'development', node: process.versions.node })).toBe(1);
});

test('an import is seen to go through its rows and to end', async () => {
  const rows = ['a', 'b', 'c'].map((name) => ({
    op: 'upsert',
    externalId: name,
    resource: { type: 'node', kind: 'region', name },
  }));
  const started = await fetch(`${server.url}/v1/imports?source=metrics&format=changeset`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.token}`,
      'content-type': 'application/x-ndjson',
      'idempotency-key': 'metrics',
    },
    body: rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
  });
  expect(started.status, await started.text()).toBe(202);
  await expect
    .poll(async () => (await scrapeOf(server)).value('sentral_imports_total', { state: 'succeeded' }), {
      timeout: 20_000,
    })
    .toBe(1);
  expect((await scrapeOf(server)).value('sentral_import_rows_total')).toBe(3);
});

test('the page for operators says every family, and no family that is not there', async () => {
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const told = [...page.matchAll(/^\| `((?:sentral|process|nodejs)_[a-z_]+)`/gm)].map(([, name]) => String(name));
  expect(told.toSorted()).toEqual([...(await scrapeOf(server)).families.keys()].toSorted());
});

test('the port for operators has the probes and nothing of the API, and the public port no metrics', async () => {
  const ops = async (at: string) => (await fetch(`${server.opsUrl}${at}`)).status;
  expect([await ops('/livez'), await ops('/readyz'), await ops('/v1/nodes'), await ops('/openapi.json')]).toEqual([
    200, 200, 404, 404,
  ]);
  expect((await server.ask('/metrics')).status).toBe(404);
});

describe('in a process without the facade', () => {
  let split: Split;
  let inventory: TestServer;
  let facade: TestServer;
  beforeAll(async () => {
    split = await startSplit({ inventory: { SENTRAL_OPS_PORT: '0' } });
    ({ inventory, facade } = split);
  });
  afterAll(() => split?.stop());

  test('calls on the wire are counted by their verb, strange ones together, and only its own pools are told', async () => {
    await facade.ask('/v1/nodes');
    await fetch(`${inventory.internalUrl}/internal/v1/inventory/constructor/toString`, { method: 'POST' });
    const scrape = await scrapeOf(inventory);
    const of = (operation: string, status: string) => ({ door: 'internal', operation, method: 'POST', status });
    expect(scrape.value(requests, of('inventory.node.list', '2xx'))).toBe(1);
    expect(scrape.value(requests, of('unmatched', '4xx'))).toBe(1);
    const verbs = new Set(
      Object.entries(inventoryContract.nouns).flatMap(([noun, defs]) =>
        Object.keys(defs).map((verb) => `inventory.${noun}.${verb}`),
      ),
    );
    const operations = scrape.samples.flatMap(({ labels }) => labels['operation'] ?? []);
    expect(operations.filter((each) => !verbs.has(each) && each !== 'unmatched')).toEqual([]);
    expect(new Set(scrape.samples.flatMap(({ labels }) => labels['context'] ?? []))).toEqual(new Set(['inventory']));
  });

  test('where no port for operators is set, nothing listens', () => {
    expect(facade.opsUrl).toBeUndefined();
  });
});

test('tasks are told by kind, service and action, and never by whose they are', async () => {
  const { samples, text } = await scrapeOf(server);
  const names = new Set(samples.map(({ name }) => name));
  for (const name of ['outbox_depth', 'outbox_oldest_seconds', 'timer_lag_seconds', 'lanes_waiting', 'lanes_queued'])
    expect(names).toContain(`sentral_task_${name}`);
  for (const name of ['publish_errors', 'inbox_duplicates', 'invariant_repairs', 'decider_retries'])
    expect(names).toContain(`sentral_task_${name}_total`);
  for (const name of ['sentral_tasks', 'sentral_task_step_seconds', 'sentral_task_attempts_total'])
    expect(text).toContain(`# TYPE ${name} `);
  expect(text).not.toMatch(/(tnt|tsk|stp|env|prj)_[0-9a-z]{26}/);
});
