import type { Id } from '@sentral/contracts/ids';
import { isProblem } from '@sentral/contracts/problem';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, orProblem, stand, type Stand } from './stand.js';

type Node = Id<'nod'>;

let s: Stand;
beforeAll(async () => {
  s = await stand();
});
afterAll(async () => {
  expect(await s.broken()).toEqual([]);
  await s.close();
});

const node = async (parentId?: Node, more: { id?: Node; name?: string; traits?: string[] } = {}): Promise<Node> =>
  (await register({ ...more, ...(parentId === undefined ? {} : { parentId }) })).id;
const register = (more: { id?: Node; parentId?: Node; name?: string; traits?: string[] }) =>
  s.inventory.node.register(s.caller, { kind: 'cluster', name: `n-${newId()}`, ...more });
const move = (id: Node, parentId: Node | null, version?: number) =>
  orProblem(
    s.inventory.node.amend(s.caller, { id, ...(version === undefined ? {} : { version }), patch: { parentId } }),
  );
const rootOf = async (id: Node) => (await s.inventory.node.get(s.caller, { id })).rootId;
const factsOf = (outcome: unknown) => (isProblem(outcome) ? outcome.facts : {});
/** root → child → grandchild */
async function line(): Promise<[Node, Node, Node]> {
  const root = await node();
  const child = await node(root);
  return [root, child, await node(child)];
}

test('P50 the root is the root, also after the middle has moved', async () => {
  const [root, child, grandchild] = await line();
  expect(await rootOf(grandchild)).toBe(root);
  const other = await node();
  expect(codeOf(await move(child, other))).toBe('ok');
  expect(await rootOf(grandchild)).toBe(other);
});

test('P51 what holds others stays, and is told whom', async () => {
  const [root, child] = await line();
  const refusal = await orProblem(s.inventory.node.retire(s.caller, { id: root }));
  expect(codeOf(refusal)).toBe('has-dependents');
  expect(factsOf(refusal)['dependents']).toEqual([{ type: 'node', count: 1, ids: [child] }]);
});

test('P52 no loop is ever closed, by one move or by two that race', async () => {
  const [root, child] = await line();
  expect(codeOf(await move(root, child))).toBe('cycle-detected');
  expect(codeOf(await move(root, root))).toBe('cycle-detected');
  for (let round = 0; round < 8; round += 1) {
    const [a, b] = [await node(), await node()];
    const outcomes = (await Promise.all([move(a, b), move(b, a)])).map(codeOf);
    expect(outcomes.filter((code) => code === 'ok')).toHaveLength(1);
    expect(outcomes).toContain('cycle-detected');
  }
});

test('P53 nothing lies in what never was', async () => {
  const never = 'nod_01jz0000000000000000000000' as Node;
  const refusal = await orProblem(register({ parentId: never }));
  expect([codeOf(refusal), factsOf(refusal)['pointer']]).toEqual(['reference-not-found', '/parentId']);
});

test('P54 a name or an id that is there already is refused by its field', async () => {
  const id = await node(undefined, { name: 'twice' });
  const name = await orProblem(register({ name: 'twice' }));
  expect([codeOf(name), factsOf(name)['field']]).toEqual(['already-exists', 'name']);
  const same = await orProblem(register({ id, name: 'once' }));
  expect([codeOf(same), factsOf(same)['field']]).toEqual(['already-exists', 'id']);
});

test('P55 a trait or a class in use stays; also when it comes into use at the same moment', async () => {
  const key = (n: number | string) => `trait-${n}`;
  await s.inventory.trait.register(s.caller, { key: key('used'), title: 'T' });
  const id = await node(undefined, { traits: [key('used')] });
  const refusal = await orProblem(s.inventory.trait.remove(s.caller, { key: key('used') }));
  expect([codeOf(refusal), factsOf(refusal)['dependents']]).toEqual([
    'has-dependents',
    [{ type: 'node', count: 1, ids: [id] }],
  ]);
  await s.inventory.resourceClass.create(s.caller, { key: 'inUse', title: 'T', unit: 'u' });
  await s.host([{ class: 'inUse', total: 1 }]);
  const offered = await orProblem(s.inventory.resourceClass.remove(s.caller, { key: 'inUse' }));
  expect([codeOf(offered), factsOf(offered)['dependents']]).toEqual([
    'has-dependents',
    [{ type: 'capacity', count: 1 }],
  ]);
  // A retired node keeps its list and lets go of the registry.
  await s.inventory.node.retire(s.caller, { id });
  expect((await s.inventory.node.get(s.caller, { id })).traits).toEqual([key('used')]);
  await s.inventory.trait.remove(s.caller, { key: key('used') });

  for (let round = 0; round < 8; round += 1) {
    await s.inventory.trait.register(s.caller, { key: key(round), title: 'T' });
    const [given, ended] = await Promise.all([
      orProblem(register({ traits: [key(round)] })),
      orProblem(s.inventory.trait.remove(s.caller, { key: key(round) })),
    ]);
    expect([
      ['ok', 'has-dependents'],
      ['reference-not-found', 'ok'],
    ]).toContainEqual([codeOf(given), codeOf(ended)]);
  }
});

test('P56 of three traits one is unknown: none is set, by whichever way', async () => {
  for (const key of ['known-a', 'known-b']) await s.inventory.trait.register(s.caller, { key, title: key });
  const { id, version } = await register({});
  const traits = ['known-a', 'unknown', 'known-b'];
  const refusal = await orProblem(s.inventory.node.amend(s.caller, { id, version, patch: { traits } }));
  expect([codeOf(refusal), factsOf(refusal)['pointer']]).toEqual(['reference-not-found', '/patch/traits/1']);
  expect(await s.inventory.node.get(s.caller, { id })).toMatchObject({ version, traits: [] });
  // The registry is the database's to keep: whoever writes, an unknown one is refused.
  await expect(
    s.admin.unsafe(`update inventory.node set traits = '{unknown}', version = version + 1 where id = $1`, [
      (await s.admin.unsafe('select id from inventory.node limit 1'))[0]?.['id'],
    ]),
  ).rejects.toThrow(/node_trait_is_registered/);
});

test('P57 traits of a node and members of a pool are changed at the version that was read', async () => {
  const { id, version } = await register({});
  await s.inventory.trait.register(s.caller, { key: 'late', title: 'Late' });
  await s.inventory.node.amend(s.caller, { id, version, patch: { traits: ['late'] } });
  const late = await orProblem(s.inventory.node.amend(s.caller, { id, version, patch: { traits: [] } }));
  expect([codeOf(late), factsOf(late)['currentVersion']]).toEqual(['version-mismatch', version + 1]);
  const pool = await s.inventory.pool.create(s.caller, { name: newId() });
  const patch = { members: [{ nodeId: id }] };
  await s.inventory.pool.amend(s.caller, { id: pool.id, version: 1, patch });
  const stale = await orProblem(s.inventory.pool.amend(s.caller, { id: pool.id, version: 1, patch: { members: [] } }));
  expect([codeOf(stale), factsOf(stale)['currentVersion']]).toEqual(['version-mismatch', 2]);
  // Nothing changes, so nothing moves.
  expect((await s.inventory.pool.amend(s.caller, { id: pool.id, version: 2, patch })).version).toBe(2);
});
