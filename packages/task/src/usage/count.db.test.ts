import type { Caller, ScopeRow } from '@sentral/contracts/contract';
import { decodeId, encodeId, type Id } from '@sentral/contracts/ids';
import { isProblem } from '@sentral/contracts/problem';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { query } from '@sentral/kernel/page';
import { bringForward, fillScopes, takeInScope } from '@sentral/kernel/scopes/news';
import { expectActive, lockScopePath, scopeUuid } from '@sentral/kernel/scopes/view';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { inTransaction } from '@sentral/kernel/transaction';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createPulse, createTask, type Task } from '../index.js';
import { scopes } from '../projection/view.js';
import { livingTasksStatement } from '../task/sql.js';
import { livingStatement } from './sql.js';

let place: TestDatabase;
let db: { app: Database; read: Database; platform: Database; admin: Database };
let task: Task;

beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  const as = (url: string): Database => openDatabase({ url, applicationName: 'task-usage-test', poolSize: 8 });
  db = {
    app: as(place.url('task_app')),
    read: as(place.url('task_read')),
    platform: as(place.url('task_platform')),
    admin: as(place.adminUrl),
  };
  const deps = { db, newId, telemetry: createTelemetry(), pulse: createPulse() };
  task = createTask(deps, { workflows: [], knows: () => true, results: true });
});
afterAll(async () => {
  await Promise.all(Object.values(db).map((each) => each.close()));
  await place.drop();
});

