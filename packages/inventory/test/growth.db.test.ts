import type { Id } from '@sentral/contracts/ids';
import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fill, nth, volumeOf, type Volume } from './growth-fill.js';
import { stand, type Stand } from './stand.js';

// The suite looks whether all of it runs, at a small volume and without judging times; the command measures (README, longer runs).
const asked = Number(process.env['SENTRAL_TEST_GROWTH'] ?? 0);
const nodes = asked === 0 ? 1_000 : asked;
const rounds = 60;
/** A hundred times the volume: so much more a question may cost. Half as much again, or half a millisecond, is what a warm machine scatters. */
const ratioMax = 1.5;
const scatterMs = 0.5;

let s: Stand;
let admin: Database;
beforeAll(async () => {
  s = await stand(4);
  admin = openDatabase({ url: s.adminUrl, applicationName: 'growth', poolSize: 1, statementTimeoutMs: 600_000 });
});
afterAll(async () => {
  await admin?.close();
  await s?.close();
});

type Question = (n: number) => Promise<unknown>;

function questions(site: Id<'nod'>): Readonly<Record<string, Question>> {
  const { inventory, caller } = s;
  const [rack, server] = [nth('nod', 'rack', 3), nth('nod', 'server', 3)];
  const item = [{ what: 'capacity' as const, nodeId: server, class: 'vcpu', amount: 1 }];
  const held: Id<'alc'>[] = [];
  const longAgo = new Date(Date.now() - 299 * 86_400_000).toISOString();
  const recently = new Date(Date.now() - 60_000).toISOString();
  return {
    allocate: async () => void held.push((await s.take(item)).id),
    release: () => inventory.allocation.release(caller, { id: held.shift() as Id<'alc'> }),
    'get an allocation': (n) => inventory.allocation.get(caller, { id: nth('alc', 'allocation', 1 + n) }),
    'list allocations': () => inventory.allocation.list(caller, { limit: 50 }),
    'list those of an environment': () =>
      inventory.allocation.list(caller, { environmentId: defaultEnvironmentId, limit: 50 }),
    'list those of a consumer that live': (n) =>
      inventory.allocation.list(caller, {
        consumerService: 's',
        consumerKind: 'k',
        consumerId: `c${n}`,
        environmentId: defaultEnvironmentId,
        state: ['active'],
        limit: 50,
      }),
    'list those of a hot node': () => inventory.allocation.list(caller, { nodeId: server, limit: 50 }),
    'who holds a hot node now': () =>
      inventory.allocation.list(caller, { nodeId: server, state: ['active'], limit: 50 }),
    'who held it a minute ago': () =>
      inventory.allocation.list(caller, { nodeId: server, asOf: recently, state: ['active'], limit: 50 }),
    'get an allocation as of long ago': (n) =>
      inventory.allocation.get(caller, { id: nth('alc', 'allocation', 1 + n), asOf: longAgo }).catch(() => undefined),
    'get a node': (n) => inventory.node.get(caller, { id: nth('nod', 'server', 1 + n) }),
    'list the nodes of a rack': () => inventory.node.list(caller, { parentId: rack, limit: 50 }),
    'subtree of a rack': () => inventory.node.subtree(caller, { id: rack, limit: 100 }),
    'subtree of it as of a minute ago': () => inventory.node.subtree(caller, { id: rack, limit: 100, asOf: recently }),
    'first page of the subtree of all': () => inventory.node.subtree(caller, { id: site, limit: 50 }),
    'path between two servers': () =>
      inventory.node.path(caller, { fromId: nth('nod', 'server', 33), toId: nth('nod', 'server', 40) }),
    'blast radius of a rack': () => inventory.blastRadius.get(caller, { id: rack }),
    'changes of a rack in a minute': () => inventory.node.changes(caller, { id: rack, from: recently }),
  };
}

/** Milliseconds of each question, the quicker half of which says what it costs. */
async function measure(
  asking: Readonly<Record<string, Question>>,
  rounds: number,
): Promise<ReadonlyMap<string, { p50: number; p95: number }>> {
  const found = new Map<string, { p50: number; p95: number }>();
  for (const [name, question] of Object.entries(asking)) {
    const times: number[] = [];
    for (let n = 0; n < rounds; n += 1) {
      const start = performance.now();
      await question(n % 30);
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
    found.set(name, { p50: at(0.5), p95: at(0.95) });
  }
  return found;
}

test('a hundred times the nodes and the allocations that have ended: what is asked most costs what it did', async () => {
  const site = await s.inventory.node.register(s.caller, { kind: 'site', name: 'grown' });
  const [none, few, many]: Volume[] = [
    { racks: 0, allocations: 0 },
    volumeOf(Math.max(400, nodes / 100)),
    volumeOf(nodes),
  ];
  if (none === undefined || few === undefined || many === undefined) return expect.unreachable();
  await fill(admin, { site: site.id, from: none, to: few });
  const asking = questions(site.id);
  await measure(asking, asked === 0 ? 1 : 10);
  if (asked === 0) return;
  const before = await measure(asking, rounds);
  await fill(admin, { site: site.id, from: few, to: many });
  await measure(asking, 10);
  const after = await measure(asking, rounds);
  const rows = [...before].map(([name, small]) => {
    const large = after.get(name) ?? small;
    return { name, small, large, ratio: large.p50 / small.p50 };
  });
  const line = (...cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`);
  line(
    'question',
    `${few.racks * 66} nodes, ${few.allocations} ended: p50 (p95) ms`,
    `${many.racks * 66} nodes, ${many.allocations} ended`,
    'ratio',
  );
  line('---', '---', '---', '---');
  const ms = ({ p50, p95 }: { p50: number; p95: number }) => `${p50.toFixed(1)} (${p95.toFixed(1)})`;
  for (const { name, small, large, ratio } of rows) line(name, ms(small), ms(large), ratio.toFixed(2));
  const grew = rows.filter(({ small, large, ratio }) => ratio > ratioMax && large.p50 - small.p50 > scatterMs);
  expect(grew.map(({ name, ratio }) => `${name} ${ratio.toFixed(2)}`)).toEqual([]);
}, 1_400_000);
