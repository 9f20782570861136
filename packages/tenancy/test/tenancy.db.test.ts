import type { Caller } from '@sentral/contracts/contract';
import { defaultEnvironmentId, defaultProjectId, defaultTenantId } from '@sentral/contracts/tenancy';
import { constraintName, sqlState } from '@sentral/kernel/errors';
import { numberFeed, record } from '@sentral/kernel/feed';
import { inTransaction } from '@sentral/kernel/transaction';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tenancy } from '../src/index.js';
import { restoreFeed } from '../src/operate.js';
import { everyone, openTenancy, type Opened } from './open.js';

const stranger: Caller = {
  ...everyone,
  readScope: { tenantIds: ['tnt_01jdx3z6x7e008000000000009'], projectIds: [], environmentIds: [] },
};
const ofTenant: Caller = {
  ...everyone,
  readScope: { tenantIds: [defaultTenantId], projectIds: [], environmentIds: [] },
};
const ofEnvironment: Caller = {
  ...everyone,
  readScope: { tenantIds: [], projectIds: [], environmentIds: [defaultEnvironmentId] },
};

let opened: Opened;
let db: Opened['db'];
let tenancy: Tenancy;

beforeAll(async () => {
  opened = await openTenancy();
  ({ db, tenancy } = opened);
});
afterAll(() => opened.close());

