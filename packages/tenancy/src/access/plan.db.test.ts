import { platformScopeUuid } from '@sentral/contracts/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everyone, openTenancy, type Opened } from '../../test/open.js';
import { issuer } from '../../test/people.js';
import type { Caller, ScopeRow } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { createTenancy, type Tenancy } from '../index.js';
import { accessStatement } from './sql.js';

// 10,000 tenants with 10 projects each, an owner, a group, a rule and a policy in every tenant, and a policy in one project of each: the question about one principal goes
// by indexes, and costs what it costs in a small installation.
const tenants = 10_000;
let opened: Opened;

async function filled(tenants: number): Promise<Opened> {
  const opened = await openTenancy();
  const big = (text: string) => opened.db.admin.unsafe(`set local session_replication_role = replica; ${text}`);
  await big(`
    insert into tenancy.scope (id, kind, parent_id, parent_kind, tenant_id, name)
      select ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, 'tenant', '${platformScopeUuid}', 'platform',
        ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, 't' || n from generate_series(1, ${tenants}) n`);
  await big(`
    insert into tenancy.scope (id, kind, parent_id, parent_kind, tenant_id, project_id, name)
      select id, 'project', tenant_id, 'tenant', tenant_id, id, 'p' || n
      from (select gen_random_uuid() as id, t.id as tenant_id, n from tenancy.scope t, generate_series(1, 10) n where t.kind = 'tenant') p`);
  await big(`
    insert into tenancy.principal (id, kind, issuer, subject)
      select ('00000000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid, 'user', '${issuer}', 'p' || n from generate_series(1, ${tenants}) n`);
  await big(`
    insert into tenancy.role_binding (id, scope_id, scope_kind, tenant_id, role, principal_id, created_by)
      select gen_random_uuid(), s.id, s.kind, s.tenant_id, case s.kind when 'tenant' then 'owner' else 'editor' end,
        ('00000000-0000-7000-a000-' || right(s.tenant_id::text, 12))::uuid, 'test'
      from tenancy.scope s where s.tenant_id::text like '00000000-0000-7000-9000-%'`);
  await big(`
    insert into tenancy.role_binding (id, scope_id, scope_kind, tenant_id, role, group_issuer, group_name, created_by)
      select gen_random_uuid(), s.id, s.kind, s.tenant_id, 'viewer', '${issuer}', 'g' || s.name, 'test'
      from tenancy.scope s where s.kind = 'tenant'`);
  await big(`
    insert into tenancy.deny_rule (id, scope_id, scope_kind, tenant_id, permissions, reason, created_by)
      select gen_random_uuid(), s.id, s.kind, s.tenant_id, '{task.task.cancel}', 'test', 'test' from tenancy.scope s where s.kind = 'tenant'`);
  await big(`
    insert into tenancy.token (id, service_account_id, name, created_by, expires_at)
      select ('00000000-0000-7000-b000-' || lpad(to_hex(n), 12, '0'))::uuid, ('00000000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid,
        'x', 'test', now() + interval '1 day' from generate_series(1, ${tenants}) n`);
  await big(
    `insert into tenancy.token_secret (token_id, sha256) select id, sha256(id::text::bytea) from tenancy.token`,
  );
  await big(`insert into tenancy.token_use (token_id, used_at) select id, now() from tenancy.token`);
  await big(`
    insert into tenancy.policy (id, scope_id, tenant_id)
      select id, id, tenant_id from tenancy.scope where kind = 'tenant' or (kind = 'project' and name = 'p1')`);
  await big(`
    insert into tenancy.policy_binding (id, policy_id, scope_id, tenant_id, key, value, lock, mode)
      select id, id, scope_id, tenant_id, 'inventory.leaseSecondsMax', '3600', 'default', 'enforce' from tenancy.policy where tenant_id is not null`);
  await big(`
    insert into tenancy.policy_exemption (id, scope_id, tenant_id, key, reason, approved_by, expires_at)
      select id, id, tenant_id, 'inventory.allowedLocations', 'test', 'test', now() + interval '1 day' from tenancy.scope where kind = 'tenant'`);
  await opened.db.admin.unsafe('analyze');
  return opened;
}

