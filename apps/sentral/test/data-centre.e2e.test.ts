import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { made } from './cast.js';
import { startServer, type Json, type TestServer } from './start-server.js';

const dump = readFileSync(path.resolve(import.meta.dirname, '../../../fixtures/netbox/netbox-demo-v3.6.json'));
const allocations = `/v1/environments/${defaultEnvironmentId}/allocations`;

let server: TestServer;
let sent = 0;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** Sends a file and waits until the worker has done with it. */
async function imported(file: Uint8Array<ArrayBuffer> | string, query = 'source=netbox&format=netbox'): Promise<Json> {
  const answer = await fetch(`${server.url}/v1/imports?${query}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.token}`,
      'content-type': 'application/json',
      'idempotency-key': `import-${(sent += 1)}`,
    },
    body: file,
  });
  const body = (await answer.json()) as Json;
  if (answer.status !== 202) return { status: answer.status, ...body };
  for (let waited = 0; waited < 600; waited++) {
    const now = await server.ask(`/v1/imports/${body.id}`);
    if (!['staging', 'queued', 'running'].includes(now.body.state)) return now.body;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the import did not end');
}

const pageOf = async (at: string) => (await server.ask(at)).body.items as Json[];
const feedLength = async () => {
  const nodes = await pageOf('/v1/nodes?kind=rack&limit=500');
  return nodes.map((node) => `${node.id} ${node.version}`).toSorted((a, b) => a.localeCompare(b));
};

test('the NetBox file is imported, and a second time nothing changes', { timeout: 120_000 }, async () => {
  const first = await imported(dump);
  expect(first).toMatchObject({ state: 'succeeded', percent: 100 });
  expect(first.counts).toMatchObject({
    'dcim.device.created': 72,
    'dcim.cable.created': 108,
    'ipam.prefix.created': 90,
  });
  expect(first.counts['tenancy.tenant.created']).toBe(11);
  const tenants = await pageOf('/v1/tenants?limit=500');
  const dunder = tenants.find((each) => each.displayName === 'Dunder-Mifflin, Inc.');
  expect(dunder).toMatchObject({ name: 'dunder-mifflin-inc', state: 'active' });
  const sites = await pageOf('/v1/nodes?kind=site&limit=500');
  expect(sites.filter((each) => each.tenantId === dunder.id).length).toBeGreaterThan(0);
  const before = await feedLength();
  const second = await imported(dump);
  expect(second).toMatchObject({ state: 'succeeded' });
  expect(second.counts.created ?? 0).toBe(0);
  expect(second.counts.updated ?? 0).toBe(0);
  expect(await pageOf('/v1/tenants?limit=500')).toEqual(tenants);
  expect(await feedLength()).toEqual(before);
});

test('sixty-four clients get the 224 free addresses of 172.16.0.0/24 in VRF Alpha, and then it is full', async () => {
  const space = (await pageOf('/v1/addressSpaces?limit=500')).find((each) => each.name === 'Alpha');
  const [block] = await pageOf(`/v1/addressSpaces/${space.id}/blocks?cidr=${encodeURIComponent('172.16.0.0/24')}`);
  const client = async (name: string) => {
    const got: string[] = [];
    for (;;) {
      const answer = await server.ask(allocations, {
        headers: { 'idempotency-key': `address-${(sent += 1)}` },
        body: {
          consumer: { service: 'e2e', kind: 'address', id: `${name}-${got.length}` },
          items: [{ what: 'address', blockId: block.id }],
        },
      });
      if (answer.status !== 201) return { got, last: answer.body.code as string };
      got.push(answer.body.items[0].address);
    }
  };
  const clients = await Promise.all(Array.from({ length: 64 }, (_, at) => client(`client-${at}`)));
  const addresses = clients.flatMap((each) => each.got);
  expect(addresses).toHaveLength(224);
  expect(new Set(addresses).size).toBe(224);
  expect(new Set(clients.map((each) => each.last))).toEqual(new Set(['capacity-exhausted']));
});

