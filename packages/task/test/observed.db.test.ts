import { decodeId, encodeId, type Id } from '@sentral/contracts/ids';
import type { PlatformResource } from '@sentral/contracts/inventory/platform-resource';
import { openStandIn, type StandIn } from '@sentral/stand-ins';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { leadership } from '@sentral/kernel/relay';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { observedScans, type Observed } from '../src/reconcile/observed.js';
import { runDue } from '../src/reconcile/runner.js';
import { callerOf, openStage, step, type Stage } from './shell/stage.js';

let stage: Stage;
let objekt: StandIn;
let world: Database;
const acme = callerOf(1);

type Report = Parameters<Observed['finding']['report']>[1];
type Sighting = Report['sightings'][number];

/** What should be there, and what was told; inventory itself counts sightings, so here the second of one generation is open. */
const intended = new Map<string, PlatformResource>();
const found = new Map<
  string,
  { id: Id<'fnd'>; kind: string; state: string; generation: number; sightings: number; at: string }
>();
let told: Sighting[] = [];
const inventory = {
  platformResource: {
    list: async (_: unknown, { after, limit = 50 }: { after?: string; limit?: number }) => {
      const items = [...intended.values()].filter(({ id }) => after === undefined || id > after);
      return { items: items.toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit) };
    },
  },
  finding: {
    report: async (_: unknown, { sightings }: Report) => {
      told.push(...sightings);
      return {
        items: sightings.map(({ resource, kind, generation, observedAt }) => {
          const known = found.get(resource);
          if (kind === undefined) {
            found.delete(resource);
            return known === undefined
              ? {}
              : { finding: { id: known.id, version: 1, kind: known.kind, state: 'resolved' } };
          }
          const again = known?.generation === generation && known.kind === kind;
          const id = known?.id ?? encodeId('fnd', newId());
          const state = again ? (known.state === 'suspect' ? 'open' : known.state) : 'suspect';
          const sightings = (known?.sightings ?? 0) + 1;
          found.set(resource, { id, kind, state, generation, sightings, at: observedAt });
          return { finding: { id, version: 1, kind, state } };
        }),
      };
    },
    repair: async (_: unknown, { id }: { id: string }) => {
      for (const each of found.values()) if (each.id === id) each.state = 'repairing';
      return {};
    },
    list: async () => ({
      items: [...found.entries()]
        .filter(([, { kind }]) => kind !== 'missing' && kind !== 'drift')
        .map(([resource, { generation, at }]) => ({ resource, generation, lastSeenAt: at })),
    }),
  },
} as unknown as Observed;

let passes = 0;
/** One whole pass over objekt, a quarter of an hour after the one before. */
async function pass(): Promise<Record<string, string>> {
  told = [];
  passes += 1;
  const scan = observedScans(stage.deps, stage.bus, inventory).find(({ name }) => name === 'observed.objekt')!;
  const leader = leadership(stage.db.app, 'task', { name: `pass-${passes}`, holdMs: 5_000 });
  await stage.db.app.unsafe(`update scan set finished_at = finished_at - interval '1 hour'`);
  await runDue(stage.deps, scan, leader);
  return Object.fromEntries(told.map(({ resource, kind = 'as-intended' }) => [resource, kind]));
}

beforeAll(async () => {
  stage = await openStage();
  stage.start();
  world = openDatabase({ url: stage.place.adminUrl, applicationName: 'objekt', poolSize: 4 });
  objekt = await openStandIn({ service: 'objekt', db: world, bus: stage.bus, crash: () => undefined });
});
afterAll(async () => {
  await objekt?.stop();
  await world?.close();
  await stage?.close();
});

const id = () => encodeId('bkt', newId());
const creating = (bucketId: string) =>
  step('bucket', {
    service: 'objekt',
    action: 'bucket.create',
    input: { bucketId, name: 'photos', sizeGib: 1, fence: 1, spec: {} },
    undo: { action: 'bucket.delete', input: { bucketId } },
  });
/** A bucket that a task has made, and inventory knows as it was told. */
async function bucket(): Promise<string> {
  const bucketId = id();
  const { id: taskId } = await stage.make(acme, { steps: [creating(bucketId)] });
  const task = await stage.until(acme, taskId, 'succeeded');
  const status = (task.output as { last: { specHash: string } }).last;
  const nodeId = encodeId('nod', decodeId('bkt', bucketId));
  const { tenantId } = acme.scopes[0]!;
  const known = { id: nodeId, kind: 'bucket', state: 'available', status, version: 3, tenantId, wanted: {} };
  intended.set(bucketId, { ...known, allocationId: encodeId('alc', newId()) } as unknown as PlatformResource);
  return bucketId;
}

const firstOf = async (taskId: string) => (await stage.task.step.list(acme, { taskId })).items[0]!;