describe('reading scopes', () => {
  test('the seeded tree has the ids of the contract', async () => {
    const { rows, effectiveState } = await tenancy.scope.path(everyone, { id: defaultEnvironmentId });
    expect(rows.map((scope) => scope.id)).toEqual([
      'platform',
      defaultTenantId,
      defaultProjectId,
      defaultEnvironmentId,
    ]);
    expect(rows.map((scope) => scope.parentId)).toEqual([null, 'platform', defaultTenantId, defaultProjectId]);
    expect(effectiveState).toBe('active');
  });

  test('who reads one tenant gets its tree under the policies of tenancy_read, and not the platform', async () => {
    const kinds = ['tenant', 'project', 'environment'] as const;
    const lists = await Promise.all(kinds.map((kind) => tenancy.scope.list(ofTenant, { kind })));
    expect(lists.map(({ items }) => items.length)).toEqual([1, 1, 1]);
    await expect(tenancy.scope.get(ofTenant, { id: 'platform' })).rejects.toMatchObject({ code: 'not-found' });
  });

  test('who reads one environment gets that alone, and its whole path', async () => {
    expect((await tenancy.scope.list(ofEnvironment, { kind: 'environment' })).items.map(({ id }) => id)).toEqual([
      defaultEnvironmentId,
    ]);
    expect((await tenancy.scope.list(ofEnvironment, { kind: 'project' })).items).toEqual([]);
    expect((await tenancy.scope.path(ofEnvironment, { id: defaultEnvironmentId })).rows).toHaveLength(4);
    await expect(tenancy.scope.get(ofEnvironment, { id: defaultProjectId })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  test('a scope of another tenant is as missing as one that never was', async () => {
    const hidden = await tenancy.scope.get(stranger, { id: defaultProjectId }).catch((e: unknown) => e);
    const missing = await tenancy.scope
      .get(stranger, { id: 'prj_01jdx3z6x7e008000000000009' })
      .catch((e: unknown) => e);
    expect(hidden).toMatchObject({ code: 'not-found' });
    expect(JSON.stringify(hidden)).toBe(JSON.stringify(missing));
  });

  test('an id of another kind with the same uuid is not the scope', async () => {
    const id = defaultTenantId.replace('tnt_', 'env_');
    await expect(tenancy.scope.get(everyone, { id })).rejects.toMatchObject({ code: 'not-found' });
  });

  test('pages follow each other by id and end', async () => {
    const first = await tenancy.scope.page(everyone, { limit: 3 });
    const last = first.rows.at(-1);
    const second = await tenancy.scope.page(everyone, { afterId: last?.id, limit: 3 });
    expect([first.rows.length, first.more, second.rows.length, second.more]).toEqual([3, true, 1, false]);
  });
});

describe('the tree is held by the schema', () => {
  const tenant = '00000000-0000-7000-8000-000000000001';
  const project = '00000000-0000-7000-8000-000000000002';
  const platform = '00000000-0000-0000-0000-000000000000';
  const other = '10000000-0000-7000-8000-000000000001';
  const id = '10000000-0000-7000-8000-000000000009';
  const tree = { id, name: 'x', version: 1 };
  const cases: readonly [title: string, constraint: string, row: Record<string, unknown>][] = [
    [
      'a project under the platform',
      'scope_parent_kind',
      { ...tree, kind: 'project', parent_id: platform, parent_kind: 'platform', tenant_id: tenant, project_id: id },
    ],
    [
      'a project that says its parent is a tenant when it is a project',
      'scope_parent_is_what_it_says',
      { ...tree, kind: 'project', parent_id: project, parent_kind: 'tenant', tenant_id: tenant, project_id: id },
    ],
    [
      'a project in another tenant than its parent',
      'scope_stays_in_tenant',
      { ...tree, kind: 'project', parent_id: tenant, parent_kind: 'tenant', tenant_id: other, project_id: id },
    ],
    ['a second platform', 'scope_one_platform', { ...tree, kind: 'platform' }],
    [
      'a tenant that belongs to another tenant',
      'scope_tenant_is_its_own',
      { ...tree, kind: 'tenant', parent_id: platform, parent_kind: 'platform', tenant_id: tenant },
    ],
    [
      'a project that is its own tenant',
      'scope_tenant_is_its_own',
      { ...tree, kind: 'project', parent_id: tenant, parent_kind: 'tenant', tenant_id: id, project_id: id },
    ],
    [
      'a tenant without a tenant',
      'scope_platform_has_no_tenant',
      { ...tree, kind: 'tenant', parent_id: platform, parent_kind: 'platform' },
    ],
    [
      'an environment that names another project',
      'scope_project_is_right',
      {
        ...tree,
        kind: 'environment',
        parent_id: project,
        parent_kind: 'project',
        tenant_id: tenant,
        project_id: id,
        class: 'staging',
      },
    ],
    [
      'a second project of one name',
      'scope_name_unique_under_parent',
      {
        ...tree,
        name: 'default',
        kind: 'project',
        parent_id: tenant,
        parent_kind: 'tenant',
        tenant_id: tenant,
        project_id: id,
      },
    ],
    [
      'a name in capitals',
      'scope_name',
      {
        ...tree,
        name: 'Default',
        kind: 'project',
        parent_id: tenant,
        parent_kind: 'tenant',
        tenant_id: tenant,
        project_id: id,
      },
    ],
    [
      'an environment without a class',
      'scope_environment_fields',
      {
        ...tree,
        kind: 'environment',
        parent_id: project,
        parent_kind: 'project',
        tenant_id: tenant,
        project_id: project,
      },
    ],
    [
      'an ephemeral environment that never expires',
      'scope_environment_fields',
      {
        ...tree,
        kind: 'environment',
        parent_id: project,
        parent_kind: 'project',
        tenant_id: tenant,
        project_id: project,
        class: 'ephemeral',
      },
    ],
    [
      'a protected project',
      'scope_environment_fields',
      {
        ...tree,
        kind: 'project',
        parent_id: tenant,
        parent_kind: 'tenant',
        tenant_id: tenant,
        project_id: id,
        protected: true,
      },
    ],
    [
      'a deleted scope that is never purged',
      'scope_deleted_has_purge',
      {
        ...tree,
        state: 'deleted',
        kind: 'project',
        parent_id: tenant,
        parent_kind: 'tenant',
        tenant_id: tenant,
        project_id: id,
      },
    ],
    [
      'a state that nobody knows',
      'scope_state',
      {
        ...tree,
        state: 'gone',
        kind: 'project',
        parent_id: tenant,
        parent_kind: 'tenant',
        tenant_id: tenant,
        project_id: id,
      },
    ],
    [
      'a scope that lists its labels',
      'scope_labels_are_objects',
      {
        ...tree,
        labels: '[]',
        kind: 'project',
        parent_id: tenant,
        parent_kind: 'tenant',
        tenant_id: tenant,
        project_id: id,
      },
    ],
  ];
  test.each(cases)('%s is refused by %s', async (_title, constraint, row) => {
    const columns = Object.keys(row);
    const refusal = await db.app
      .unsafe(
        `insert into scope (${columns.join(', ')}) values (${columns.map((_, n) => `$${n + 1}`).join(', ')})`,
        Object.values(row),
      )
      .catch((e: unknown) => e);
    expect(constraintName(refusal)).toBe(constraint);
  });

  test('a chain never crosses tenants, also when all other columns agree', async () => {
    const refusal = await inTransaction(db.app, async (tx) => {
      await tx.unsafe(
        `insert into scope (id, kind, parent_id, parent_kind, tenant_id, name) values ($1, 'tenant', $2, 'platform', $1, 'other')`,
        [other, platform],
      );
      await tx.unsafe(
        `insert into scope (id, kind, parent_id, parent_kind, tenant_id, project_id, name, class) values ($1, 'environment', $2, 'project', $3, $2, 'stolen', 'staging')`,
        [id, project, other],
      );
    }).catch((e: unknown) => e);
    expect(constraintName(refusal)).toBe('scope_stays_in_tenant');
  });

  test('a change without its feed row cannot commit, and one that leaves the version alone cannot be made', async () => {
    const silent = await db.app
      .unsafe(`update scope set display_name = 'x', version = version + 1 where id = $1`, [project])
      .catch((e: unknown) => e);
    expect(sqlState(silent)).toBe('23514');
    expect(constraintName(silent)).toBe('change_has_feed_row');
    const still = await db.app
      .unsafe(`update scope set display_name = 'x' where id = $1`, [project])
      .catch((e: unknown) => e);
    expect(constraintName(still)).toBe('version_moves_by_one');
  });
});

describe('the feed', () => {
  test('begins with the four seeded scopes, in the order of the tree, once they are numbered', async () => {
    await numberFeed(db.app, 'tenancy', 100);
    const { items, more } = await tenancy.feed.page(everyone, { afterPos: 0 });
    expect(items.slice(0, 4).map((item) => [item.pos, item.type, item.resource.id])).toEqual([
      [1, 'tenancy.scope.created', 'platform'],
      [2, 'tenancy.scope.created', defaultTenantId],
      [3, 'tenancy.scope.created', defaultProjectId],
      [4, 'tenancy.scope.created', defaultEnvironmentId],
    ]);
    expect(more).toBe(false);
    expect(items.map((item) => item.event?.['id'])).toEqual(items.map((item) => item.resource.id));
  });

  test('is not for callers who see less than everything', async () => {
    await expect(tenancy.feed.page(ofTenant, { afterPos: 0 })).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(tenancy.invariant.list(ofTenant, {})).rejects.toMatchObject({ code: 'permission-denied' });
  });

  test('is numbered on by restoreFeed after what audit had confirmed, and says what was lost', async () => {
    await numberFeed(db.app, 'tenancy', 100);
    const restored = await restoreFeed(db.admin, 9);
    expect(restored).toMatchObject({ nextPos: 10, waiting: 0, lost: { from: 5, to: 9 } });
    await inTransaction(db.app, async (tx) => {
      await tx.unsafe(
        `update scope set display_name = 'Next', version = version + 1 where id = '00000000-0000-7000-8000-000000000002'`,
      );
      await record(tx, 'tenancy', {
        type: 'tenancy.scope.changed',
        resource: { type: 'tenancy.project', id: '00000000-0000-7000-8000-000000000002', version: 2 },
        event: { id: defaultProjectId },
        audit: null,
      });
    });
    await numberFeed(db.app, 'tenancy', 100);
    expect((await tenancy.feed.page(everyone, { afterPos: 9 })).items.map((item) => item.pos)).toEqual([10]);
    await expect(tenancy.feed.page(everyone, { afterPos: 5 })).rejects.toMatchObject({ code: 'position-expired' });
  });
});

describe('the walls', () => {
  test('tenancy_read sees nothing without a tenant, and never the feed', async () => {
    expect(await db.read.unsafe('select id from scope')).toEqual([]);
    await expect(db.read.unsafe('select id from feed')).rejects.toThrow();
    await expect(db.read.unsafe('update scope set name = name')).rejects.toThrow();
    await expect(db.platform.unsafe('update scope set name = name')).rejects.toThrow();
  });

  test('every invariant holds on a fresh database', async () => {
    const fresh = await openTenancy();
    const { items } = await fresh.tenancy.invariant.list(everyone, {});
    await fresh.close();
    expect(items.filter((item) => item.violations > 0)).toEqual([]);
    expect(items.map((item) => item.name)).toContain('tenancy.quota.countersAreTheTree');
  });

  test('a planted gap in the feed and a live scope under a deleted one are found', async () => {
    await db.admin.unsafe(
      `set local session_replication_role = replica; update tenancy.scope set state = 'deleted', deleted_at = now(), purge_at = now() where kind = 'project'`,
    );
    const { items } = await tenancy.invariant.list(everyone, {});
    expect(items.filter((item) => item.violations > 0).map((item) => item.name)).toEqual([
      'tenancy.scope.liveUnderLive',
      'tenancy.quota.countersAreTheTree',
      'tenancy.feed.dense',
    ]);
  });
});
