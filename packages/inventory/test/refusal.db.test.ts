import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId, type Id } from '@sentral/contracts/ids';
import type { Refusal } from '@sentral/contracts/inventory/refusal';
import type { Problem } from '@sentral/contracts/problem';
import { defaultEnvironmentId, defaultProjectId, defaultTenantId } from '@sentral/contracts/tenancy';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asking, situationsOf } from './refusal-situations.js';
import { codeOf, orProblem, stand, type Item, type Outcome, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(16);
});
afterAll(async () => {
  expect(await s.broken()).toEqual([]);
  expect(s.warnings).toEqual([]);
  await s.close();
});

const { amount, someone, dry, explanationOf, rescope, vlans } = asking(() => s);

describe('the sole blocker', () => {
  test.each(Object.entries(situationsOf(() => s)))(
    'of %s is named, and lifting it lets the same request through',
    async (_, it) => {
      const { items, lift, item, unblock } = await it.make();
      const before = await s.everyRow();
      const tried = await dry(items);
      expect(await s.everyRow(), 'what is tried leaves nothing').toEqual(before);
      expect(codeOf(tried)).toBe(it.code);
      expect(explanationOf(tried)).toMatchObject({
        items: [{ item: 0, ...item }],
        soleBlockers: [it.filter],
        ...(unblock === undefined ? {} : { unblock }),
      });
      const real = await s.ask(items, {}, someone());
      expect([codeOf(real), explanationOf(real)]).toEqual([it.code, explanationOf(tried)]);
      await lift();
      expect(codeOf(await s.ask(items, {}, someone()))).toBe('ok');
    },
  );
});

test('two things in the way have no sole blocker, and each item says its own', async () => {
  const [full, drained] = [await s.host([{ class: 'vcpu', total: 1 }]), await s.host([{ class: 'vcpu', total: 1 }])];
  await s.inventory.node.amend(s.caller, { id: drained, patch: { intent: 'drain' } });
  const { items, soleBlockers } = explanationOf(await dry([amount(full, 1), amount(drained, 1), amount(full, 1)]));
  expect(soleBlockers).toEqual([]);
  expect(items.map((each) => [each.item, each.soleBlockers])).toEqual([
    [1, [{ filter: 'service', passing: 1 }]],
    [2, [{ filter: 'capacity', passing: 1 }]],
  ]);
});

test('what a request gives back itself is there for it: of a replacement, and of a release beside a create', async () => {
  const host = await s.host([{ class: 'vcpu', total: 4 }]);
  const held = await s.take([amount(host, 3)]);
  const as = someone({ dryRun: true });
  const grown = await orProblem(
    s.inventory.allocation.replace(as, { id: held.id, version: 1, items: [amount(host, 5)] }),
  );
  expect(explanationOf(grown).items).toMatchObject([{ nearestMisses: [{ fails: [{ requested: 5, available: 4 }] }] }]);
  const domainId = await vlans(1, 2);
  const number = await s.take([{ what: 'number', domainId, number: 1 }]);
  const refused = (await orProblem(
    s.inventory.allocation.batch(as, {
      operations: [
        { op: 'release', id: number.id },
        {
          op: 'create',
          environmentId: defaultEnvironmentId,
          consumer: { service: 'test', kind: 'thing', id: newId() },
          items: [{ what: 'number', domainId, count: 2 }, amount(host, 2)],
        },
      ],
    }),
  )) as Outcome;
  expect(explanationOf(refused)).toMatchObject({
    items: [{ operationIndex: 1, item: 1, soleBlockers: [{ filter: 'capacity' }] }],
    soleBlockers: ['capacity'],
    unblock: [{ allocationIds: [held.id] }],
  });
});

test('in a batch the operation that goes over a quota is named, not the first that takes of it', async () => {
  const host = await s.host([{ class: 'watt', total: 100 }]);
  await rescope(defaultProjectId, { limits: [{ dimension: 'inventory.watt', limit: 10 }] });
  const held = await s.take([amount(host, 4, 'watt')]);
  const create = (of: number) => ({
    op: 'create' as const,
    environmentId: defaultEnvironmentId,
    consumer: { service: 'test', kind: 'thing', id: newId() },
    items: [amount(host, of, 'watt')],
  });
  const batch = (...takes: number[]) =>
    orProblem(
      s.inventory.allocation.batch(someone(), {
        operations: [...takes.map(create), { op: 'release', id: held.id }],
      }),
    ) as Promise<Problem>;
  const refused = await batch(3, 7, 1);
  expect(refused).toMatchObject({ code: 'quota-exceeded', facts: { operationIndex: 2, requested: 7 } });
  expect(refused.facts['explanation']).toMatchObject({ items: [{ operationIndex: 2 }], soleBlockers: ['quota'] });
  expect(codeOf(await batch(3, 7))).toBe('ok');
  await rescope(defaultProjectId, { limits: [] });
});

