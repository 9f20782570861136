import { inTransaction } from '@sentral/kernel/transaction';
import { decodeId } from '@sentral/contracts/ids';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { everyone, openTenancy, type Opened } from './open.js';
import { peopleOf } from './people.js';

// The second wall: what tenancy_read sees is its own tenant's, whatever the statement forgets to say.
let opened: Opened;
let people: ReturnType<typeof peopleOf>;
let home: Awaited<ReturnType<typeof people.tenant>>;
let other: typeof home;

beforeAll(async () => {
  opened = await openTenancy();
  people = peopleOf(opened.tenancy);
  await people.holder('platform-admin', 'platform');
  const full = async () => {
    const place = await people.tenant();
    const account = await people.account(place.tenant);
    await people.grant({ type: 'serviceAccount', id: account.id }, 'editor', { scopeId: place.project });
    await opened.tenancy.token.create(everyone, { serviceAccountId: account.id, name: 'ci' });
    await opened.tenancy.denyRule.create(everyone, {
      scopeId: place.tenant,
      permissions: ['task.task.cancel'],
      subjects: 'all',
      reason: 'a test',
    });
    await opened.tenancy.hold.create(everyone, { scopeId: place.project, origin: 'test', reason: 'a test' });
    await opened.tenancy.quota.create(everyone, {
      scopeId: place.project,
      dimension: 'tenancy.environments',
      limit: 5,
    });
    return place;
  };
  [home, other] = [await full(), await full()];
  const account = await people.account('platform');
  await opened.tenancy.token.create(everyone, { serviceAccountId: account.id, name: 'ci' });
});
afterAll(() => opened.close());

/** Every table that tenancy_read may select from, but for the list of migrations, which names nothing of a tenant. */
const readable = async (): Promise<readonly string[]> => {
  const rows = await opened.db.admin.unsafe(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'tenancy' and c.relkind in ('r', 'p', 'v', 'm') and c.relname <> 'migration' and has_table_privilege('tenancy_read', c.oid, 'select') order by 1`,
  );
  return rows.map((row) => String(row['name']));
};
const seen = (name: string, tenant: string | null) =>
  inTransaction(
    opened.db.read,
    async (tx) =>
      (await tx.unsafe(`select to_jsonb(t) as row from tenancy.${name} t`)).map(
        (row) => row['row'] as Record<string, unknown>,
      ),
    tenant === null ? {} : { settings: { 'sentral.tenant': tenant } },
  );

describe('tenancy_read', () => {
  test('may read these tables and no others, and each has policies', async () => {
    expect(await readable()).toEqual([
      'deny_rule',
      'hold',
      'policy',
      'policy_binding',
      'policy_exemption',
      'principal',
      'quota_limit',
      'role_binding',
      'scope',
      'token',
    ]);
    const bare = await opened.db.admin.unsafe(
      `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'tenancy' and c.relname = any($1::text[]) and not c.relrowsecurity`,
      [await readable()],
    );
    expect(bare).toEqual([]);
  });

  test('sees nothing of any of them without a tenant, or with an empty one', async () => {
    for (const name of await readable()) {
      expect([name, await seen(name, null)]).toEqual([name, []]);
      expect([name, await seen(name, '')]).toEqual([name, []]);
    }
  });

  test('sees with a tenant its own rows and none of another’s nor of the platform', async () => {
    const tenant = decodeId('tnt', home.tenant);
    const counts: Record<string, number> = {};
    for (const name of await readable()) {
      const rows = await seen(name, tenant);
      counts[name] = rows.length;
      expect([name, rows.filter((row) => row['tenant_id'] !== tenant)]).toEqual([name, []]);
    }
    // Something lies in every table that this test fills; an empty answer would prove nothing.
    expect(counts).toMatchObject({
      scope: 3,
      principal: 1,
      token: 1,
      role_binding: 2,
      deny_rule: 1,
      hold: 1,
      quota_limit: 1,
    });
    expect(other.tenant).not.toBe(home.tenant);
  });

  test('sees no secret, no key of a source, no use of a token, and writes nothing', async () => {
    for (const name of ['token_secret', 'token_use', 'scope_key', 'installation', 'quota_use', 'feed', 'idempotency'])
      await expect(seen(name, decodeId('tnt', home.tenant))).rejects.toThrow();
    for (const name of await readable())
      await expect(opened.db.read.unsafe(`delete from tenancy.${name}`)).rejects.toThrow();
  });

  test('tenancy_platform sees no secret either', async () => {
    await expect(opened.db.platform.unsafe('select * from tenancy.token_secret')).rejects.toThrow();
    expect((await opened.db.platform.unsafe('select id from tenancy.token')).length).toBe(3);
  });
});

test('users are not for those who see tenants alone: missing, in lists and by id', async () => {
  const blind = {
    ...everyone,
    readScope: { tenantIds: [home.tenant], projectIds: [], environmentIds: [] },
  };
  expect((await opened.tenancy.user.list(blind, {})).items).toEqual([]);
  const id = home.owner.id;
  for (const asked of [
    opened.tenancy.user.get(blind, { id }),
    opened.tenancy.user.disable(blind, { id }),
    opened.tenancy.user.amend(blind, { id, patch: { displayName: 'x' } }),
  ])
    await expect(asked).rejects.toMatchObject({ code: 'not-found' });
});

test('an explanation names nothing that the asker may not see', async () => {
  const { tenancy } = opened;
  const one = await people.holder('viewer', home.tenant);
  await tenancy.denyRule.create(everyone, {
    scopeId: 'platform',
    permissions: ['inventory.allocation.read'],
    subjects: [one.ref],
    reason: 'a test',
  });
  const blind = { ...everyone, readScope: { tenantIds: [], projectIds: [home.project], environmentIds: [] } };
  const ask = { principalId: one.id, permission: 'inventory.allocation.read', scopeId: home.project };
  expect(await tenancy.access.explain(everyone, ask)).toMatchObject({
    allowed: false,
    grants: [{ scopeId: home.tenant, role: 'viewer' }],
    denies: [{ scopeId: 'platform' }],
  });
  expect(await tenancy.access.explain(blind, ask)).toMatchObject({
    allowed: false,
    grants: [],
    denies: [],
    wouldAllow: [],
  });
  await expect(tenancy.access.explain(blind, { ...ask, scopeId: other.project })).rejects.toMatchObject({
    code: 'not-found',
  });
  const foreign = await people.account(other.tenant);
  await expect(tenancy.access.explain(blind, { ...ask, principalId: foreign.id })).rejects.toMatchObject({
    code: 'reference-not-found',
  });
  const nobody = await people.person('nobody');
  expect(
    await tenancy.access.explain(everyone, {
      principalId: nobody.id,
      permission: 'tenancy.roleBinding.create',
      scopeId: home.project,
    }),
  ).toMatchObject({
    allowed: false,
    grants: [],
    wouldAllow: [
      { role: 'break-glass', scopeIds: [home.tenant] },
      { role: 'owner', scopeIds: [home.tenant, home.project] },
      { role: 'admin', scopeIds: [home.tenant, home.project] },
    ],
  });
});
