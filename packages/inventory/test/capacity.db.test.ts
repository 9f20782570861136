import type { Id } from '@sentral/contracts/ids';
import { encodeId } from '@sentral/contracts/ids';
import { defaultTenantId } from '@sentral/contracts/tenancy';
import { constraintName } from '@sentral/kernel/errors';
import { decodeId } from '@sentral/contracts/ids';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tree } from './scope-tree.js';
import { codeOf, orProblem, stand, type Item, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand();
});
afterAll(async () => {
  expect(await s.broken()).toEqual([]);
  await s.close();
});

const vcpu = (nodeId: Id<'nod'>, amount: number, of = 'vcpu'): Item => ({
  what: 'capacity',
  nodeId,
  class: of,
  amount,
});
const asks = async (...items: Item[]) => codeOf(await s.ask(items));

describe('amounts', () => {
  test('P01 of 10 with 2 held back and half as much again, 12 are given and no more', async () => {
    const host = await s.host([{ class: 'vcpu', total: 10, heldBack: 2, overcommitPct: 150 }]);
    expect([await asks(vcpu(host, 12)), await asks(vcpu(host, 1)), await s.used(host)]).toEqual([
      'ok',
      'capacity-exhausted',
      12,
    ]);
  });

  test('P02 a cap is rounded down, never up', async () => {
    const host = await s.host([{ class: 'vcpu', total: 3, overcommitPct: 150 }]);
    expect([await asks(vcpu(host, 5)), await asks(vcpu(host, 4))]).toEqual(['capacity-exhausted', 'ok']);
  });

  test('P03 P04 an amount is refused by the rule that it breaks, and one that breaks none is given', async () => {
    const host = await s.host([{ class: 'vcpu', total: 2048, minUnit: 10, maxUnit: 1000, step: 10 }]);
    for (const [amount, rule, bound] of [
      [5, 'min', 10],
      [15, 'step', 10],
      [1010, 'max', 1000],
    ] as const)
      expect(await s.ask([vcpu(host, amount)])).toMatchObject({
        code: 'amount-not-allowed',
        facts: { rule, bound, class: 'vcpu', requested: amount },
      });
    expect([await asks(vcpu(host, 10)), await asks(vcpu(host, 1000)), await s.used(host)]).toEqual(['ok', 'ok', 1010]);
  });

  test('P05 P11 what is no whole positive number within the documented bound is bad, and the bound itself is given', async () => {
    const host = await s.host([{ class: 'watt', total: 1_000_000_000_000 }]);
    for (const amount of [0, -1, 1.5, '2', 1_000_000_000_001, Number.MAX_SAFE_INTEGER])
      expect(await asks(vcpu(host, amount as number, 'watt'))).toBe('validation-failed');
    expect([await s.used(host, 'watt'), await asks(vcpu(host, 1_000_000_000_000, 'watt'))]).toEqual([0, 'ok']);
  });

  test('P06 one left of four is not given to who wants two, and the refused holder does not exist', async () => {
    const host = await s.host([{ class: 'vcpu', total: 4 }]);
    await s.take([vcpu(host, 3)]);
    const consumer = { service: 'test', kind: 'thing', id: `refused-${newId()}` };
    expect(await s.ask([vcpu(host, 2)], { consumer })).toMatchObject({
      code: 'capacity-exhausted',
      facts: { unit: 'vcpu', providerId: host, requested: 2, available: 1 },
    });
    expect(await s.used(host)).toBe(3);
    expect((await s.inventory.allocation.list(s.caller, { consumerId: consumer.id })).items).toEqual([]);
  });

  test('P08 P09 P10 all held back gives nothing, the cap beats the largest unit, overcommit multiplies', async () => {
    const none = await s.host([{ class: 'vcpu', total: 4, heldBack: 4 }]);
    const four = await s.host([{ class: 'vcpu', total: 4, maxUnit: 100 }]);
    const many = await s.host([{ class: 'vcpu', total: 24, overcommitPct: 1600, maxUnit: 24 }]);
    expect([await asks(vcpu(none, 1)), await asks(vcpu(four, 5)), await asks(vcpu(many, 25))]).toEqual([
      'capacity-exhausted',
      'capacity-exhausted',
      'amount-not-allowed',
    ]);
    for (let i = 0; i < 16; i += 1) expect(await asks(vcpu(many, 24))).toBe('ok');
    expect(await asks(vcpu(many, 24))).toBe('capacity-exhausted');
  });

  test('P12 P13 P14 a class that is not there, one that nobody defined and a node that nobody has are told apart', async () => {
    const host = await s.host([{ class: 'vcpu', total: 4 }]);
    const nobody = encodeId('nod', newId());
    expect(await s.ask([vcpu(host, 1, 'diskGib')])).toMatchObject({
      code: 'class-not-offered',
      facts: { class: 'diskGib', providerId: host },
    });
    expect(await s.ask([vcpu(host, 1, 'unicorns')])).toMatchObject({
      code: 'reference-not-found',
      facts: { pointer: '/items/0/class' },
    });
    expect(await s.ask([vcpu(host, 1), vcpu(nobody, 1)])).toMatchObject({
      code: 'reference-not-found',
      facts: { pointer: '/items/1/nodeId' },
    });
    expect(await s.used(host)).toBe(0);
  });

  test('P27 P28 amounts of two nodes are given to one holder, or none of them is', async () => {
    const [a, b] = [await s.host([{ class: 'vcpu', total: 4 }]), await s.host([{ class: 'diskGib', total: 200 }])];
    expect(await asks(vcpu(a, 2), vcpu(b, 201, 'diskGib'))).toBe('capacity-exhausted');
    expect([await s.used(a), await s.used(b, 'diskGib')]).toEqual([0, 0]);
    const both = await s.take([vcpu(a, 1), vcpu(b, 200, 'diskGib')]);
    expect(both.items.map((item) => [item.nodeId, item.class, item.amount])).toEqual([
      [a, 'vcpu', 1],
      [b, 'diskGib', 200],
    ]);
    expect(both.version).toBe(1);
  });

  test('of one counter the items of a request are added up before it is judged', async () => {
    const host = await s.host([{ class: 'vcpu', total: 4 }]);
    expect([await asks(vcpu(host, 3), vcpu(host, 2)), await asks(vcpu(host, 2), vcpu(host, 2))]).toEqual([
      'capacity-exhausted',
      'ok',
    ]);
  });

  test('a node out of service gives nothing, and one that is dedicated to another tenant does not exist', async () => {
    const host = await s.host([{ class: 'vcpu', total: 4 }]);
    await s.inventory.node.amend(s.caller, { id: host, patch: { intent: 'drain' } });
    expect(await asks(vcpu(host, 1))).toBe('state-conflict');
    const { tenant } = tree(1, 1);
    await s.inventory.projection.apply({ ...s.caller, scopes: [tenant] }, {});
    await s.inventory.node.amend(s.caller, {
      id: host,
      patch: { intent: 'in_service', tenantId: tenant.id },
    });
    const readScope = { tenantIds: [defaultTenantId], projectIds: [], environmentIds: [] };
    expect(codeOf(await s.ask([vcpu(host, 1)], {}, { ...s.caller, readScope }))).toBe('reference-not-found');
  });

  test('a server is given whole or in parts, never both', async () => {
    const parts = await s.host([{ class: 'vcpu', total: 4 }], 'server');
    const part = await s.take([vcpu(parts, 1)]);
    expect(await asks({ what: 'node', nodeId: parts })).toBe('allocation-conflict');
    await s.inventory.allocation.release(s.caller, { id: part.id });
    await s.take([{ what: 'node', nodeId: parts }]);
    expect(await asks(vcpu(parts, 1))).toBe('allocation-conflict');
  });
});