describe('what is kept', () => {
  test('a refused request leaves nothing but its row, which says what was told and is no version of anything', async () => {
    const host = await s.host([{ class: 'vcpu', total: 1 }]);
    const before = await s.everyRow('refusal');
    const caller = someone();
    const refused = (await s.ask([amount(host, 2)], {}, caller)) as Problem;
    expect(await s.everyRow('refusal')).toEqual(before);
    const { refusalId, explanation, ...facts } = refused.facts;
    const kept = await s.inventory.refusal.get(s.caller, { id: refusalId as Id<'rfs'> });
    expect(kept).toMatchObject({
      tenantId: defaultTenantId,
      projectId: defaultProjectId,
      environmentId: defaultEnvironmentId,
      principal: caller.principal,
      problem: { code: 'capacity-exhausted', status: 409, ...facts },
      explanation,
    });
    expect(Date.parse(kept.expiresAt) - Date.parse(kept.createdAt)).toBe(86_400_000);
    const { items } = await s.inventory.refusal.list(s.caller, { environmentId: defaultEnvironmentId, limit: 500 });
    expect(items.at(-1)).toEqual(kept);
  });

  test('of one principal ten a second are explained and kept, whoever else is refused', async () => {
    const host = await s.host([{ class: 'vcpu', total: 1 }]);
    const caller = someone();
    const count = async () =>
      Number(
        (
          await s.admin.unsafe('select count(*)::int as n from inventory.refusal where principal_id = $1', [
            caller.principal.id,
          ])
        )[0]?.['n'],
      );
    for (let round = 0; round < 3; round += 1) {
      const outcomes = await Promise.all(Array.from({ length: 16 }, () => s.ask([amount(host, 2)], {}, caller)));
      expect(new Set(outcomes.map(codeOf))).toEqual(new Set(['capacity-exhausted']));
    }
    const [most] = await s.admin.unsafe(
      `select max(n)::int as n from (select count(*) over (order by created_at range between interval '999999 microseconds' preceding and current row) as n
       from inventory.refusal where principal_id = $1) w`,
      [caller.principal.id],
    );
    expect(await count()).toBeGreaterThanOrEqual(10);
    expect(most?.['n']).toBe(10);
    expect(((await s.ask([amount(host, 2)], {}, someone())) as Problem).facts['refusalId']).toMatch(/^rfs_/);
  });

  test('the days are made ahead and dropped a day after their end, and what cannot be kept is refused all the same', async () => {
    const days = async () =>
      (
        await s.admin.unsafe(
          `select right(c.relname, 8) as day from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'inventory.refusal'::regclass order by 1`,
        )
      ).map((row) => String(row['day']));
    const all = await days();
    expect(all).toHaveLength(8);
    await s.admin.unsafe(
      `create table inventory.refusal_p20200101 partition of inventory.refusal for values from ('2020-01-01') to ('2020-01-02')`,
    );
    const [{ changed } = {}] = await s.deps.db.app.unsafe('select inventory.refusal_keep_partitions(7) as changed');
    expect([changed, await days()]).toEqual([1, all]);
    const host = await s.host([{ class: 'vcpu', total: 1 }]);
    await s.admin.unsafe('alter table inventory.refusal rename to refusal_away');
    const refused = (await s.ask([amount(host, 2)], {}, someone())) as Problem;
    await s.admin.unsafe('alter table inventory.refusal_away rename to refusal');
    expect([refused.code, refused.facts['refusalId'], s.warnings.length]).toEqual(['capacity-exhausted', undefined, 1]);
    (s.warnings as string[]).length = 0;
  });
});