test(
  'VLAN group jbb104 gives 4,090 numbers, the first of them 1, and then it is full',
  { timeout: 120_000 },
  async () => {
    const domains = await pageOf('/v1/numberDomains?pooled=true&limit=500');
    const domain = domains.find((each) => each.attributes.slug === 'jbb104' || each.name === 'jbb104');
    // The group lies in a site that is dedicated to a tenant of the file: it is given to that tenant's environments alone.
    const site = await server.ask(`/v1/nodes/${domain.nodeId}`);
    const project = await made(server.ask(`/v1/tenants/${site.body.tenantId}/projects`, { body: { name: 'vlans' } }));
    const environment = await made(
      server.ask(`/v1/projects/${project.id}/environments`, { body: { name: 'vlans', class: 'production' } }),
    );
    const allocate = (count: number, at = `/v1/environments/${environment.id}/allocations`) =>
      server.ask(at, {
        headers: { 'idempotency-key': `vlan-${(sent += 1)}` },
        body: {
          consumer: { service: 'e2e', kind: 'vlan', id: `vlan-${sent}` },
          items: [{ what: 'number', domainId: domain.id, count }],
        },
      });
    expect((await server.ask(`/v1/numberDomains/${domain.id}/available`)).body).toMatchObject({
      total: 4094,
      free: 4090,
      firstFree: 1,
    });
    expect(await allocate(1, allocations)).toMatchObject({ status: 422, body: { code: 'reference-not-found' } });
    const first = await allocate(1);
    expect(first.body.items[0].number).toBe(1);
    const singles = await Promise.all(Array.from({ length: 89 }, () => allocate(1)));
    // Many at a time, one behind the other: side by side they would wait for each other's line longer than a request may.
    const blocks: Awaited<ReturnType<typeof allocate>>[] = [];
    for (let at = 0; at < 40; at++) blocks.push(await allocate(100));
    const numbers = [first, ...singles, ...blocks].flatMap((answer) =>
      (answer.body.items as Json[]).map((item) => item.number as number),
    );
    expect(new Set(numbers).size).toBe(4090);
    expect(numbers.some((number) => [201, 202, 203, 204].includes(number))).toBe(false);
    expect(await allocate(1)).toMatchObject({ status: 409, body: { code: 'capacity-exhausted' } });
  },
);

test(
  'a truncated file, a file that is not JSON and one of 200 MB are refused clearly, and nothing is half done',
  { timeout: 120_000 },
  async () => {
    const before = await pageOf('/v1/imports?limit=500');
    expect(await imported(dump.subarray(0, 1_000_000), 'source=broken&format=netbox')).toMatchObject({
      status: 400,
      code: 'malformed-request',
    });
    expect(await imported('this is not JSON', 'source=broken&format=netbox')).toMatchObject({
      status: 400,
      code: 'malformed-request',
    });
    const piece = new Uint8Array(1_048_576).fill(0x20);
    let pieces = 0;
    const large = new ReadableStream({
      pull(controller) {
        if (pieces++ >= 200) controller.close();
        else controller.enqueue(piece);
      },
    });
    const answer = await fetch(`${server.url}/v1/imports?source=large&format=netbox`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${server.token}`,
        'content-type': 'application/json',
        'idempotency-key': 'large',
      },
      body: large,
      duplex: 'half',
    }).catch((error: unknown) => error);
    // The server answers and cuts before the sender is done; a sender that only writes may see no more than the cut.
    if (answer instanceof Response) expect(answer.status).toBe(413);
    expect(process.memoryUsage().rss).toBeLessThan(1_500 * 1_048_576);
    expect(await pageOf('/v1/nodes?source=broken')).toEqual([]);
    const after = await pageOf('/v1/imports?limit=500');
    expect(after.filter((each) => ['queued', 'running', 'succeeded'].includes(each.state))).toHaveLength(before.length);
  },
);
