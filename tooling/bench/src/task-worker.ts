import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { knowsAction } from '@sentral/contracts/services/registry';
import { openMailbox } from '@sentral/kernel/bus/mailbox';
import { openNats } from '@sentral/kernel/bus/nats';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { startRelay } from '@sentral/kernel/relay';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { openStandIn, startStandIn } from '@sentral/stand-ins';
import { createPulse, createTask, createTaskLoops, workflow } from '@sentral/task';
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import * as v from 'valibot';
import { inTime, type TaskOrder } from './load.js';

// The task context as a deployment composes it: its contract, its loops, the relay of its feed; pools of the same size. The service
// stands in the same process where the bus is the mailbox, which wakes only its own, and apart where it is NATS.
const order = workerData as TaskOrder;
const passwords = new Map(
  readFileSync(order.passwordFile, 'utf8')
    .split('\n')
    .map((line) => line.split(':') as [string, string]),
);
const stops: (() => Promise<unknown>)[] = [];
function open(user: string, searchPath: string, poolSize: number): Database {
  const password = passwords.get(user) ?? '';
  const size = { poolSize, queueLimit: 512, acquireTimeoutMs: 5_000 };
  const db = openDatabase({
    url: order.url,
    user,
    password,
    applicationName: `w6 ${user}`,
    searchPath: [searchPath, 'extensions'],
    ...size,
  });
  stops.push(() => db.close());
  return db;
}

const db = {
  app: open('task_app', 'task', 8),
  read: open('task_read', 'task', 6),
  platform: open('task_platform', 'task', 6),
};
let stopping = false;
const report = (what: string, error?: unknown) => {
  if (!stopping) console.error('W6', what, error ?? '');
};
const { natsUrl } = order;
const bus =
  natsUrl === undefined
    ? openMailbox({ db: open('bus_app', 'bus', 4), report })
    : openNats({ servers: natsUrl, name: 'w6', report, onDeadLetter: async ({ id }) => report(`${id} was given up`) });
stops.push(() => bus.close());

async function serve(): Promise<void> {
  if (natsUrl !== undefined) {
    const apart = await startStandIn('objekt', { databaseUrl: order.journalUrl, natsUrl, workMs: 0 });
    stops.push(apart.stop);
    return;
  }
  const journal = openDatabase({ url: order.journalUrl, applicationName: 'objekt' });
  const crash = () => undefined;
  const near = await openStandIn({ service: 'objekt', db: journal, bus, crash, report });
  stops.push(() => journal.close(), near.stop);
}
await serve();

const five = workflow({
  kind: 'bench.five',
  kindVersion: 1,
  summary: 'Five buckets, one after another.',
  permission: 'task.task.signal',
  input: v.strictObject({}),
  plan: (_, planning) => ({
    claims: [],
    holdings: [],
    steps: ['a', 'b', 'c', 'd', 'e'].map((key, at, keys) => {
      const bucketId = encodeId('bkt', planning.newId());
      return {
        key,
        kind: 'command',
        service: 'objekt',
        action: 'bucket.create',
        contract: 1,
        input: { bucketId, sizeGib: 1, spec: { versioning: false }, fence: 1 },
        undo: { action: 'bucket.delete', input: { bucketId } },
        ...(at === 0 ? {} : { needs: [keys[at - 1] ?? ''] }),
      };
    }),
  }),
});
const registry = { workflows: [five], knows: knowsAction };
const pulse = createPulse();
const deps = { db, newId, telemetry: createTelemetry({ level: 'warn' }), pulse };
const task = createTask(deps, registry);
const loops = createTaskLoops(deps, { bus, registry, mayStill: async () => true });
const relay = startRelay({ db: db.app, schema: 'task', context: 'task', bus, log: deps.telemetry.log });
stops.push(relay.stop, () => Promise.all(loops.map((loop) => loop.stop())));

/** As many tenants as keep all in flight within the room of their lanes. */
const callers = Array.from({ length: 5 }, (): Caller => {
  const [tenantId, projectId, environmentId] = [
    encodeId('tnt', newId()),
    encodeId('prj', newId()),
    encodeId('env', newId()),
  ];
  const row = { tenantId, state: 'active' as const, version: 1 };
  return {
    principal: { id: 'usr_bench', type: 'user' },
    accessEpoch: 1,
    readScope: { tenantIds: [tenantId], projectIds: [], environmentIds: [] },
    scopes: [
      { id: tenantId, parentId: 'platform', kind: 'tenant', ...row },
      { id: projectId, parentId: tenantId, kind: 'project', ...row },
      { id: environmentId, parentId: projectId, kind: 'environment', ...row },
    ],
  };
});

const waiting = new Map<string, (state: string) => void>();
let looking = false;
let moved = false;
/** Who waits is told of the end as a client is who waits for it: woken by a commit, then read. */
async function look(): Promise<void> {
  moved = true;
  if (looking) return;
  looking = true;
  try {
    while (moved) {
      moved = false;
      const rows = await db.platform.unsafe(
        `select id, state from task where id = any($1::uuid[]) and finished_at is not null`,
        [[...waiting.keys()]],
      );
      for (const { id, state } of rows) waiting.get(String(id))?.(String(state));
    }
  } finally {
    looking = false;
  }
}
pulse.onMoved(() => void look().catch((error: unknown) => report('could not look', error)));

async function one(client: number): Promise<void> {
  const caller = callers[client % callers.length];
  const scopeId = caller?.scopes.at(-1)?.id;
  if (caller === undefined || scopeId === undefined) throw new Error('there is nobody to ask');
  const id = newId();
  const ended = new Promise<string>((resolve) => waiting.set(id, resolve));
  try {
    await task.task.create(caller, { id: encodeId('tsk', id), kind: 'bench.five', scopeId, input: {} });
    const state = await ended;
    if (state !== 'succeeded') throw new Error(`a task ended as ${state}`);
  } finally {
    waiting.delete(id);
  }
}

await inTime({ ...order, seconds: 2 }, one);
const measured = await inTime(order, one);
stopping = true;
for (const stop of stops.toReversed()) await stop();
parentPort?.postMessage(measured);
