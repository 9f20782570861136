import { decide } from '@sentral/contracts/access';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { everyone, openTenancy, type Opened } from '../../test/open.js';
import { credentialOf, fresh, inHours, issuer, peopleOf } from '../../test/people.js';

let opened: Opened;
let tenancy: Opened['tenancy'];
let people: ReturnType<typeof peopleOf>;
let home: Awaited<ReturnType<typeof people.tenant>>;

beforeAll(async () => {
  opened = await openTenancy();
  ({ tenancy } = opened);
  people = peopleOf(tenancy);
  await people.holder('platform-admin', 'platform');
  home = await people.tenant();
});
afterAll(() => opened.close());

const epoch = async (): Promise<number> => (await tenancy.access.epoch(everyone, {})).epoch;
const robot = async () => {
  const account = await people.account(home.tenant);
  await people.grant({ type: 'serviceAccount', id: account.id }, 'editor', { scopeId: home.project });
  const made = await tenancy.token.create(everyone, { serviceAccountId: account.id, name: 'ci' });
  return { account, made, text: made.secret ?? '' };
};
const unauthenticated = (reason: string) => ({ code: 'unauthenticated', facts: { reason } });

describe('a person', () => {
  test('who comes for the first time gets a row, once, though it comes twenty times at once', async () => {
    const subject = fresh('newcomer');
    const sessions = await Promise.all(Array.from({ length: 20 }, () => people.snapshotOf({ subject })));
    expect(new Set(sessions.map(({ principal }) => principal.id)).size).toBe(1);
    expect(sessions[0]?.snapshot).toMatchObject({ grants: [], denies: [] });
    const feed = await opened.db.admin.unsafe(
      `select audit -> 'principal' as who from tenancy.feed where type = 'tenancy.user.registered' and (audit #>> '{personal,box}')::jsonb #>> '{after,subject}' = $1`,
      [subject],
    );
    expect(feed).toEqual([{ who: { id: 'door', type: 'system' } }]);
  });

  test('has its own grants and those of the groups of its credential, until the first of them ends', async () => {
    const end = inHours(2);
    const one = await people.holder('viewer', home.project);
    const group = { issuer, name: fresh('group') };
    await people.grant({ type: 'group', ...group }, 'editor', { scopeId: home.environment, expiresAt: end });
    expect((await people.snapshotOf(one)).snapshot.grants.map(({ scope }) => scope.id)).toEqual([home.project]);
    const both = await people.snapshotOf(one, [group.name, group.name]);
    expect(both.snapshot.grants.map(({ scope }) => scope)).toEqual(
      expect.arrayContaining([
        { id: home.project, kind: 'project', parentId: home.tenant, tenantId: home.tenant },
        { id: home.environment, kind: 'environment', parentId: home.project, tenantId: home.tenant },
      ]),
    );
    expect(both.principal.groups).toEqual([group]);
    expect(both.validUntil).toBe(end);
  });

  test('has no grant of a group that another issuer calls the same', async () => {
    const name = fresh('group');
    await people.grant({ type: 'group', issuer: 'https://elsewhere.example', name }, 'owner', { scopeId: home.tenant });
    expect((await people.snapshotOf(await people.person('someone'), [name])).snapshot.grants).toEqual([]);
  });

  test('keeps nothing of a scope that was deleted, and has it again when the scope is', async () => {
    const { tenant, project, environment } = await people.tenant();
    const one = await people.holder('viewer', environment);
    const { version } = await tenancy.scope.get(everyone, { id: environment });
    const gone = await tenancy.scope.remove(everyone, { id: environment, version });
    expect((await people.snapshotOf(one)).snapshot.grants).toEqual([]);
    await tenancy.scope.restore(everyone, { id: environment, version: gone.version });
    expect((await people.snapshotOf(one)).snapshot.grants).toHaveLength(1);
    expect([tenant, project]).toHaveLength(2);
  });

  test('is met by rules of the platform and of the tenants it is granted something in, and by no others', async () => {
    const elsewhere = await people.tenant();
    const one = await people.holder('viewer', home.project);
    const rule = async (
      scopeId: 'platform' | typeof home.tenant,
      subjects: 'all' | [typeof one.ref],
      exceptions: (typeof one.ref)[] = [],
    ) =>
      (
        await tenancy.denyRule.create(everyone, {
          scopeId,
          subjects,
          exceptions,
          permissions: ['task.task.cancel'],
          reason: 'a test',
        })
      ).id;
    const meant = [await rule('platform', [one.ref]), await rule(home.tenant, 'all')];
    await rule(home.tenant, 'all', [one.ref]);
    await rule(home.tenant, [elsewhere.owner.ref]);
    await rule(elsewhere.tenant, 'all');
    const { snapshot } = await people.snapshotOf(one);
    expect(snapshot.denies.map(({ id }) => id).toSorted()).toEqual(meant.toSorted());
  });

  test('that an issuer calls like a service account is not let in as one', async () => {
    const account = await people.account(home.tenant);
    const [row] = await opened.db.admin.unsafe(`select issuer, subject from tenancy.principal where name = $1`, [
      account.name,
    ]);
    const credential = {
      type: 'oidc' as const,
      issuer: String(row?.['issuer']),
      subject: String(row?.['subject']),
      groups: [],
    };
    await expect(tenancy.access.snapshot(everyone, { credential })).rejects.toMatchObject(unauthenticated('invalid'));
  });
});

