import { apiTokenPattern } from '@sentral/contracts/api-token';
import type { Caller } from '@sentral/contracts/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { everyone, openTenancy, type Opened } from '../../test/open.js';
import { fresh, inHours, peopleOf, type Person } from '../../test/people.js';

let opened: Opened;
let tenancy: Opened['tenancy'];
let people: ReturnType<typeof peopleOf>;
let admin: Person;
let home: Awaited<ReturnType<typeof people.tenant>>;

beforeAll(async () => {
  opened = await openTenancy();
  ({ tenancy } = opened);
  people = peopleOf(tenancy);
  admin = await people.holder('platform-admin', 'platform');
  home = await people.tenant();
});
afterAll(() => opened.close());

type Create = Parameters<Opened['tenancy']['token']['create']>[1];
type Role = Parameters<Opened['tenancy']['roleBinding']['create']>[1]['role'];

/** A service account of the tenant with one role somewhere. */
const robot = async (
  role: Role,
  scopeId: Parameters<typeof people.grant>[2]['scopeId'],
  of: 'platform' | typeof home.tenant = home.tenant,
) => {
  const account = await people.account(of);
  await people.grant({ type: 'serviceAccount', id: account.id }, role, { scopeId });
  return account.id;
};
const make = (who: Caller, serviceAccountId: Create['serviceAccountId'], changes: Partial<Create> = {}) =>
  tenancy.token.create(who, { serviceAccountId, name: 'ci', ...changes });
const keyed = (who: Caller, key = fresh('key')): Caller => ({
  ...who,
  idempotency: { scope: `${who.principal.id} POST /v1/tokens`, key, fingerprint: key },
});

