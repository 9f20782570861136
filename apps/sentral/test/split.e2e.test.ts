import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestServer } from './start-server.js';
import { startSplit, type Split } from './start-split.js';

let split: Split;
let inventory: TestServer;
let facade: TestServer;
beforeAll(async () => {
  split = await startSplit();
  ({ inventory, facade } = split);
});
afterAll(() => split?.stop());

const allocate = (blockId: string, key: string) =>
  facade.ask(`/v1/environments/${defaultEnvironmentId}/allocations`, {
    body: { consumer: { service: 'e2e', kind: 'client', id: key }, items: [{ what: 'address', blockId }] },
    headers: { 'idempotency-key': key },
  });

async function blockOf(cidr: string): Promise<string> {
  const space = await facade.ask('/v1/addressSpaces', { body: { name: cidr } });
  const block = await facade.ask(`/v1/addressSpaces/${space.body.id}/blocks`, { body: { cidr } });
  expect(block.status, JSON.stringify(block.body)).toBe(201);
  return block.body.id;
}

describe('with inventory in a process of its own', () => {
  test('each part knows only its own databases', async () => {
    const there = await (await fetch(`${inventory.internalUrl}/readyz`)).json();
    const here = await facade.ask('/readyz', { token: null });
    const databases = (body: unknown) =>
      (body as { parts: { name: string }[] }).parts
        .map(({ name }) => name)
        .filter((name) => name.startsWith('database'));
    expect(databases(there)).toEqual(['database inventory']);
    expect(databases(here.body)).toEqual(['database tenancy', 'database task', 'database audit']);
  });

  test('an allocation goes through the facade, is answered again under its key, and the third of two is told that it is full', async () => {
    const blockId = await blockOf('10.80.0.0/30');
    const first = await allocate(blockId, 'first');
    expect([first.status, first.body.items?.[0].address], JSON.stringify(first.body)).toEqual([201, '10.80.0.1']);
    const again = await allocate(blockId, 'first');
    expect([again.status, again.headers.get('idempotency-replayed'), again.body.id]).toEqual([
      201,
      'true',
      first.body.id,
    ]);
    expect((await allocate(blockId, 'second')).body.items[0].address).toBe('10.80.0.2');
    const third = await allocate(blockId, 'third');
    expect([third.status, third.body.code, third.body.providerId]).toEqual([409, 'capacity-exhausted', blockId]);
    expect((await facade.ask(`/v1/allocations/${first.body.id}`)).headers.get('etag')).toBe(`"${first.body.version}"`);
  });

  test('edits meet their preconditions across the wire', async () => {
    const node = await facade.ask('/v1/nodes', { body: { kind: 'site', name: 'apart' } });
    const edit = (ifMatch: string) =>
      facade.ask(`/v1/nodes/${node.body.id}`, {
        method: 'PATCH',
        body: { labels: { a: 'b' } },
        headers: { 'if-match': ifMatch },
      });
    expect((await edit('"1"')).status).toBe(200);
    const late = await edit('"1"');
    expect([late.status, late.body.code, late.body.currentVersion]).toEqual([412, 'version-mismatch', 2]);
    const unknown = await facade.ask('/v1/nodes', { body: { kind: 'castle' } });
    expect([unknown.status, unknown.body.code, unknown.body.pointer]).toEqual([422, 'reference-not-found', '/kind']);
  });

  test('once it is gone, reads say that it is away and changes that nobody knows, and the facade itself lives on', async () => {
    const blockId = await blockOf('10.81.0.0/30');
    await inventory.stop();
    const read = await facade.ask('/v1/kinds');
    expect([read.status, read.body.code]).toEqual([503, 'dependency-unavailable']);
    const change = await allocate(blockId, 'too-late');
    expect(['503 dependency-unavailable', '504 outcome-unknown']).toContain(`${change.status} ${change.body.code}`);
    expect((await facade.ask('/readyz', { token: null })).status).toBe(200);
  });
});