const everyone: Caller = {
  principal: { id: 'test', type: 'system' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: [],
};

/** The platform, a tenant, a project and an environment, as tenancy would tell of them. */
function path(): [ScopeRow, ScopeRow, ScopeRow, ScopeRow] {
  const tenantId = encodeId('tnt', newId());
  const row = (kind: ScopeRow['kind'], id: ScopeRow['id'], parentId: ScopeRow['id'] | null): ScopeRow => ({
    id,
    kind,
    parentId,
    tenantId: kind === 'platform' ? null : tenantId,
    state: 'active',
    version: 1,
  });
  const project = row('project', encodeId('prj', newId()), tenantId);
  return [
    row('platform', 'platform', null),
    row('tenant', tenantId, 'platform'),
    project,
    row('environment', encodeId('env', newId()), project.id),
  ];
}

const statement = `insert into task (id, tenant_id, project_id, environment_id, kind, kind_version, plan_hash, state, finished_at, steps_total, steps_open, input, actor, correlation_id)
  values ($1, $2, $3, $4, 'cluster.create', 1, '\\x00', $5, case when $5 = 'succeeded' then now() end, 1, 1, '{}', '{"type":"system","id":"test"}', $1)`;

/** Begins a task as whoever makes one must: news first, the path's locks before the row, refused where a scope is not active. */
async function begin(at: readonly ScopeRow[], state: 'queued' | 'succeeded' = 'queued'): Promise<string> {
  const [, tenant, project, environment] = at as ReturnType<typeof path>;
  const id = newId();
  await bringForward(db.app, scopes, at);
  await inTransaction(db.app, async (tx) => {
    expectActive(await lockScopePath(tx, scopes.schema, scopeUuid(environment.id)));
    const lies = [tenant, project, environment].map((scope) => scopeUuid(scope.id));
    await tx.unsafe(statement, [id, ...lies, state]);
    await tx.unsafe(
      `insert into feed (id, type, resource_type, resource_id, resource_version) values ($1, 'task.task.created', 'task.task', $2, 1)`,
      [newId(), id],
    );
  });
  return encodeId('tsk', id);
}

const deleting = (scope: ScopeRow): ScopeRow => ({ ...scope, state: 'deleting', version: scope.version + 1 });
const count = (scope: ScopeRow) =>
  task.usage.count({ ...everyone, scopes: [scope] }, { scopeId: scope.id, version: scope.version });

describe('what of this context keeps a scope from being deleted', () => {
  test('each live task in it or below, by its id, and none that has ended', async () => {
    const at = path();
    await begin(at, 'succeeded');
    for (const scope of at.slice(1)) expect((await count(scope)).dependents).toEqual([]);
    const id = await begin(at);
    for (const scope of at.slice(1))
      expect((await count(scope)).dependents).toEqual([{ type: 'task', count: 1, ids: [id] }]);
    for (let n = 0; n < 21; n += 1) await begin(at);
    const [{ count: many, ids } = { count: 0, ids: [] }] = (await count(at[1])).dependents;
    expect([many, ids.length]).toEqual([22, 20]);
    expect((await count(path()[3])).dependents).toEqual([]);
    const stranger: Caller = { ...everyone, readScope: { tenantIds: [], projectIds: [], environmentIds: [] } };
    const asked = { scopeId: at[1].id, version: 1 };
    await expect(task.usage.count(stranger, asked)).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(task.projection.apply(stranger, {})).rejects.toMatchObject({ code: 'permission-denied' });
  });

  test('either the delete hears of the task or there is none, in two hundred races', async () => {
    let [heard, refused] = [0, 0];
    for (let round = 0; round < 200; round += 1) {
      const at = path();
      await bringForward(db.app, scopes, at);
      const begun = Promise.all(
        Array.from({ length: 4 }, () =>
          begin(at).catch((error: unknown) => {
            if (!isProblem(error, 'scope-not-active')) throw error;
            refused += 1;
            return undefined;
          }),
        ),
      );
      if (round % 3 > 0) await new Promise((resolve) => setTimeout(resolve, (round % 5) * 2));
      const { dependents } = await count(deleting(at[3]));
      const made = (await begun).filter((id) => id !== undefined);
      heard += made.length;
      // What was told is what there is: nothing that began was missed, and nothing came after.
      expect(dependents.flatMap(({ ids }) => ids).toSorted()).toEqual(made.toSorted());
    }
    expect([heard > 0, refused > 0]).toEqual([true, true]);
  }, 60_000);

  test('what lives is counted in each state and the newest shown, of what the caller sees and nothing of a neighbour', async () => {
    const at = path();
    const [, tenant, project, environment] = at;
    const beside = { ...environment, id: encodeId('env', newId()) };
    await begin(at, 'succeeded');
    const old = await begin(at);
    await begin([at[0], tenant, project, beside]);
    const stuck = await begin(at);
    await begin(path());
    await db.admin.unsafe(
      `set local session_replication_role = replica; update task.task set state = 'stuck' where id = '${decodeId('tsk', stuck as Id<'tsk'>)}'`,
    );
    const living = (scopeId: ScopeRow['id'], readScope = everyone.readScope, limit = 20) =>
      task.task.living({ ...everyone, readScope }, { scopeId, limit });
    for (const scope of [tenant, project]) {
      const { states, items, more } = await living(scope.id, everyone.readScope, 1);
      expect(states).toEqual([
        { state: 'queued', count: 2 },
        { state: 'stuck', count: 1 },
      ]);
      expect([items.map(({ id }) => id), more]).toEqual([[stuck], true]);
    }
    const only = { tenantIds: [], projectIds: [], environmentIds: [environment.id as Id<'env'>] };
    const seen = await living(project.id, only);
    expect([seen.items.map(({ id }) => id), seen.more, seen.states.map(({ count: n }) => n)]).toEqual([
      [stuck, old],
      false,
      [1, 1],
    ]);
    const whole = { tenantIds: [tenant.id as Id<'tnt'>], projectIds: [], environmentIds: [] };
    expect((await living(project.id, whole)).items).toHaveLength(3);
    const nothing = { states: [], items: [], more: false };
    expect(await living(project.id, { ...only, environmentIds: [] })).toEqual(nothing);
    expect(await living(encodeId('prj', newId()))).toEqual(nothing);
  });

  test('among many tasks it is read by an index, whatever level is asked', async () => {
    await inTransaction(
      db.admin,
      async (tx) => {
        await tx.unsafe(`set local session_replication_role = replica; set local search_path = task;
          insert into task (id, tenant_id, project_id, environment_id, kind, kind_version, plan_hash, state, finished_at, steps_total, steps_open, input, actor, correlation_id)
          select gen_random_uuid(), md5('t' || n % 100)::uuid, md5('p' || n % 1000)::uuid, md5('e' || n)::uuid, 'cluster.create', 1, '\\x00',
            case when n % 10 = 0 then 'queued' else 'succeeded' end, case when n % 10 > 0 then now() end, 1, 1, '{}', '{}', gen_random_uuid() from generate_series(1, 20000) n;
          analyze task`);
        const tenant = newId();
        for (const level of ['tenant', 'project', 'environment'] as const) {
          const plan = await tx.unsafe(`explain (costs off) ${livingStatement(level)}`, [
            tenant,
            level === 'tenant' ? tenant : newId(),
          ]);
          expect(plan.map((row) => String(row['QUERY PLAN'])).join('\n')).toContain('task_living');
        }
        const q = query();
        const [lies] = await tx.unsafe('select tenant_id, project_id from task limit 1');
        q.and(
          `t.tenant_id = ${q.value(lies?.['tenant_id'])}::uuid and t.project_id = ${q.value(lies?.['project_id'])}::uuid`,
        );
        const text = livingTasksStatement(q, 21);
        const shown = (await tx.unsafe(`explain (costs off) ${text}`, q.params))
          .map((row) => row['QUERY PLAN'])
          .join('\n');
        expect(shown).toContain('task_living');
        expect(shown).not.toMatch(/Seq Scan|task_by_/);
      },
      { rollback: true },
    );
  });
});

describe('the limit of tasks that run', () => {
  const lane = async (tenant: ScopeRow) => {
    const [row] = await db.app.unsafe('select max_running from lane where tenant_id = $1', [scopeUuid(tenant.id)]);
    return row?.['max_running'];
  };
  const limited = (tenant: ScopeRow, version: number, limit?: number): ScopeRow => ({
    ...tenant,
    version,
    limits: limit === undefined ? [] : [{ dimension: 'task.running', limit }],
  });
  const apply = (...rows: ScopeRow[]) => task.projection.apply({ ...everyone, scopes: rows }, {});

  test('reaches the lane of its tenant with the row of the scope, also below what runs, and goes with it', async () => {
    const [, tenant] = path();
    await apply(tenant);
    expect(await lane(tenant)).toBe(20);
    await apply(limited(tenant, 2, 5));
    expect(await lane(tenant)).toBe(5);
    await db.app.unsafe('update lane set running = 4 where tenant_id = $1', [scopeUuid(tenant.id)]);
    await apply(limited(tenant, 4, 3));
    await apply(limited(tenant, 3, 9));
    const use = { scopeId: tenant.id, dimension: 'task.running', used: 4, limit: 3, overBy: 1 };
    expect((await task.usage.now(everyone, { scopeId: tenant.id })).own).toEqual([use]);
    await apply(limited(tenant, 5));
    expect(await lane(tenant)).toBe(20);
    const stranger = { ...everyone, readScope: { tenantIds: [], projectIds: [], environmentIds: [] } };
    const hidden = task.usage.now(stranger, { scopeId: tenant.id });
    await expect(hidden).rejects.toMatchObject({ code: 'not-found' });
  });

  test('a projection that was filled by pages equals the one that grew by events', async () => {
    const rows = [...path(), ...path().slice(1)].map((row) => (row.kind === 'tenant' ? limited(row, 3, 7) : row));
    const shown = async () => [
      ...(await db.admin.unsafe("select to_jsonb(s) - 'updated_at' as row from task.scope_view s order by id")),
      ...(await db.admin.unsafe('select to_jsonb(l) as row from task.lane l order by tenant_id')),
    ];
    for (const row of rows.toReversed())
      for (const projection of [row, { ...row, version: 1 }])
        await takeInScope(db.app, scopes, { id: newId(), data: JSON.stringify({ data: { projection } }) });
    const grown = await shown();
    await db.admin.unsafe('update task.lane set max_running = 1, running = 0 where tenant_id = any($1)', [
      rows.flatMap((row) => (row.kind === 'tenant' ? [decodeId('tnt', row.id)] : [])),
    ]);
    await db.admin.unsafe('delete from task.scope_view where id = any($1)', [rows.map(({ id }) => scopeUuid(id))]);
    const source = { page: async () => ({ rows, more: false }) };
    expect(await fillScopes(db.app, scopes, { source })).toBe(rows.length);
    expect(await shown()).toEqual(grown);
  });
});