describe('edits', () => {
  const amend = (nodeId: Id<'nod'>, patch: object, version?: number) =>
    orProblem(s.inventory.capacity.amend(s.caller, { nodeId, class: 'vcpu', patch, version }));

  test('P38 P39 P41 what is shrunk under its use stops growing, and nothing else', async () => {
    const host = await s.host([{ class: 'vcpu', total: 10 }]);
    const [five, four] = [await s.take([vcpu(host, 5)]), await s.take([vcpu(host, 4)])];
    expect(await amend(host, { total: 8 })).toMatchObject({
      items: [{ total: 8, cap: 8, used: 9, overBy: 1, free: 0 }],
    });
    const to = (amount: number) =>
      orProblem(
        s.inventory.allocation.replace(s.caller, { id: five.id, version: five.version, items: [vcpu(host, amount)] }),
      );
    expect(codeOf(await to(6))).toBe('capacity-exhausted');
    expect(await asks(vcpu(host, 1))).toBe('capacity-exhausted');
    expect(codeOf(await to(4))).toBe('ok');
    expect((await s.inventory.capacity.get(s.caller, { nodeId: host, class: 'vcpu' })).overBy).toBe(0);
    await s.inventory.allocation.release(s.caller, { id: four.id });
    expect(await asks(vcpu(host, 4))).toBe('ok');
  });

  test('what is given back of an overhang leaves the rest of it written down', async () => {
    const host = await s.host([{ class: 'vcpu', total: 14 }]);
    const three = await s.take([vcpu(host, 3)]);
    await s.take([vcpu(host, 11)]);
    await amend(host, { total: 8 });
    await s.inventory.allocation.release(s.caller, { id: three.id });
    expect(await s.inventory.capacity.get(s.caller, { nodeId: host, class: 'vcpu' })).toMatchObject({
      used: 11,
      overBy: 3,
      free: 0,
    });
  });

  test('raw SQL cannot grow a counter over its cap, nor a cap away from its total', async () => {
    const host = await s.host([{ class: 'vcpu', total: 10 }]);
    await s.take([vcpu(host, 9)]);
    await amend(host, { total: 8 });
    const uuid = decodeId('nod', host);
    const broke = (text: string) => s.admin.unsafe(text, [uuid]).then(() => 'nothing', constraintName);
    const set = (what: string) => `update inventory.capacity set ${what} where node_id = $1`;
    expect(await broke(set('used = 10, over_by = 2'))).toBe('capacity_never_grown_over_cap');
    expect(await broke(set('used = 10'))).toMatch(/^capacity_(never_grown_over_cap|used_within_cap)$/);
    expect(await broke(set('cap = 9'))).toBe('capacity_cap_follows_total');
    expect(await broke(set('over_by = 0'))).toBe('capacity_used_within_cap');
    expect(await broke(set('used = -1'))).toBe('capacity_counts');
  });

  test('P42 P49 a taking moves the use and not the version, an edit the version; who is late is told', async () => {
    const host = await s.host([{ class: 'vcpu', total: 10 }]);
    const seen = () => s.inventory.node.get(s.caller, { id: host });
    const before = await seen();
    await s.take([vcpu(host, 1)]);
    await s.ask([vcpu(host, 100)]);
    const taken = await seen();
    expect([taken.version - before.version, taken.useVersion - before.useVersion]).toEqual([0, 1]);
    expect(await amend(host, { total: 11 }, taken.version)).toMatchObject({ version: taken.version + 1 });
    expect(await amend(host, { total: 12 }, taken.version)).toMatchObject({
      code: 'version-mismatch',
      facts: { currentVersion: taken.version + 1, providedVersion: taken.version },
    });
    expect(await amend(host, { total: 11 })).toMatchObject({ version: taken.version + 1 });
  });

  test('P43 P46 P47 P48 what is used is not taken away, and says by how many; when it is free it goes', async () => {
    const host = await s.host([
      { class: 'vcpu', total: 4 },
      { class: 'diskGib', total: 4 },
    ]);
    const held = await s.take([vcpu(host, 1)]);
    const inUse = { code: 'has-dependents', facts: { dependents: [{ type: 'allocation', count: 1, ids: [held.id] }] } };
    const { capacity, node } = s.inventory;
    expect(await orProblem(capacity.remove(s.caller, { nodeId: host, class: 'vcpu' }))).toMatchObject(inUse);
    expect(
      codeOf(await orProblem(capacity.add(s.caller, { nodeId: host, capacity: { class: 'vcpu', total: 1 } }))),
    ).toBe('already-exists');
    await capacity.remove(s.caller, { nodeId: host, class: 'diskGib' });
    expect(
      await orProblem(capacity.set(s.caller, { nodeId: host, capacities: [{ class: 'watt', total: 1 }] })),
    ).toMatchObject(inUse);
    expect(await orProblem(node.retire(s.caller, { id: host }))).toMatchObject(inUse);
    await s.inventory.allocation.release(s.caller, { id: held.id });
    const useVersion = (await node.get(s.caller, { id: host })).useVersion;
    await capacity.set(s.caller, { nodeId: host, capacities: [] });
    expect((await node.get(s.caller, { id: host })).useVersion).toBe(useVersion);
    await node.retire(s.caller, { id: host });
    expect(codeOf(await orProblem(node.retire(s.caller, { id: host })))).not.toBe('ok');
  });

  test.each([
    [{ total: 0 }],
    [{ total: -1 }],
    [{ minUnit: 0 }],
    [{ step: 0 }],
    [{ overcommitPct: -1 }],
    [{ overcommitPct: 0 }],
    [{ heldBack: 11 }],
    [{ minUnit: 5, maxUnit: 2 }],
  ])('P44 P45 an offer of %j is bad, and nothing is changed', async (patch) => {
    const host = await s.host([{ class: 'vcpu', total: 10 }]);
    const before = await s.inventory.capacity.list(s.caller, { nodeId: host });
    expect(codeOf(await amend(host, patch))).toBe('validation-failed');
    expect(await s.inventory.capacity.list(s.caller, { nodeId: host })).toEqual(before);
  });
});