const firstProject = async ({ tenancy }: Opened, n: number) => {
  const { items } = await tenancy.scope.list(everyone, { kind: 'project', parentId: tenant(n), name: 'p1' });
  return items[0]!.id;
};
let deep: ScopeRow['id'];

beforeAll(async () => {
  opened = await filled(tenants);
  deep = await firstProject(opened, 9_123);
});
afterAll(() => opened.close());

const one = '00000000-0000-7000-a000-000000000777';
const questions = {
  subject: [[issuer], ['gt9'], issuer, 'p1911', platformScopeUuid],
  token: [[], [], '00000000-0000-7000-b000-000000000777', null, platformScopeUuid],
  id: [[issuer], ['gt9'], one, null, platformScopeUuid],
} as const;

test.each(Object.keys(questions) as (keyof typeof questions)[])(
  'the question by %s reads no table from end to end',
  async (by) => {
    const rows = await opened.db.app.unsafe(
      `explain (analyze, costs off, timing off) ${accessStatement(by)}`,
      questions[by],
    );
    const plan = rows.map((row) => String(row['QUERY PLAN'])).join('\n');
    // The installation is one row, and a deny rule table that has to be read whole would be seen here.
    const whole = [...plan.matchAll(/Seq Scan on (\w+)/g)]
      .map(([, table]) => table)
      .filter((table) => table !== 'installation');
    expect([plan, whole]).toEqual([plan, []]);
    expect(plan).toMatch(/role_binding_by_principal|role_binding_once_per_principal/);
    if (by !== 'token') expect(plan).toMatch(/role_binding_by_group|role_binding_once_per_group/);
  },
);

test('the next principal of 10,000 is answered in a few milliseconds, with its eleven grants and one rule', async () => {
  const ask = (n: number) =>
    opened.tenancy.access.snapshot(everyone, {
      credential: { type: 'oidc', issuer, subject: `p${n}`, groups: [] },
    });
  for (let n = 1; n <= 30; n += 1) await ask(n);
  const took: number[] = [];
  for (let n = 100; n < 300; n += 1) {
    const start = performance.now();
    const { snapshot } = await ask(n);
    took.push(performance.now() - start);
    expect([snapshot.grants.length, snapshot.denies.length]).toEqual([11, 1]);
  }
  const median = took.toSorted((a, b) => a - b)[took.length >> 1] ?? 0;
  expect(median).toBeLessThan(25);
});

/** What a verb asks of the database, and how many pages that touches; the plan with it, for the one who reads a failure. */
async function touched(ask: (tenancy: Tenancy) => Promise<unknown>): Promise<{ buffers: number; plans: string }> {
  const asked: [string, readonly unknown[]][] = [];
  const heard = (db: typeof opened.db.platform): typeof db => ({
    ...db,
    unsafe: (text, params = []) => {
      asked.push([text, params]);
      return db.unsafe(text, params);
    },
  });
  const { app, platform, read } = opened.db;
  await ask(createTenancy({ ...opened.deps, db: { app: heard(app), platform: heard(platform), read } }));
  expect(asked.length).toBeGreaterThan(0);
  const plans: string[] = [];
  for (const [text, params] of asked) {
    const rows = await platform.unsafe(`explain (analyze, buffers, costs off, timing off) ${text}`, params);
    plans.push(rows.map((row) => String(row['QUERY PLAN'])).join('\n'));
  }
  const buffers = plans.map((plan) => /Buffers: shared hit=(\d+)(?: read=(\d+))?/.exec(plan));
  return {
    buffers: buffers.reduce((sum, found) => sum + Number(found?.[1] ?? 0) + Number(found?.[2] ?? 0), 0),
    plans: plans.join('\n\n'),
  };
}