describe('the secret', () => {
  test('is in one answer and nowhere else: no table, no feed row, no stored result, no refusal', async () => {
    const account = await robot('editor', home.tenant);
    const caller = keyed(home.owner.caller);
    const made = await make(caller, account);
    const secret = made.secret ?? '';
    expect(secret).toMatch(apiTokenPattern);
    const again = await make(caller, account);
    expect(again).toMatchObject({ id: made.id, secret: null, replayed: true });
    const rotated = await tenancy.token.rotate(keyed(home.owner.caller), { id: made.id });
    expect(rotated.secret).toMatch(apiTokenPattern);
    expect((await people.snapshotOfToken(rotated.secret ?? '')).principal.id).toBe(account);
    const wrong = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`;
    expect(wrong).not.toBe(secret);

    const tables = await opened.db.admin.unsafe(
      `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'tenancy' and c.relkind in ('r', 'p')`,
    );
    expect(tables.length).toBeGreaterThan(15);
    for (const part of [secret, rotated.secret ?? ''].flatMap((text) => [text, text.slice(31, 74)])) {
      for (const table of tables) {
        const name = String(table['name']);
        const found = await opened.db.admin.unsafe(
          `select 1 from tenancy.${name} t where position($1 in t::text) > 0 limit 1`,
          [part],
        );
        expect([name, found.length]).toEqual([name, 0]);
      }
    }
    const shown = [
      await tenancy.token.get(everyone, { id: made.id }),
      await tenancy.token.list(everyone, { serviceAccountId: account }),
      await make(caller, account, { name: 'another body' }).catch((e: unknown) => e),
      await make(everyone, account).catch((e: unknown) => e),
    ];
    expect(JSON.stringify(shown)).not.toMatch(apiTokenPattern);
  });

  test('of a dry run is not made', async () => {
    const account = await robot('editor', home.tenant);
    const dry = await make({ ...home.owner.caller, dryRun: true }, account);
    expect(dry.secret).toBeNull();
    await expect(tenancy.token.get(everyone, { id: dry.id })).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('a token never exceeds its creator', () => {
  test('an admin makes one for an account that holds no more than it', async () => {
    const one = await people.holder('admin', home.tenant);
    expect(await make(one.caller, await robot('admin', home.project))).toMatchObject({ state: 'live' });
  });

  test('nor for an account that does: an owner’s is refused, and so is its rotation; cut down to what the admin holds it is made', async () => {
    const one = await people.holder('admin', home.tenant);
    const account = await robot('owner', home.project);
    const refused = {
      code: 'permission-denied',
      facts: { missingPermission: 'tenancy.roleBinding.grantOwner', scope: home.project },
    };
    await expect(make(one.caller, account)).rejects.toMatchObject(refused);
    const owners = await make(home.owner.caller, account);
    await expect(tenancy.token.rotate(one.caller, { id: owners.id })).rejects.toMatchObject(refused);
    expect(await make(one.caller, account, { permissions: ['inventory.allocation.create'] })).toMatchObject({
      permissions: ['inventory.allocation.create'],
    });
  });

  test('a token held to an environment may be made by who holds what it can do there', async () => {
    const account = await robot('owner', home.tenant);
    const one = await people.holder('admin', home.tenant);
    await expect(make(one.caller, account, { scopeId: home.environment })).rejects.toMatchObject({
      facts: { missingPermission: 'tenancy.roleBinding.grantOwner', scope: home.environment },
    });
    const reader = { permissions: ['inventory.allocation.read'], scopeId: home.environment };
    expect(await make(one.caller, account, reader)).toMatchObject(reader);
  });

  test('an administrator of the platform hands out no key to a tenant: not by an account of the platform that was let in there', async () => {
    const account = await robot('editor', home.tenant, 'platform');
    await expect(make(admin.caller, account)).rejects.toMatchObject({
      code: 'permission-denied',
      facts: { scope: home.tenant },
    });
    await people.grant({ type: 'serviceAccount', id: account }, 'platform-viewer', { scopeId: 'platform' });
    expect(await make(admin.caller, account, { permissions: ['inventory.node.read'] })).toMatchObject({
      state: 'live',
    });
  });

  test('who may not make tokens makes none: an editor, an owner of a project, a token without that permission', async () => {
    const account = await robot('viewer', home.environment);
    const refused = {
      code: 'permission-denied',
      facts: { missingPermission: 'tenancy.token.create', scope: home.tenant },
    };
    for (const [role, scopeId] of [
      ['editor', home.tenant],
      ['owner', home.project],
    ] as const)
      await expect(make((await people.holder(role, scopeId)).caller, account)).rejects.toMatchObject(refused);
    const maker = await robot('owner', home.tenant);
    const token = await make(everyone, maker, { permissions: ['inventory.allocation.read'] });
    const speaks = (tokenId: typeof token.id): Caller => ({
      ...everyone,
      principal: { id: maker, type: 'service', tokenId },
    });
    await expect(make(speaks(token.id), account)).rejects.toMatchObject(refused);
    const able = await make(everyone, maker);
    expect(await make(speaks(able.id), account)).toMatchObject({ createdBy: maker });
  });
});

describe('a token never outlives what it rests on, nor a year', () => {
  test('by itself it ends with its creator’s grant; asked for longer it is refused, and says until when', async () => {
    const end = inHours(3);
    const one = await people.holder('owner', home.tenant, end);
    const account = await robot('viewer', home.tenant);
    expect((await make(one.caller, account)).expiresAt).toBe(end);
    await expect(make(one.caller, account, { expiresAt: inHours(4) })).rejects.toMatchObject({
      code: 'state-conflict',
      facts: { state: 'held for a time', heldUntil: end },
    });
    expect((await make(one.caller, account, { expiresAt: inHours(2) })).state).toBe('live');
  });

  test('ninety days when nothing is said, a year at most, and never in the past', async () => {
    const account = await robot('viewer', home.tenant);
    const days = (await make(home.owner.caller, account)).expiresAt;
    expect(Math.round((Date.parse(days) - Date.now()) / 86_400_000)).toBe(90);
    for (const expiresAt of [inHours(-1), inHours(24 * 366)])
      await expect(make(home.owner.caller, account, { expiresAt })).rejects.toMatchObject({
        code: 'validation-failed',
        facts: { errors: [{ pointer: '/expiresAt' }] },
      });
  });
});

describe('how many', () => {
  test('two live ones an account has at most, also when ten are asked for at once', async () => {
    const account = await robot('viewer', home.tenant);
    const asked = await Promise.allSettled(Array.from({ length: 10 }, () => make(home.owner.caller, account)));
    const made = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(made).toHaveLength(2);
    for (const each of asked)
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'state-conflict' });
    await tenancy.token.revoke(home.owner.caller, { id: made[0]!.id });
    expect(await make(home.owner.caller, account)).toMatchObject({ state: 'live' });
  });

  test('a rotation lets the old one speak for the overlap, once, and never makes a third', async () => {
    const account = await robot('viewer', home.tenant);
    const old = await make(home.owner.caller, account);
    const next = await tenancy.token.rotate(home.owner.caller, { id: old.id, overlapSeconds: 600 });
    expect(next.id).not.toBe(old.id);
    const during = await people.snapshotOfToken(old.secret ?? '');
    expect(Date.parse(during.validUntil ?? '')).toBeLessThan(Date.now() + 601_000);
    await expect(tenancy.token.rotate(home.owner.caller, { id: old.id })).rejects.toMatchObject({
      facts: { state: 'rotated' },
    });
    await expect(tenancy.token.rotate(home.owner.caller, { id: next.id })).rejects.toMatchObject({
      code: 'state-conflict',
    });
    const last = await tenancy.token.rotate(home.owner.caller, { id: next.id, overlapSeconds: 0 });
    await expect(people.snapshotOfToken(next.secret ?? '')).rejects.toMatchObject({ facts: { reason: 'revoked' } });
    expect((await people.snapshotOfToken(last.secret ?? '')).principal.tokenId).toBe(last.id);
  });
});

describe('what a token may name', () => {
  test('permissions that there are, and a scope in its own tenant', async () => {
    const account = await robot('viewer', home.tenant);
    const other = await people.tenant();
    await expect(
      make(home.owner.caller, account, { permissions: ['inventory.allocation.read', 'inventory.wormhole.read'] }),
    ).rejects.toMatchObject({ code: 'validation-failed', facts: { errors: [{ pointer: '/permissions/1' }] } });
    const swapped = home.project.replace('prj_', 'env_') as typeof home.environment;
    for (const scopeId of [other.project, 'platform', swapped, 'prj_01jdx3z6x7e008000000000009'] as const)
      await expect(make(home.owner.caller, account, { scopeId })).rejects.toMatchObject({
        code: 'reference-not-found',
        facts: { pointer: '/scopeId' },
      });
  });

  test('an account that was shut out gets none; one that is not there for the caller is missing', async () => {
    const account = await robot('viewer', home.tenant);
    await tenancy.serviceAccount.amend(everyone, { id: account, patch: { state: 'disabled' } });
    await expect(make(home.owner.caller, account)).rejects.toMatchObject({ code: 'state-conflict' });
    const { owner, tenant } = await people.tenant();
    const blind: Caller = { ...owner.caller, readScope: { tenantIds: [tenant], projectIds: [], environmentIds: [] } };
    await expect(make(blind, account)).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('a service account that ends', () => {
  test('takes its tokens and grants with it, each on the record, and its name is free again', async () => {
    const account = await people.account(home.tenant);
    await people.grant({ type: 'serviceAccount', id: account.id }, 'editor', { scopeId: home.tenant });
    await people.grant({ type: 'serviceAccount', id: account.id }, 'viewer', { scopeId: home.project });
    await make(home.owner.caller, account.id);
    await make(home.owner.caller, account.id);
    const [{ at } = { at: 0 }] = await opened.db.admin.sql<{
      at: number;
    }>`select max(seq)::int as at from tenancy.feed`;
    await tenancy.serviceAccount.remove(home.owner.caller, { id: account.id });
    const feed = await opened.db.admin.unsafe(`select type from tenancy.feed where seq > $1 order by seq`, [at]);
    expect(feed.map((row) => String(row['type']).replace('tenancy.', ''))).toEqual([
      'serviceAccount.removed',
      'token.revoked',
      'token.revoked',
      'roleBinding.removed',
      'roleBinding.removed',
    ]);
    expect(await tenancy.serviceAccount.create(everyone, { scopeId: home.tenant, name: account.name })).toMatchObject({
      name: account.name,
    });
  });

  test('is not ended by who could not take its grants back one by one', async () => {
    const one = await people.holder('admin', home.tenant);
    const account = await robot('owner', home.tenant);
    await expect(tenancy.serviceAccount.remove(one.caller, { id: account })).rejects.toMatchObject({
      code: 'permission-denied',
      facts: { missingPermission: 'tenancy.roleBinding.grantOwner' },
    });
  });

  test('the operator’s name on the platform is nobody else’s to take', async () => {
    await expect(
      tenancy.serviceAccount.create(admin.caller, { scopeId: 'platform', name: 'bootstrap' }),
    ).rejects.toMatchObject({
      code: 'already-exists',
    });
  });
});
