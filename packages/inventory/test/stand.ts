import type { Caller } from '@sentral/contracts/contract';
import { defaultScopes } from '@sentral/contracts/conformance/inventory-allocation';
import type { CapacityInput } from '@sentral/contracts/inventory/capacity';
import { decodeId, type Id } from '@sentral/contracts/ids';
import { isProblem, type Problem } from '@sentral/contracts/problem';
import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { createTestDatabase } from '@sentral/testing';
import { inject } from 'vitest';
import type { Deps } from '../src/deps.js';
import { createInventory, type Inventory } from '../src/index.js';

export type Reserve = Parameters<Inventory['allocation']['reserve']>[1];
export type Place = Extract<Reserve['items'][number], { what: 'place' }>;
export type Item = Exclude<Reserve['items'][number], Place>;
export type Allocation = Awaited<ReturnType<Inventory['allocation']['reserve']>>;
export type Outcome = Allocation | Problem;

/** An inventory on a database of its own, and the few words that tests of taking are made of. */
export interface Stand {
  readonly deps: Deps;
  readonly admin: Database;
  /** For who wants a connection of its own as the owner of all. */
  readonly adminUrl: string;
  /** Of inventory_app, for who wants to stand in between. */
  readonly appUrl: string;
  readonly inventory: Inventory;
  readonly caller: Caller;
  /** A node of this kind that offers these classes. */
  readonly host: (offers?: readonly Offer[], kind?: string) => Promise<Id<'nod'>>;
  /** What was taken, or the refusal. */
  readonly ask: (items: (Item | Place)[], more?: Partial<Reserve>, as?: Caller) => Promise<Outcome>;
  /** What was taken; a refusal fails the test. */
  readonly take: (items: (Item | Place)[], more?: Partial<Reserve>) => Promise<Allocation>;
  readonly used: (nodeId: Id<'nod'>, of?: string) => Promise<number>;
  /** Names of the invariants that are broken. */
  readonly broken: () => Promise<string[]>;
  /** What was logged as a warning or worse. */
  readonly warnings: readonly string[];
  /** Every row of the schema but those of `but`, as one digest a table; the loops' own bookkeeping apart. */
  readonly everyRow: (...but: string[]) => Promise<Record<string, string>>;
  /** As if so many minutes had passed for these, the earliest first: rows alone, behind the back of the guards. */
  readonly pass: (minutes: number, ...ids: Id<'alc'>[]) => Promise<void>;
  /** An instant, with nothing else in its millisecond. */
  readonly instant: () => Promise<string>;
  readonly close: () => Promise<void>;
}

export type Offer = Partial<CapacityInput> & Pick<CapacityInput, 'class' | 'total'>;

export async function stand(poolSize = 12): Promise<Stand> {
  const place = await createTestDatabase(inject('postgresUrl'));
  const as = (role: string) =>
    openDatabase({
      url: place.url(role),
      applicationName: 'stand',
      poolSize,
      queueLimit: 1_000,
      acquireTimeoutMs: 60_000,
    });
  const admin = openDatabase({ url: place.adminUrl, applicationName: 'stand', poolSize: 2 });
  const warnings: string[] = [];
  const telemetry = createTelemetry({ level: 'warn', write: (line) => void warnings.push(line) });
  const db = { app: as('inventory_app'), read: as('inventory_read'), platform: as('inventory_platform') };
  const deps: Deps = { db, now: () => new Date(), newId, telemetry };
  const inventory = createInventory(deps, { results: true });
  const caller: Caller = {
    principal: { id: 'test', type: 'system' },
    accessEpoch: 0,
    readScope: { all: true },
    scopes: defaultScopes,
  };
  const take: Stand['take'] = (items, more = {}) =>
    inventory.allocation.reserve(caller, {
      environmentId: defaultEnvironmentId,
      consumer: { service: 'test', kind: 'thing', id: newId() },
      items,
      ...more,
    });
  return {
    deps,
    admin,
    adminUrl: place.adminUrl,
    appUrl: place.url('inventory_app'),
    inventory,
    caller,
    take,
    host: async (offers = [], kind = 'cluster') => {
      const node = await inventory.node.register(caller, { kind, name: `h-${newId()}` });
      if (offers.length > 0) await inventory.capacity.set(caller, { nodeId: node.id, capacities: [...offers] });
      return node.id;
    },
    ask: (items, more = {}, asking = caller) =>
      orProblem(
        inventory.allocation.reserve(asking, {
          environmentId: defaultEnvironmentId,
          consumer: { service: 'test', kind: 'thing', id: newId() },
          items,
          ...more,
        }),
      ),
    used: async (nodeId, of = 'vcpu') => (await inventory.capacity.get(caller, { nodeId, class: of })).used,
    broken: async () =>
      (await inventory.invariant.list(caller, {})).items.filter((each) => each.violations > 0).map((each) => each.name),
    warnings,
    everyRow: async (...but) => {
      const tables = await admin.unsafe(
        `select c.relname as name from pg_class c where c.relnamespace = 'inventory'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
           and c.relname <> all($1::text[]) order by 1`,
        [['lease', 'inbox', ...but]],
      );
      const digests = tables.map(
        ({ name }) =>
          `select '${String(name)}' as name, count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as rows from inventory.${String(name)} t`,
      );
      const rows = await admin.unsafe(digests.join(' union all '));
      return Object.fromEntries(rows.map(({ name, rows: digest }) => [String(name), String(digest)]));
    },
    pass: async (minutes, ...ids) => {
      const ago = `interval '${minutes} minutes'`;
      for (const uuid of ids.map((id) => decodeId('alc', id)))
        await admin.unsafe(`do $$ begin
          perform set_config('session_replication_role', 'replica', true);
          update inventory.allocation set starts_at = starts_at - ${ago}, expires_at = expires_at - ${ago}, notice_at = notice_at - ${ago} where id = '${uuid}';
          update inventory.allocation_item i set during = tstzrange(a.starts_at, coalesce(a.expires_at, 'infinity'))
            from inventory.allocation a where a.id = i.allocation_id and a.id = '${uuid}' and i.ended_at is null;
        end $$`);
    },
    instant: () => instantOf(admin),
    close: async () => {
      await Promise.all([admin, ...Object.values(db)].map((each) => each.close()));
      await place.drop();
    },
  };
}

/** An instant by the clock of the database, with nothing else in its millisecond. */
export async function instantOf(db: Pick<Database, 'unsafe'>): Promise<string> {
  const [row] = await db.unsafe(`select clock_timestamp() as at from pg_sleep(0.003)`);
  await db.unsafe(`select pg_sleep(0.003)`);
  return (row as unknown as { at: Date }).at.toISOString();
}

/** A refusal as a value; anything else is thrown on. */
export async function orProblem<T>(outcome: Promise<T>): Promise<T | Problem> {
  try {
    return await outcome;
  } catch (error) {
    if (isProblem(error)) return error;
    throw error;
  }
}

export const codeOf = (outcome: unknown): string => (isProblem(outcome) ? outcome.code : 'ok');