const tenant = (n: number) => encodeId('tnt', `00000000-0000-7000-9000-${n.toString(16).padStart(12, '0')}`);
const viewerOf = (n: number): Caller => ({
  ...everyone,
  readScope: { tenantIds: [tenant(n)], projectIds: [], environmentIds: [], platform: true },
});
const idsOf = (rows: readonly { readonly id: ScopeRow['id'] }[]) => rows.map(({ id }) => id);

test.each([
  ['a page of all tenants', 120, (to: Tenancy) => to.scope.list(everyone, { kind: 'tenant', limit: 50 })],
  ['a tenant by its name', 60, (to: Tenancy) => to.scope.list(everyone, { kind: 'tenant', name: 't9123' })],
  [
    'the projects of a tenant',
    120,
    (to: Tenancy) => to.scope.list(everyone, { kind: 'project', parentId: tenant(9_123) }),
  ],
  ['all projects that a viewer sees', 120, (to: Tenancy) => to.scope.list(viewerOf(9_123), { kind: 'project' })],
  ['the effective policy', 120, (to: Tenancy) => to.policy.effective(everyone, { scopeId: tenant(9_123) })],
  ['the effective policy of a project', 120, (to: Tenancy) => to.policy.effective(everyone, { scopeId: deep })],
  ['the path of a scope', 120, (to: Tenancy) => to.scope.path(everyone, { id: tenant(9_123) })],
  ['the use of a tenant', 120, (to: Tenancy) => to.quota.use(everyone, { scopeId: tenant(9_123) })],
] as const)('%s touches few pages of 110,000 scopes', async (_, most, ask) => {
  const { buffers, plans } = await touched(ask);
  expect([plans, buffers <= most]).toEqual([plans, true]);
  expect(plans).not.toMatch(/Seq Scan on (scope|policy)/);
});

test('lists, effective policy and the decision are asked of ten tenants and of 10,000, and the times are told', async () => {
  const small = await filled(10);
  const questions = {
    'list of projects': (to: Opened, n: number) =>
      to.tenancy.scope.list(everyone, { kind: 'project', parentId: tenant(n) }),
    'effective policy': async (to: Opened, n: number, project: ScopeRow['id']) => {
      const { values } = await to.tenancy.policy.effective(everyone, { scopeId: project });
      const lease = values.find(({ key }) => key === 'inventory.leaseSecondsMax');
      expect([lease?.value, lease?.contributions.length]).toEqual([3600, 2]);
    },
    snapshot: (to: Opened, n: number) =>
      to.tenancy.access.snapshot(everyone, { credential: { type: 'oidc', issuer, subject: `p${n}`, groups: [] } }),
  } as const;
  const told: string[] = [];
  for (const [name, ask] of Object.entries(questions)) {
    const median = async (to: Opened, n: number) => {
      const project = await firstProject(to, n);
      const took: number[] = [];
      for (let round = 0; round < 120; round += 1) {
        const start = performance.now();
        await ask(to, n, project);
        if (round >= 20) took.push(performance.now() - start);
      }
      return took.toSorted((a, b) => a - b)[took.length >> 1] ?? 0;
    };
    const [few, many] = [await median(small, 7), await median(opened, 9_123)];
    told.push(
      `${name} ${few.toFixed(2)} ms of 10 tenants, ${many.toFixed(2)} ms of 10,000 (x ${(many / few).toFixed(1)})`,
    );
  }
  console.info(told.join('\n'));
  await small.close();
});

test('the answers are those of the tenant that was asked for', async () => {
  const { items } = await opened.tenancy.scope.list(viewerOf(9_123), { kind: 'project' });
  const own = await opened.tenancy.scope.list(everyone, { kind: 'project', parentId: tenant(9_123) });
  expect(idsOf(items)).toEqual(idsOf(own.items));
  expect(items).toHaveLength(10);
});
