import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { everyone, openTenancy, type Opened } from '../../test/open.js';
import { inHours, peopleOf } from '../../test/people.js';

let opened: Opened;
let tenancy: Opened['tenancy'];
let people: ReturnType<typeof peopleOf>;

beforeAll(async () => {
  opened = await openTenancy();
  ({ tenancy } = opened);
  people = peopleOf(tenancy);
});
afterAll(() => opened.close());

const lastingAdministrators = async (): Promise<number> => {
  const [row] = await opened.db.admin.unsafe(
    `select count(*)::int as n from tenancy.role_binding b left join tenancy.principal p on p.id = b.principal_id
     where b.role = 'platform-admin' and b.expires_at is null and (p.id is null or p.state = 'active')`,
  );
  return Number(row?.['n']);
};
const administrator = async () => {
  const person = await people.person('admin');
  const binding = await people.grant(person.ref, 'platform-admin', { scopeId: 'platform' });
  return { person, binding };
};

describe('the last administrator stays', () => {
  test('of two who take each other away at once, one is left; each way to lose one is refused for the last', async () => {
    const [a, b] = [await administrator(), await administrator()];
    const done = await Promise.allSettled([
      tenancy.roleBinding.remove(a.person.caller, { id: b.binding.id }),
      tenancy.roleBinding.remove(b.person.caller, { id: a.binding.id }),
    ]);
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    // Who came second held nothing any more: the guard looked under the lock.
    expect(done.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'permission-denied' } });
    expect(await lastingAdministrators()).toBe(1);

    const left = done[0]?.status === 'fulfilled' ? a : b;
    const last = { code: 'last-administrator', facts: { scope: 'platform' } };
    await expect(tenancy.roleBinding.remove(everyone, { id: left.binding.id })).rejects.toMatchObject(last);
    await expect(
      tenancy.roleBinding.amend(everyone, { id: left.binding.id, patch: { expiresAt: inHours(1) } }),
    ).rejects.toMatchObject(last);
    await expect(tenancy.user.disable(everyone, { id: left.person.id })).rejects.toMatchObject(last);
    expect(await lastingAdministrators()).toBe(1);
  });

  test('also when the system takes both away at once, by different ways, twenty times over', async () => {
    for (let round = 0; round < 20; round += 1) {
      const one = await administrator();
      const others = await opened.db.admin.sql<{ id: string }>`
        select id from tenancy.role_binding where role = 'platform-admin' and id <> (select id from tenancy.role_binding where role = 'platform-admin' order by created_at desc limit 1)`;
      expect(others).toHaveLength(1);
      const { items } = await tenancy.roleBinding.list(everyone, { role: 'platform-admin' });
      const other = items.find(({ id }) => id !== one.binding.id);
      const done = await Promise.allSettled([
        tenancy.user.disable(everyone, { id: one.person.id }),
        tenancy.roleBinding.remove(everyone, { id: other!.id }),
      ]);
      expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(done.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { code: 'last-administrator' },
      });
      expect(await lastingAdministrators()).toBe(1);
      // Whoever was shut out but keeps a binding is swept up for the next round.
      for (const each of (await tenancy.roleBinding.list(everyone, { role: 'platform-admin' })).items)
        if (each.id === one.binding.id && done[0]?.status === 'fulfilled')
          await tenancy.roleBinding.remove(everyone, { id: each.id });
    }
  });

  test('an account that is removed or shut out may be it too', async () => {
    const account = await people.account('platform');
    const bound = await people.grant({ type: 'serviceAccount', id: account.id }, 'platform-admin', {
      scopeId: 'platform',
    });
    for (const { id } of (await tenancy.roleBinding.list(everyone, { role: 'platform-admin' })).items)
      if (id !== bound.id) await tenancy.roleBinding.remove(everyone, { id });
    const last = { code: 'last-administrator' };
    await expect(tenancy.serviceAccount.remove(everyone, { id: account.id })).rejects.toMatchObject(last);
    await expect(
      tenancy.serviceAccount.amend(everyone, { id: account.id, patch: { state: 'disabled' } }),
    ).rejects.toMatchObject(last);
    await administrator();
    await tenancy.serviceAccount.remove(everyone, { id: account.id });
  });
});

describe('the epoch', () => {
  test('counts every change of access once: forty grants and twenty revocations at once, none lost, none doubled', async () => {
    const { tenant } = await people.tenant();
    const persons = await Promise.all(Array.from({ length: 20 }, () => people.person('someone')));
    const account = await people.account(tenant);
    const token = await tenancy.token.create(everyone, { serviceAccountId: account.id, name: 'ci' });
    const before = (await tenancy.access.epoch(everyone, {})).epoch;
    const seen: number[] = [];
    let running = true;
    const watching = (async () => {
      while (running) seen.push((await tenancy.access.epoch(everyone, {})).epoch);
    })();
    const made = await Promise.all(persons.map(({ ref }) => people.grant(ref, 'viewer', { scopeId: tenant })));
    await Promise.all([
      ...made.map(({ id }) => tenancy.roleBinding.remove(everyone, { id })),
      ...persons.map(({ ref }) => people.grant(ref, 'editor', { scopeId: tenant })),
      tenancy.token.revoke(everyone, { id: token.id }),
    ]);
    running = false;
    await watching;
    expect((await tenancy.access.epoch(everyone, {})).epoch).toBe(before + 61);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  test('stands still for what was refused, for a dry run and for a repeated key', async () => {
    const { tenant, owner } = await people.tenant();
    const { ref } = await people.person('someone');
    const keyed = { ...owner.caller, idempotency: { scope: 's', key: 'k', fingerprint: 'f' } };
    const binding = await tenancy.roleBinding.create(keyed, { scopeId: tenant, subject: ref, role: 'viewer' });
    const before = (await tenancy.access.epoch(everyone, {})).epoch;
    expect(await tenancy.roleBinding.create(keyed, { scopeId: tenant, subject: ref, role: 'viewer' })).toEqual({
      ...binding,
      replayed: true,
    });
    await expect(people.grant(ref, 'viewer', { scopeId: tenant })).rejects.toMatchObject({ code: 'already-exists' });
    await tenancy.roleBinding.remove({ ...owner.caller, dryRun: true }, { id: binding.id });
    expect((await tenancy.access.epoch(everyone, {})).epoch).toBe(before);
  });
});

test('of twenty edits at one version one wins, and the others are told what it is now', async () => {
  const { tenant, owner } = await people.tenant();
  const binding = await people.grant((await people.person('someone')).ref, 'viewer', { scopeId: tenant });
  const done = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) =>
      tenancy.roleBinding.amend(owner.caller, { id: binding.id, version: 1, patch: { reason: `reason ${n}` } }),
    ),
  );
  expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const each of done)
    if (each.status === 'rejected')
      expect(each.reason).toMatchObject({
        code: 'version-mismatch',
        facts: { currentVersion: 2, changedFields: ['/reason'] },
      });
});
