import { encodeId, parseId } from '@sentral/contracts/ids';
import type { Caller } from '@sentral/contracts/contract';
import { mailboxSettings, openMailbox } from '@sentral/kernel/bus/mailbox';
import { openNats } from '@sentral/kernel/bus/nats';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { createPulse, createTask, createTaskLoops, workflow } from '@sentral/task';
import { setTimeout as pause } from 'node:timers/promises';
import * as v from 'valibot';
import { serveFive, served } from './five-service.js';
import { flight, type FlightOrder } from './flight.js';

// The task context with its loops in a process of its own, and tasks of five steps that follow each other. On the mailbox it serves
// them too, as everything is one process there; on NATS another process does.
const order = JSON.parse(process.env['BENCH_TASKS'] ?? '{}') as {
  urls: Readonly<Record<'app' | 'read' | 'platform' | 'bus' | 'admin', string>>;
  natsUrl?: string;
  flights: readonly FlightOrder[];
};

const open = (url: string, poolSize: number, settings = {}): Database =>
  openDatabase({ url, applicationName: 'bench tasks', poolSize, acquireTimeoutMs: 15_000, settings });
// As the deployment opens them.
const db = { app: open(order.urls.app, 8), read: open(order.urls.read, 6), platform: open(order.urls.platform, 6) };
const mailbox = open(order.urls.bus, 4, mailboxSettings);
const bus =
  order.natsUrl === undefined
    ? openMailbox({ db: mailbox })
    : openNats({
        servers: order.natsUrl,
        name: 'sentral',
        report: () => undefined,
        onDeadLetter: async ({ id }) => console.error(`${id} was given up`),
      });

const keys = ['a', 'b', 'c', 'd', 'e'];
const five = workflow({
  kind: 'bench.five',
  kindVersion: 1,
  summary: 'Five steps in a row.',
  permission: 'task.task.signal',
  input: v.strictObject({}),
  plan: () => ({
    claims: [],
    holdings: [],
    steps: keys.map((key, at) => ({
      key,
      kind: 'command' as const,
      ...served,
      contract: 1,
      input: {},
      undo: { action: served.action },
      ...(at === 0 ? {} : { needs: [keys[at - 1] ?? ''] }),
    })),
    output: {},
  }),
});

const uuid = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
/** Five tenants: each has a lane of its own. */
function callerOf(n: number): Caller {
  const [tnt, prj, env] = [
    encodeId('tnt', uuid(n)),
    encodeId('prj', uuid(n + 1_000)),
    encodeId('env', uuid(n + 2_000)),
  ];
  const row = { tenantId: tnt, state: 'active' as const, version: 1 };
  return {
    principal: { id: `usr_${n}`, type: 'user' },
    accessEpoch: 1,
    readScope: { tenantIds: [tnt], projectIds: [], environmentIds: [] },
    scopes: [
      { id: tnt, parentId: 'platform', kind: 'tenant', ...row },
      { id: prj, parentId: tnt, kind: 'project', ...row },
      { id: env, parentId: prj, kind: 'environment', ...row },
    ],
  };
}
const callers = Array.from({ length: 5 }, (_, n) => callerOf(n + 1));

const pulse = createPulse();
const deps = { db, newId, pulse, telemetry: createTelemetry({ level: 'warn', write: (line) => console.error(line) }) };
const registry = { workflows: [five], knows: () => true };
const task = createTask(deps, registry);
const loops = createTaskLoops(deps, { bus, mayStill: async () => true, registry });
const service = order.natsUrl === undefined ? await serveFive(bus) : undefined;

const waiting = new Map<string, () => void>();
const moved = new Set<string>();
let watching = true;
pulse.onMoved((id) => moved.add(id));
/** One question for all whose task has moved: fifty that ask each for themselves would be most of the load. */
async function watch(): Promise<void> {
  while (watching) {
    const ids = [...moved].filter((id) => waiting.has(id));
    moved.clear();
    if (ids.length > 0) {
      const rows = await db.platform.unsafe(
        `select id::text as id from task where id = any($1::uuid[]) and state = 'succeeded'`,
        [ids],
      );
      for (const { id } of rows as unknown as { id: string }[]) {
        waiting.get(id)?.();
        waiting.delete(id);
      }
    }
    await pause(2);
  }
}
const watched = watch();

/** What autovacuum does within a minute: until then statements are planned for tables that are empty. */
async function analyze(): Promise<void> {
  const admin = open(order.urls.admin, 1);
  await admin.unsafe('analyze');
  await admin.close();
}

let asked = 0;
async function one(): Promise<void> {
  const caller = callers[(asked += 1) % callers.length] as Caller;
  const scopeId = (caller.scopes[2] as Caller['scopes'][number]).id;
  const { id } = await task.task.create(caller, { kind: 'bench.five', input: {}, scopeId });
  const { uuid: taskId } = parseId(id);
  await new Promise<void>((resolve) => {
    waiting.set(taskId, resolve);
    moved.add(taskId);
  });
}

const measured = [];
for (const each of order.flights) {
  measured.push(await flight(one, each));
  await analyze();
}
watching = false;
await watched;
await service?.stop();
await Promise.all(loops.map((loop) => loop.stop()));
await bus.close();
await Promise.all([...Object.values(db), mailbox].map((each) => each.close()));
process.send?.(measured);
process.disconnect();