test('what is lost, altered or nobody’s is told, and what is as it was made is told as that', async () => {
  const [same, lost, altered] = [await bucket(), await bucket(), await bucket()];
  expect(Object.values(await pass())).toEqual(['as-intended', 'as-intended', 'as-intended']);
  await objekt.world.drift({ kind: 'lose', resource: 'bucket', id: lost });
  await objekt.world.drift({ kind: 'alter', resource: 'bucket', id: altered, spec: { sizeGib: 9 } });
  await objekt.world.drift({ kind: 'plant', resource: 'bucket', id: 'zz-somebody-s' });
  const expected = { [same]: 'as-intended', [lost]: 'missing', [altered]: 'drift', 'zz-somebody-s': 'foreign' };
  expect(await pass()).toEqual(expected);
  expect(told.find(({ kind }) => kind === 'drift')?.differences).toMatchObject([{ field: '/specHash' }]);
  expect(told.find(({ kind }) => kind === 'missing')).toMatchObject({ nodeId: expect.stringMatching(/^nod_/) });
  await pass();
  expect([...found.values()].map(({ state }) => state)).toEqual(['open', 'open', 'open']);
  // Nobody's is never taken away; it ends when it is gone.
  const still = JSON.parse(await objekt.control('{}')) as { things: { id: string }[] };
  expect(still.things.map((thing) => thing.id)).toContain('zz-somebody-s');
  await objekt.world.drift({ kind: 'lose', resource: 'bucket', id: 'zz-somebody-s' });
  expect(await pass()).toMatchObject({ 'zz-somebody-s': 'as-intended' });
  expect(found.has('zz-somebody-s')).toBe(false);
});

test('what a task that failed has left is undone once more, after two sightings and not before', async () => {
  await objekt.fault({ kind: 'refuse', action: 'bucket.delete', class: 'permanent' });
  const bucketId = id();
  const { id: taskId } = await stage.make(acme, {
    steps: [
      creating(bucketId),
      step('no', {
        service: 'objekt',
        action: 'bucket.delete',
        input: { bucketId: id() },
        needs: ['bucket'],
        undo: 'fence',
      }),
    ],
  });
  await stage.until(acme, taskId, 'failed');
  const { id: op, undoAttempt } = await firstOf(taskId);
  await objekt.world.drift({ kind: 'plant', resource: 'bucket', id: bucketId, op });
  expect(await pass()).toMatchObject({ [bucketId]: 'orphan' });
  const attempts = async () => (await firstOf(taskId)).undoAttempt;
  expect(await attempts()).toBe(undoAttempt);
  await pass();
  expect([await attempts(), found.get(bucketId)?.state]).toEqual([undoAttempt + 1, 'repairing']);
  expect((await stage.task.task.get(acme, { id: taskId })).state).toBe('failed');
  const letters = await stage.db.app.unsafe('select 1 from dead_letter');
  expect(letters).toEqual([]);
});

test('a thing that a live task is at is nobody’s finding', async () => {
  await objekt.fault({ kind: 'delay', action: 'bucket.create', ms: 20_000 });
  const bucketId = id();
  const { id: taskId } = await stage.make(acme, { steps: [creating(bucketId)] });
  const { id: op } = await firstOf(taskId);
  await objekt.world.drift({ kind: 'plant', resource: 'bucket', id: bucketId, op });
  expect(await pass()).not.toHaveProperty(bucketId);
});

test('a service that is away, or tells out of order, is told nothing of, and the pass goes on later', async () => {
  const scan = observedScans(stage.deps, stage.bus, inventory).find(({ name }) => name === 'observed.nett')!;
  const at = { cursor: undefined, startedAt: new Date(), now: new Date() };
  await expect(scan.page(at)).rejects.toThrow();
  const items = ['net_b', 'net_a'].map((resource) => ({
    resource,
    specHash: 'a',
    generation: 1,
    state: 'active',
    observedAt: '2026-01-01T00:00:00Z',
  }));
  const answering = stage.bus.respond('dv.qry.v1.nett.observe.network', async () => JSON.stringify({ items }));
  told = [];
  await expect(scan.page(at)).rejects.toThrow('order of their ids');
  expect(told).toEqual([]);
  await answering.stop();
});

test('pages are compared to their end, and where the one before ended', async () => {
  for (let n = 0; n < 450; n += 1)
    await objekt.world.drift({ kind: 'plant', resource: 'bucket', id: `aa-${String(n).padStart(4, '0')}` });
  const all = await pass();
  expect(Object.keys(all).filter((key) => key.startsWith('aa-'))).toHaveLength(450);
  for (const known of intended.keys()) expect(all).toHaveProperty(known);
  expect(new Set(told.map(({ resource }) => resource)).size).toBe(told.length);
});
