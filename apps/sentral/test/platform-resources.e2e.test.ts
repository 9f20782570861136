import { parseId } from '@sentral/contracts/ids';
import type { StandInProcess } from '@sentral/stand-ins';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { any, as, behind, house, made, type House } from './cast.js';
import { order, standInOf, storage, taskOnce } from './platform.js';
import { startServer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
let place: House;
let other: House;
let objekt: StandInProcess;

beforeAll(async () => {
  server = await startServer();
  place = await house(server, 'acme');
  other = await house(server, 'rival');
  objekt = await standInOf(server, 'objekt');
  await storage(server);
});
afterAll(async () => {
  await objekt?.kill();
  await server?.stop();
});

const mine = () => as(place.owner);
const bucketOf = (task: { input: { id: string } }) => `/v1/buckets/${task.input.id}`;
const photos = { name: 'photos', labels: { app: 'shop' }, sizeGib: 40, spec: { versioning: true } };

test('a bucket is there at once, ready when its task has ended, and gone when its removal has', async () => {
  const begun = await order(server, place, { of: 'buckets', body: photos, key: 'photos' });
  expect([begun.status, begun.headers.get('location')]).toEqual([202, `/v1/tasks/${begun.body.id}`]);
  const at = bucketOf(begun.body);
  const first = await server.ask(at, mine());
  expect(first.body).toMatchObject({ ...photos, type: 'bucket', environmentId: place.environment });
  const task = await taskOnce(server, place, { id: begun.body.id, state: 'succeeded' });
  const ready = await server.ask(at, mine());
  expect(ready.body).toMatchObject({
    state: 'available',
    taskId: task.id,
    status: { endpoint: expect.stringContaining('objects.example') },
    conditions: [{ type: 'Ready', status: 'true' }],
  });
  expect(ready.headers.get('etag')).toBe(`"${ready.body.version}"`);
  expect(await server.ask(`/v1/allocations/${ready.body.allocationId}`, mine())).toMatchObject({
    body: { state: 'active', boundTaskId: task.id },
  });

  // Again under its key: the same; another of its name, or one too large: none.
  const again = await order(server, place, { of: 'buckets', body: photos, key: 'photos' });
  expect([again.body.id, again.headers.get('idempotency-replayed')]).toEqual([task.id, 'true']);
  const twin = await order(server, place, { of: 'buckets', body: { ...photos, sizeGib: 1 } });
  expect([twin.status, twin.body]).toMatchObject([409, { code: 'already-exists', field: 'name' }]);
  const large = await order(server, place, { of: 'buckets', body: { ...photos, name: 'large', sizeGib: 61 } });
  expect([large.status, large.body.code]).toEqual([409, 'capacity-exhausted']);
  const wrong = await order(server, place, { of: 'buckets', body: { ...photos, name: 'w', spec: { versions: true } } });
  expect(wrong.body).toMatchObject({ code: 'validation-failed', errors: [{ pointer: '/spec/versions' }] });
  const nowhere = {
    name: 'n',
    sizeGib: 1,
    place: { pools: [{ is: 'in', poolIds: ['pol_01jz0000000000000000000000'] }] },
  };
  const unplaced = await order(server, place, { of: 'buckets', body: nowhere });
  expect(unplaced.body).toMatchObject({ code: 'reference-not-found', pointer: expect.stringMatching(/^\/place\//) });

  for (const list of [`/v1/environments/${place.environment}/buckets`, '/v1/buckets?labelSelector=app=shop'])
    expect((await server.ask(list, mine())).body.items.map(({ id }: { id: string }) => id)).toEqual([ready.body.id]);
  // What another tenant has is not there, under any name.
  for (const foreign of [at, at.replace('buckets/bkt', 'nodes/nod')])
    expect((await server.ask(foreign, as(other.owner))).status).toBeOneOf([403, 404]);
  expect((await server.ask('/v1/buckets', as(other.owner))).body.items).toEqual([]);

  const tried = await server.ask(`${at}?dryRun=true`, { ...mine(), method: 'DELETE', headers: any });
  expect([tried.status, tried.headers.get('dry-run'), tried.headers.get('location'), tried.body.id]).toEqual([
    202,
    'partial',
    null,
    undefined,
  ]);
  const unread = await server.ask(at, { ...mine(), method: 'DELETE' });
  const stale = await server.ask(at, { ...mine(), method: 'DELETE', headers: { 'if-match': '"1"' } });
  expect([unread.body.code, stale.body.code]).toEqual(['precondition-required', 'version-mismatch']);
  await objekt.ask({ fault: { kind: 'delay', action: 'bucket.delete', ms: 300 } });
  const removal = await server.ask(at, {
    ...mine(),
    method: 'DELETE',
    headers: { 'if-match': ready.headers.get('etag')! },
  });
  expect([removal.status, removal.headers.get('location')]).toEqual([202, `/v1/tasks/${removal.body.id}`]);
  const second = await server.ask(at, { ...mine(), method: 'DELETE', headers: any });
  expect([second.status, second.body]).toMatchObject([409, { code: 'operation-in-progress', taskId: removal.body.id }]);
  await taskOnce(server, place, { id: removal.body.id, state: 'succeeded' });
  expect((await server.ask(at, mine())).status).toBe(404);
  expect((await server.ask(`/v1/allocations/${ready.body.allocationId}`, mine())).body.state).toBe('released');
  expect((await objekt.ask()).things).toEqual([]);
});

test('a bucket whose service is killed behind its effect comes to be when the service is back', async () => {
  await objekt.ask({ fault: { kind: 'crash-after', action: 'bucket.create' } });
  const { body: begun } = await order(server, place, { of: 'buckets', body: { name: 'late', sizeGib: 10 } });
  await new Promise((resolve) => objekt.child.once('exit', resolve));
  expect((await server.ask(bucketOf(begun), mine())).body).toMatchObject({ state: 'provisioning' });
  objekt = await standInOf(server, 'objekt');
  await taskOnce(server, place, { id: begun.id, state: 'succeeded' });
  expect((await objekt.ask()).things).toMatchObject([{ resource: 'bucket', id: begun.input.id }]);
});

test('what a service refuses leaves nothing behind, and its name and capacity are free again', async () => {
  await objekt.ask({ fault: { kind: 'refuse', action: 'bucket.create', class: 'permanent', code: 'no_room' } });
  const body = { name: 'never', sizeGib: 50 };
  const { body: begun } = await order(server, place, { of: 'buckets', body });
  const failed = await taskOnce(server, place, { id: begun.id, state: 'failed' });
  expect(failed).toMatchObject({ cause: 'step_failed', error: { step: 'bucket', code: 'no_room' } });
  expect((await server.ask(bucketOf(begun), mine())).status).toBe(404);
  const held = await made(server.ask('/v1/allocations?state=held,active&consumer.kind=task', mine()), 200);
  expect(held.items).toHaveLength(1);
  const { body: second } = await order(server, place, { of: 'buckets', body });
  await taskOnce(server, place, { id: second.id, state: 'succeeded' });
});

/** A network of its own, in a space of its own. */
async function networkOf(name: string, cidr: string): Promise<string> {
  const domain = await made(server.ask('/v1/numberDomains', { body: { name, kind: 'vlan' } }));
  await made(server.ask(`/v1/numberDomains/${domain.id}/ranges`, { body: { start: 100, end: 199 } }));
  const space = await made(server.ask('/v1/addressSpaces', { body: { name } }));
  const block = await made(server.ask(`/v1/addressSpaces/${space.id}/blocks`, { body: { cidr } }));
  const wanted = { name, vlan: { domainId: domain.id }, block: { blockId: block.id, prefixLength: 24 } };
  const { body: networking } = await order(server, place, { of: 'networks', body: wanted });
  await taskOnce(server, place, { id: networking.id, state: 'succeeded' });
  return networking.input.id;
}

async function hostIn(parentId?: string): Promise<string> {
  const host = await made(server.ask('/v1/nodes', { body: { kind: 'server', parentId } }));
  for (const [of, total] of [
    ['vcpu', 8],
    ['memoryMib', 8192],
  ] as const)
    await made(
      server.ask(`/v1/nodes/${host.id}/capacities`, { body: { class: of, total, maxUnit: total }, headers: any }),
    );
  return host.id;
}

const del = (path: string) => server.ask(path, { ...mine(), method: 'DELETE', headers: any });

test('a machine stands on a network, which stays until the machine is gone, and its gateway is nobody else’s', async () => {
  const [nett, maskin] = await Promise.all([standInOf(server, 'nett'), standInOf(server, 'maskin')]);
  try {
    await hostIn();
    const networkId = await networkOf('front', '10.20.0.0/16');
    const front = await made(server.ask(`/v1/networks/${networkId}`, mine()), 200);
    expect(front).toMatchObject({
      vlan: 100,
      cidr: '10.20.0.0/24',
      gateway: '10.20.0.1',
      status: { gateway: '10.20.0.1' },
    });

    const web = { name: 'web', networkId, size: { vcpu: 2, memoryMib: 1024 }, spec: { image: 'debian-13' } };
    const { body: making } = await order(server, place, { of: 'machines', body: web });
    await taskOnce(server, place, { id: making.id, state: 'succeeded' });
    const at = `/v1/machines/${making.input.id}`;
    const machine = await made(server.ask(at, mine()), 200);
    expect(machine).toMatchObject({ address: '10.20.0.2', state: 'available', status: { state: 'running' } });

    const astray = await order(server, place, {
      of: 'machines',
      body: { ...web, name: 'x', networkId: machine.id.replace('mch', 'net') },
    });
    expect(astray.body).toMatchObject({ code: 'reference-not-found', pointer: '/networkId' });
    const refused = await del(`/v1/networks/${networkId}`);
    expect([refused.status, refused.body]).toMatchObject([
      409,
      { code: 'has-dependents', dependents: [{ type: 'machine', count: 1 }] },
    ]);
    for (const path of [at, `/v1/networks/${networkId}`]) {
      const { body: removal } = await del(path);
      await taskOnce(server, place, { id: removal.id, state: 'succeeded' });
      expect((await server.ask(path, mine())).status).toBe(404);
    }
    expect([(await nett.ask()).things, (await maskin.ask()).things]).toEqual([[], []]);
    const held = await made(server.ask('/v1/allocations?state=held,active&limit=100', mine()), 200);
    expect(
      held.items.filter(({ items }: { items: { what: string }[] }) => items.some(({ what }) => what !== 'capacity')),
    ).toEqual([]);
  } finally {
    await Promise.all([nett.kill(), maskin.kill()]);
  }
});

test('a cluster has its machines in as many racks, keeps them while it lives, and leaves nothing of them behind', async () => {
  const services = await Promise.all((['nett', 'maskin', 'plattform'] as const).map((name) => standInOf(server, name)));
  const [nett, maskin, plattform] = services as [StandInProcess, StandInProcess, StandInProcess];
  try {
    const hosts = new Map<string, string>();
    for (const name of ['r1', 'r2', 'r3']) {
      const rack = await made(server.ask('/v1/nodes', { body: { kind: 'rack', name } }));
      hosts.set(await hostIn(rack.id), name);
    }
    const networkId = await networkOf('back', '10.30.0.0/16');
    const heldBefore = await made(server.ask('/v1/allocations?state=held,active&limit=100', mine()), 200);
    const body = {
      name: 'prod',
      labels: { app: 'shop' },
      networkId,
      machines: { count: 3, size: { vcpu: 2, memoryMib: 1024 } },
      spec: { version: '1.33', machine: { image: 'debian-13' } },
    };
    const crowd = { ...body, machines: { ...body.machines, count: 4 } };
    const [unplaced, wrong] = [
      await order(server, place, { of: 'clusters', body: crowd }),
      await order(server, place, { of: 'clusters', body: { ...body, spec: { ...body.spec, version: 'new' } } }),
    ];
    expect([unplaced.status, unplaced.body.code]).toEqual([409, 'capacity-exhausted']);
    expect(wrong.body).toMatchObject({ code: 'validation-failed', errors: [{ pointer: '/spec/version' }] });

    // One machine is refused: those that are there go again, and what was held is free.
    await maskin.ask({ fault: { kind: 'refuse', action: 'machine.create', class: 'permanent', code: 'no_power' } });
    const { body: refused } = await order(server, place, { of: 'clusters', body });
    expect(await taskOnce(server, place, { id: refused.id, state: 'failed' })).toMatchObject({
      cause: 'step_failed',
      error: { step: 'parts', code: 'child_failed' },
    });
    const things = async () =>
      (await Promise.all([maskin, plattform].map((each) => each.ask()))).map((all) => all.things);
    expect(await things()).toEqual([[], []]);
    expect((await nett.ask()).things).toMatchObject([{ resource: 'network', id: networkId }]);
    for (const of of ['clusters', 'machines']) expect((await server.ask(`/v1/${of}`, mine())).body.items).toEqual([]);
    const held = () => made(server.ask('/v1/allocations?state=held,active&limit=100', mine()), 200);
    expect((await held()).items).toEqual(heldBefore.items);

    const { body: making } = await order(server, place, { of: 'clusters', body });
    const at = `/v1/clusters/${making.input.id}`;
    const early = await del(at);
    expect(early.body).toMatchObject({ code: 'operation-in-progress', taskId: making.id });
    await taskOnce(server, place, { id: making.id, state: 'succeeded' });
    const cluster = await made(server.ask(at, mine()), 200);
    expect(cluster).toMatchObject({
      type: 'cluster',
      state: 'available',
      machines: body.machines,
      status: { endpoint: expect.stringContaining('clusters.example') },
    });
    const machines = await Promise.all(
      cluster.machineIds.map((id: string) => made(server.ask(`/v1/machines/${id}`, mine()), 200)),
    );
    expect(machines.map(({ name, state, address }) => [name, state, address])).toEqual([
      ['prod-1', 'available', '10.30.0.2'],
      ['prod-2', 'available', '10.30.0.3'],
      ['prod-3', 'available', '10.30.0.4'],
    ]);
    const [running, [clustered]] = (await things()) as [Json[], Json[]];
    expect(new Set(running.map(({ spec }) => hosts.get(spec.hostNodeId)))).toEqual(new Set(['r1', 'r2', 'r3']));
    expect(clustered).toMatchObject({ id: cluster.id, spec: { machineIds: cluster.machineIds } });

    const kept = await del(`/v1/machines/${cluster.machineIds[0]}`);
    expect([kept.status, kept.body]).toMatchObject([
      409,
      { code: 'has-dependents', dependents: [{ type: 'cluster', count: 1 }] },
    ]);
    const { body: removal } = await del(at);
    await taskOnce(server, place, { id: removal.id, state: 'succeeded' });
    for (const path of [at, ...cluster.machineIds.map((id: string) => `/v1/machines/${id}`)])
      expect((await server.ask(path, mine())).status).toBe(404);
    expect(await things()).toEqual([[], []]);
    expect((await held()).items).toEqual(heldBefore.items);
  } finally {
    await Promise.all(services.map((each) => each.kill()));
  }
});

test('what waits in a full lane to be removed is being removed, and what a full queue refuses holds nothing', async () => {
  const waiting = await roomOf('waiting');
  const lane = (change: string) =>
    behind(server, `update task.lane set ${change} where tenant_id = $1::uuid`, [waiting.uuid]);
  const kept = await order(server, waiting.place, { of: 'buckets', body: { name: 'kept', sizeGib: 1 } });
  await taskOnce(server, waiting.place, { id: kept.body.id, state: 'succeeded' });
  const own = as(waiting.place.owner);
  const at = bucketOf(kept.body);
  await lane('max_running = 0');
  const begun = await server.ask(at, { ...own, method: 'DELETE', headers: { ...any, 'idempotency-key': 'gone' } });
  expect([begun.status, begun.body.state]).toEqual([202, 'queued']);
  const [one, list] = [await server.ask(at, own), await server.ask('/v1/buckets', own)];
  expect([one.body.state, one.body.conditions[0].status, list.body.items[0].state]).toEqual([
    'removing',
    'false',
    'removing',
  ]);
  await server.ask(`/v1/tasks/${begun.body.id}/cancel`, { ...own, body: {} });
  expect((await server.ask(at, own)).body.state).toBe('available');

  await lane('queued = 1000');
  const wanted = { of: 'buckets', body: { name: 'late', sizeGib: 1 }, key: 'late' };
  const refused = await order(server, waiting.place, wanted);
  expect([refused.status, refused.body.code]).toEqual([429, 'queue-full']);
  const held = await server.ask('/v1/allocations?state=held', own);
  expect(held.body.items).toEqual([]);
  await lane('queued = 0, max_running = 20');
  const again = await order(server, waiting.place, wanted);
  expect(again.status).toBe(202);
  await taskOnce(server, waiting.place, { id: again.body.id, state: 'succeeded' });
});

async function roomOf(name: string): Promise<{ place: House; uuid: string }> {
  const of = await house(server, name);
  return { place: of, uuid: parseId(of.tenant).uuid };
}
