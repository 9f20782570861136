import type { Caller, ScopeRow } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { inTransaction } from '@sentral/kernel/transaction';
import { createTestDatabase } from '@sentral/testing';
import { inject } from 'vitest';
import type { Deps } from '../src/deps.js';
import { createInventory, type Inventory } from '../src/index.js';
import { pathTo, type Tree } from './scope-tree.js';

/** Whoever sees everything: the contexts among themselves. */
export const everyone: Caller = {
  principal: { id: 'test', type: 'system' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: [],
};

export interface UsagePlace {
  readonly admin: Database;
  readonly deps: Deps;
  readonly inventory: Inventory;
  /** A domain with numbers enough for everyone. */
  numbers(): Promise<Id<'ndm'>>;
  reserve(
    of: Tree,
    environment: ScopeRow,
    what: { domainId: Id<'ndm'>; count?: number; ttlSeconds?: number; maxTtlSeconds?: number },
  ): ReturnType<Inventory['allocation']['reserve']>;
  /** Moves the expiry of an allocation a minute into the past, with what it holds. */
  runOut(requestIds: readonly string[]): Promise<void>;
  /** What EXPLAIN (ANALYZE, BUFFERS) says of a statement. */
  plan(text: string, params: readonly unknown[]): Promise<string>;
  close(): Promise<void>;
}

/** Inventory on a database of its own, under the roles of production. */
export async function openUsagePlace(): Promise<UsagePlace> {
  const place = await createTestDatabase(inject('postgresUrl'));
  const as = (role: string) => openDatabase({ url: place.url(role), applicationName: 'usage-test', poolSize: 12 });
  const admin = openDatabase({ url: place.adminUrl, applicationName: 'usage-test', poolSize: 2 });
  const db = { app: as('inventory_app'), read: as('inventory_read'), platform: as('inventory_platform') };
  const telemetry = createTelemetry({ level: 'error', write: () => undefined });
  const deps: Deps = { db, now: () => new Date(), newId, telemetry };
  const inventory = createInventory(deps, { results: true });
  return {
    admin,
    deps,
    inventory,
    numbers: async () => {
      const domain = await inventory.numberDomain.create(everyone, {
        name: `d-${newId()}`,
        kind: 'vni',
        coolDownSeconds: 0,
      });
      await inventory.numberRange.create(everyone, { domainId: domain.id, start: 1, end: 100_000 });
      return domain.id;
    },
    reserve: async (of, environment, { domainId, count = 1, ...rest }) =>
      inventory.allocation.reserve(
        { ...everyone, scopes: pathTo(of, environment) },
        {
          environmentId: environment.id,
          consumer: { service: 'test', kind: 'thing', id: newId() },
          items: [{ what: 'number', domainId, count }],
          ...rest,
        },
      ),
    runOut: async (requestIds) =>
      inTransaction(admin, async (tx) => {
        await tx.unsafe('set local session_replication_role = replica');
        await tx.unsafe(
          `update inventory.allocation set starts_at = now() - interval '2 minutes', expires_at = now() - interval '1 minute' where request_id = any($1::text[])`,
          [requestIds],
        );
      }),
    plan: async (text, params) => {
      const rows = await db.app.unsafe(`explain (analyze, buffers, costs off, timing off) ${text}`, params);
      return rows.map((row) => String(row['QUERY PLAN'])).join('\n');
    },
    close: async () => {
      await Promise.all([admin, ...Object.values(db)].map((each) => each.close()));
      await place.drop();
    },
  };
}