describe('what is taken away is gone from the next snapshot on, and the epoch says so', () => {
  test('a binding that was removed, one that ran out, a person that was shut out and let in again', async () => {
    const one = await people.person('someone');
    const binding = await people.grant(one.ref, 'editor', { scopeId: home.tenant });
    const before = await people.snapshotOf(one);
    await tenancy.roleBinding.remove(everyone, { id: binding.id });
    const after = await people.snapshotOf(one);
    expect([before.snapshot.grants.length, after.snapshot.grants.length]).toEqual([1, 0]);
    expect(after.snapshot.epoch).toBeGreaterThan(before.snapshot.epoch);

    const late = await people.grant(one.ref, 'viewer', { scopeId: home.tenant, expiresAt: inHours(1) });
    await opened.db.admin.unsafe(
      `set local session_replication_role = replica; update tenancy.role_binding set expires_at = now() where expires_at is not null`,
    );
    expect((await people.snapshotOf(one)).snapshot.grants).toEqual([]);
    expect(late.expiresAt).toBeDefined();

    const shut = await epoch();
    await tenancy.user.disable(everyone, { id: one.id });
    await expect(people.snapshotOf(one)).rejects.toMatchObject(unauthenticated('revoked'));
    expect(await epoch()).toBe(shut + 1);
    await tenancy.user.enable(everyone, { id: one.id });
    expect((await people.snapshotOf(one)).principal.id).toBe(one.id);
  });

  test('a token: revoked, run out, its account shut out or removed', async () => {
    const { text, made } = await robot();
    expect((await people.snapshotOfToken(text)).principal.tokenId).toBe(made.id);
    const before = await epoch();
    await tenancy.token.revoke(everyone, { id: made.id });
    await expect(people.snapshotOfToken(text)).rejects.toMatchObject(unauthenticated('revoked'));
    expect(await epoch()).toBe(before + 1);

    const shut = await robot();
    await tenancy.serviceAccount.amend(everyone, { id: shut.account.id, patch: { state: 'disabled' } });
    await expect(people.snapshotOfToken(shut.text)).rejects.toMatchObject(unauthenticated('revoked'));

    const gone = await robot();
    await tenancy.serviceAccount.remove(everyone, { id: gone.account.id });
    await expect(people.snapshotOfToken(gone.text)).rejects.toMatchObject(unauthenticated('revoked'));

    const late = await robot();
    await opened.db.admin.unsafe(
      `set local session_replication_role = replica; update tenancy.token set expires_at = now() where revoked_at is null`,
    );
    await expect(people.snapshotOfToken(late.text)).rejects.toMatchObject(unauthenticated('expired'));
  });

  test('state and grants are of one moment: a snapshot never has the epoch of a revocation and not the revocation', async () => {
    const one = await people.holder('editor', home.tenant);
    let answered = false;
    const seen: { epoch: number; state: string }[] = [];
    const reading = (async () => {
      for (let more = 0; more < 5; more += answered ? 1 : 0) {
        await people.snapshotOf(one).then(
          ({ snapshot }) => seen.push({ epoch: snapshot.epoch, state: 'in' }),
          () => seen.push({ epoch: -1, state: 'out' }),
        );
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await tenancy.user.disable(everyone, { id: one.id });
    const moved = await epoch();
    answered = true;
    await reading;
    expect(seen.filter(({ state, epoch }) => state === 'in' && epoch >= moved)).toEqual([]);
    expect(seen.at(-1)?.state).toBe('out');
  });
});

describe('a token', () => {
  test('speaks for its account within its limits, until it ends', async () => {
    const account = await people.account(home.tenant);
    await people.grant({ type: 'serviceAccount', id: account.id }, 'owner', { scopeId: home.tenant });
    const made = await tenancy.token.create(everyone, {
      serviceAccountId: account.id,
      name: 'ci',
      permissions: ['inventory.allocation.read'],
      scopeId: home.project,
      expiresAt: inHours(5),
    });
    const { principal, snapshot, validUntil } = await people.snapshotOfToken(made.secret ?? '');
    expect(principal).toMatchObject({ id: account.id, type: 'service', groups: [], tokenId: made.id });
    expect(validUntil).toBe(made.expiresAt);
    expect(snapshot.token).toEqual({
      permissions: ['inventory.allocation.read'],
      scope: { id: home.project, kind: 'project', parentId: home.tenant, tenantId: home.tenant },
    });
    const chain = (await tenancy.scope.path(everyone, { id: home.project })).rows;
    expect(decide(snapshot, 'inventory.allocation.read', chain).allowed).toBe(true);
    expect(decide(snapshot, 'inventory.allocation.create', chain).allowed).toBe(false);
    expect(decide(snapshot, 'inventory.allocation.read', chain.slice(0, 2)).allowed).toBe(false);
  });

  test('with a wrong secret, of nobody, or of someone else is told nothing but that it is invalid', async () => {
    const { text, made } = await robot();
    const other = await robot();
    const credential = credentialOf(text);
    const ask = (changes: object) =>
      tenancy.access.snapshot(everyone, { credential: { ...credential, ...changes } }).catch((e: unknown) => e);
    const wrong = await ask({ secretSha256: credentialOf(other.text).secretSha256 });
    const unknown = await ask({ id: 'tok_01jdx3z6x7e008000000000009' });
    await tenancy.token.revoke(everyone, { id: made.id });
    const revoked = await ask({ secretSha256: 'ab'.repeat(32) });
    for (const refusal of [wrong, unknown, revoked]) {
      expect(refusal).toMatchObject(unauthenticated('invalid'));
      expect(JSON.stringify(refusal)).toBe(JSON.stringify(wrong));
    }
  });

  test('that nobody has takes the same way as a wrong secret: one statement each, and as long but for noise', async () => {
    const { text } = await robot();
    const credential = credentialOf(text);
    const timed = async (changes: object): Promise<number> => {
      const start = performance.now();
      await tenancy.access.snapshot(everyone, { credential: { ...credential, ...changes } }).catch(() => undefined);
      return performance.now() - start;
    };
    const wrong: number[] = [];
    const unknown: number[] = [];
    for (let round = 0; round < 60; round += 1) {
      wrong.push(await timed({ secretSha256: 'ab'.repeat(32) }));
      unknown.push(await timed({ id: 'tok_01jdx3z6x7e008000000000009' }));
    }
    const median = (of: number[]): number => of.toSorted((a, b) => a - b)[of.length >> 1] ?? 0;
    expect(Math.abs(median(wrong) - median(unknown))).toBeLessThan(5);
  });

  test('notes its last use beside the request: one row in five minutes, and no request fails for it', async () => {
    const { text, made } = await robot();
    await Promise.all(Array.from({ length: 10 }, () => people.snapshotOfToken(text)));
    const used = async () => (await tenancy.token.get(everyone, { id: made.id })).lastUsedAt;
    await expect.poll(used).toBeDefined();
    const first = await used();
    await people.snapshotOfToken(text);
    expect(await used()).toBe(first);
    await opened.db.admin.unsafe(`update tenancy.token_use set used_at = now() - interval '6 minutes'`);
    // Somebody sits on the row: the request is answered all the same.
    const sitting = opened.db.admin.unsafe(
      `with held as (select 1 from tenancy.token_use for update) select pg_sleep(0.5) from held limit 1`,
    );
    await people.snapshotOfToken(text);
    await sitting;
    await expect.poll(async () => Date.parse((await used()) ?? '') > Date.now() - 60_000).toBe(true);
    const feed = await opened.db.admin.unsafe(
      `select 1 from tenancy.feed where resource_type = 'tenancy.token' and audit #>> '{after,id}' = $1`,
      [made.id],
    );
    expect(feed).toHaveLength(1);
  });
});
