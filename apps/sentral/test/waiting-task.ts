import { parseId } from '@sentral/contracts/ids';
import { openDatabase } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { createPulse, createTask, workflow } from '@sentral/task';
import * as v from 'valibot';
import type { House } from './cast.js';
import type { TestServer } from './start-server.js';

const waiting = workflow({
  kind: 'test.wait',
  kindVersion: 1,
  summary: 'Waits to be told.',
  permission: 'task.task.signal',
  input: v.strictObject({}),
  plan: () => ({
    claims: [],
    holdings: [],
    steps: [
      { key: 'told', kind: 'wait', service: 'sentral', action: 'told', contract: 1, input: {}, undo: 'none' },
      { key: 'again', kind: 'wait', service: 'sentral', action: 'again', contract: 1, input: {}, undo: 'none' },
    ],
  }),
});

/** A task in the environment of the house that ends by nothing but what people ask of it; queued, it finds no room at first. */
export async function waitingTask(server: TestServer, place: House, first?: 'queued'): Promise<string> {
  const url = new URL(server.adminUrl);
  const as = (user: string) =>
    openDatabase({
      url: `postgres://${url.host}${url.pathname}`,
      user,
      password: 'sentral',
      applicationName: 'waiting-task',
      searchPath: ['task', 'extensions'],
      poolSize: 1,
    });
  const db = { app: as('task_app'), read: as('task_read'), platform: as('task_platform') };
  const deps = { db, newId, telemetry: createTelemetry({ level: 'warn' }), pulse: createPulse() };
  try {
    const { task, projection } = createTask(deps, { workflows: [waiting], knows: () => true });
    const { tenant, project, environment, owner } = place;
    const row = { tenantId: tenant, state: 'active', version: 1 } as const;
    const caller = {
      principal: { id: owner.id, type: 'user' as const },
      accessEpoch: 1,
      readScope: { all: true as const },
      scopes: [
        { id: tenant, parentId: 'platform', kind: 'tenant' as const, ...row },
        { id: project, parentId: tenant, kind: 'project' as const, ...row },
        { id: environment, parentId: project, kind: 'environment' as const, ...row },
      ],
    };
    const room = (max: number) =>
      db.app.sql`update lane set max_running = ${max} where tenant_id = ${parseId(tenant).uuid}::uuid`;
    await projection.apply(caller, {});
    if (first === 'queued') await room(0);
    const made = await task.create(caller, { kind: waiting.kind, input: {}, scopeId: environment });
    if (first === 'queued') await room(20);
    return made.id;
  } finally {
    await Promise.all(Object.values(db).map((each) => each.close()));
  }
}