describe('what one may see', () => {
  const tenantOnly = { tenantIds: [defaultTenantId], projectIds: [], environmentIds: [] };

  test('a tenant is told what is left of the platform’s in one digit, and of holders only its own', async () => {
    const host = await s.host([{ class: 'vcpu', total: 100 }]);
    const mine = await s.take([amount(host, 15)]);
    const refused = (await s.ask([amount(host, 90)], {}, someone({ readScope: tenantOnly }))) as Problem;
    expect(refused.facts).toMatchObject({ requested: 90, available: 80 });
    expect(explanationOf(refused)).toMatchObject({
      items: [{ nearestMisses: [{ fails: [{ filter: 'capacity', requested: 90, available: 80 }] }] }],
      unblock: [{ type: 'release', allocationIds: [mine.id] }],
    });
    const nobody = { tenantIds: [], projectIds: [], environmentIds: [encodeId('env', newId())] };
    expect(explanationOf(await s.ask([amount(host, 90)], {}, someone({ readScope: nobody }))).unblock).toEqual([]);
  });

  test('values of a pool that is not seen are not counted', async () => {
    const domainId = await vlans(1, 4);
    await s.take([{ what: 'number', domainId, count: 3 }]);
    const items: Item[] = [{ what: 'number', domainId, count: 2 }];
    expect(explanationOf(await s.ask(items, {}, someone({ readScope: tenantOnly })))).toMatchObject({
      items: [{ candidates: 1, needed: 1, waterfall: [{ filter: 'held', remaining: 0 }, {}, {}, {}] }],
      soleBlockers: ['held'],
    });
  });

  test('who sees less than whom it was told to is shown that it was refused, and who sees nothing finds nothing', async () => {
    const host = await s.host([{ class: 'vcpu', total: 1 }]);
    const refused = (await s.ask([amount(host, 2)], {}, someone())) as Problem;
    const get = (readScope: Caller['readScope']) =>
      orProblem(s.inventory.refusal.get(someone({ readScope }), { id: refused.facts['refusalId'] as Id<'rfs'> }));
    const shown = (await get(tenantOnly)) as Refusal;
    expect([shown.problem, shown.explanation]).toEqual([
      { code: 'capacity-exhausted', status: 409, title: 'Not enough is left' },
      undefined,
    ]);
    const other = { tenantIds: [encodeId('tnt', newId())], projectIds: [], environmentIds: [] };
    expect(codeOf(await get(other))).toBe('not-found');
  });
});

test('what is tried and held is kept for a minute as it was judged, to be confirmed', async () => {
  const host = await s.host([{ class: 'vcpu', total: 2 }]);
  const held = await s.take([amount(host, 2)], { hold: true });
  expect([held.state, held.ttlSeconds, await s.used(host)]).toEqual(['held', 60, 2]);
  expect(Date.parse(held.expiresAt ?? '') - Date.parse(held.createdAt)).toBe(60_000);
  expect(await s.inventory.allocation.confirm(s.caller, { id: held.id })).toMatchObject({ state: 'active' });
  const lease = { hold: true, ttlSeconds: 600, maxTtlSeconds: 900 } as const;
  expect(await s.take([amount(await s.host([{ class: 'vcpu', total: 1 }]), 1)], lease)).toMatchObject({
    ttlSeconds: 60,
    maxTtlSeconds: 900,
  });
});

test('more than a transaction would end has run out: a taker that has room takes at once, and one that needs it all gets it', async () => {
  const host = await s.host([{ class: 'vcpu', total: 130 }]);
  const leases = await Promise.all(Array.from({ length: 120 }, () => s.take([amount(host, 1)], { ttlSeconds: 60 })));
  const ids = leases.map(({ id }) => `'${decodeId('alc', id)}'`).join(',');
  await s.admin.unsafe(`do $$ begin
    perform set_config('session_replication_role', 'replica', true);
    update inventory.allocation set starts_at = now() - interval '2 hours', expires_at = now() - interval '1 second' where id in (${ids});
    update inventory.allocation_item set during = tstzrange(now() - interval '2 hours', now() - interval '1 second') where allocation_id in (${ids});
  end $$`);
  await s.take([amount(host, 10)]);
  expect(await s.used(host), 'fifty were ended for the group, fifty by the taker').toBe(30);
  await s.take([amount(host, 120)]);
  expect(await s.used(host)).toBe(130);
}, 60_000);
