import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInventory } from '@sentral/inventory';
import { openLoopback } from '@sentral/kernel/bus/loopback';
import { json, type Database } from '@sentral/kernel/database';
import { feedPage, numberFeed } from '@sentral/kernel/feed';
import { newId } from '@sentral/kernel/id';
import { startRelay, type Relay } from '@sentral/kernel/relay';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { inTransaction } from '@sentral/kernel/transaction';
import { startPostgres } from '@sentral/servers/postgres';
import { expect, onTestFinished, test } from 'vitest';
import { run } from '../src/commands.js';
import { open } from './fresh.js';

type Caller = Parameters<ReturnType<typeof createInventory>['node']['register']>[0];
const caller: Caller = {
  principal: { id: 'drill', type: 'system' },
  accessEpoch: 1,
  readScope: { all: true },
  scopes: [],
};

/** A cluster with inventory on it, its relay, and what the relay has told the bus. */
async function cluster(folder: string) {
  const server = await startPostgres({ unsafe: true });
  onTestFinished(() => server.stop());
  const env = {
    SENTRAL_MIGRATOR_DATABASE_URL: server.url,
    SENTRAL_CONTEXTS: 'inventory',
    SENTRAL_DATABASE_PASSWORD_FILE: path.join(folder, 'passwords'),
  };
  const migrator = async (...args: string[]): Promise<string> => {
    const said: string[] = [];
    const out = (line: string): number => said.push(line);
    expect([await run(args, env, { print: out, complain: out }), said]).toEqual([0, said]);
    return said.join('\n');
  };
  await migrator('up');
  const as = (role: string): Database =>
    open(Object.assign(new URL(server.url), { username: role, password: 'drill' }).toString());
  const [app, admin] = [as('inventory_app'), open(server.url)];
  const telemetry = createTelemetry({ level: 'error', write: () => undefined });
  const db = { app, read: as('inventory_read'), platform: as('inventory_platform') };
  const inventory = createInventory({ db, now: () => new Date(), newId, telemetry });
  const told: number[] = [];
  const loopback = openLoopback();
  const bus = {
    ...loopback,
    publish: async (messages: Parameters<typeof loopback.publish>[0]) => {
      const acks = await loopback.publish(messages);
      for (const { subject, data } of messages)
        if (subject.startsWith('dv.feed.')) told.push((JSON.parse(data) as { pos: number }).pos);
      return acks;
    },
  };
  return {
    admin,
    app,
    migrator,
    told,
    register: (name: string) => inventory.node.register(caller, { kind: 'site', name }),
    relay: () =>
      startRelay({ db: app, schema: 'inventory', context: 'inventory', bus, log: telemetry.log, pollMs: [20, 50] }),
  };
}

async function emptied(relay: Relay): Promise<void> {
  await expect.poll(() => relay.lag(), { timeout: 30_000 }).toMatchObject({ unnumbered: 0, unpublished: 0 });
  await relay.stop();
}

/** What a dump and its restore do, without the programs: every row as it is, past triggers and in one transaction. */
async function move(from: Database, to: Database): Promise<void> {
  const tables = await from.unsafe(
    `select relname as name from pg_class where relnamespace = 'inventory'::regnamespace and relkind in ('r', 'p') and not relispartition and relname <> 'migration'`,
  );
  const kept = new Map<string, unknown[]>();
  for (const { name } of tables)
    kept.set(
      String(name),
      (await from.unsafe(`select to_jsonb(t) as row from inventory.${String(name)} t`)).map(({ row }) => row),
    );
  await inTransaction(to, async (tx) => {
    await tx.unsafe('set local session_replication_role = replica');
    for (const [name, rows] of kept) {
      await tx.unsafe(`delete from inventory.${name}`);
      await tx.unsafe(
        `insert into inventory.${name} overriding system value select (jsonb_populate_record(null::inventory.${name}, e)).* from jsonb_array_elements($1) e`,
        [json(rows)],
      );
    }
    await tx.unsafe(
      `select setval(pg_get_serial_sequence('inventory.feed', 'seq'), (select max(seq) from inventory.feed))`,
    );
  });
}

test(
  'a feed that moves to another cluster goes on where it was: no fact is lost, none comes twice, positions stay dense',
  { timeout: 180_000 },
  async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'sentral-moved-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const roles = ['app', 'read', 'platform'].map((suffix) => `inventory_${suffix}:drill`);
    writeFileSync(path.join(folder, 'passwords'), roles.join('\n'));
    const here = await cluster(folder);
    const there = await cluster(folder);
    // Five at a time, as many as the small pools of this test let wait.
    const write = async (at: typeof here, names: string, count: number): Promise<void> => {
      for (let n = 0; n < count; n += 5)
        await Promise.all([0, 1, 2, 3, 4].map((more) => at.register(`${names}-${n + more}`)));
    };

    // The old cluster has lived longer, so its transaction ids lie ahead of whatever the new one will see for a long time.
    for (let n = 0; n < 2_000; n += 1) await here.app.unsafe('select pg_current_xact_id()');
    const first = here.relay();
    await write(here, 'published', 30);
    await emptied(first);
    expect(here.told).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
    await write(here, 'waiting', 20);

    await move(here.admin, there.admin);
    // Without the command the new cluster would hold these back until its own ids have come that far.
    expect(await numberFeed(there.app, 'inventory', 1_000)).toBe(0);
    expect(await there.migrator('restore-feed')).toContain(
      'inventory: 20 facts without a position now belong to this cluster; the next position is 31',
    );

    const second = there.relay();
    await write(there, 'after', 25);
    await emptied(second);
    // The relay has told the rest and nothing again; what was written before the move comes before what was written after it.
    expect(there.told).toEqual(Array.from({ length: 45 }, (_, n) => n + 31));
    const facts = await feedPage(there.app, 'inventory', 0, 1_000);
    expect(facts.map(({ pos }) => pos)).toEqual(Array.from({ length: 75 }, (_, n) => n + 1));
    const names = facts.map(({ event }) => (event as { name: string }).name);
    expect(new Set(names).size).toBe(75);
    expect(names.map((name) => name.replace(/-\d+$/, ''))).toEqual([
      ...Array.from({ length: 30 }, () => 'published'),
      ...Array.from({ length: 20 }, () => 'waiting'),
      ...Array.from({ length: 25 }, () => 'after'),
    ]);
  },
);
