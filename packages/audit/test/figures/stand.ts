import { openDatabase, type Database } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { claimLease, type Lease } from '@sentral/kernel/lease';
import { contextRoles, ensureRoles, migrateContext } from '@sentral/kernel/migrate';
import { startPostgres } from '@sentral/servers/postgres';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Deps } from '../../src/deps.js';
import { migrations } from '../../src/migrations.js';
import { someKeys } from '../some-feed.js';

const password = 'figures';

export interface Stand {
  readonly deps: Deps;
  /** The superuser. */
  readonly admin: Database;
  readonly version: string;
  as(role: string): Database;
  lease(): Promise<Lease>;
  stop(): Promise<void>;
}

/**
 * Audit's schema on a server of its own with default durability. With SENTRAL_TEST_FIGURES_DIR its data stays in that folder, so that what was filled
 * once is asked again.
 */
export async function openStand(settings: Readonly<Record<string, string>> = {}): Promise<Stand> {
  const folder = process.env['SENTRAL_TEST_FIGURES_DIR'];
  if (folder !== undefined) mkdirSync(folder, { recursive: true });
  const server = await startPostgres({
    ...(folder === undefined ? {} : { dataDir: path.join(folder, 'postgres') }),
    settings,
  });
  const opened: Database[] = [];
  const open = (url: string, lockTimeoutMs?: number): Database => {
    const db = openDatabase({
      url,
      applicationName: 'figures',
      poolSize: 4,
      statementTimeoutMs: 0,
      idleInTransactionTimeoutMs: 0,
      ...(lockTimeoutMs === undefined ? {} : { lockTimeoutMs }),
      searchPath: ['audit', 'extensions'],
    });
    opened.push(db);
    return db;
  };
  // What fills waits for the vacuum that PostgreSQL has begun by itself.
  const admin = open(server.url, 0);
  const logins = (migrations.roles ?? contextRoles).map(({ suffix }) => `audit_${suffix}`);
  await ensureRoles(admin, [migrations], Object.fromEntries(logins.map((login) => [login, password])));
  await migrateContext(admin, migrations);
  const as = (role: string): Database => {
    const url = new URL(server.url);
    Object.assign(url, { username: role, password });
    return open(url.href);
  };
  const deps: Deps = {
    db: { app: as('audit_app'), read: as('audit_read'), platform: as('audit_platform') },
    newId,
    keys: someKeys,
    telemetry: { log: (level, message) => void (level === 'debug' || console.log(message)), count: () => undefined },
  };
  return {
    deps,
    admin,
    as,
    version: server.version,
    async lease() {
      const lease = await claimLease(deps.db.app, 'audit', `figures ${newId()}`, { holdMs: 3_600_000 });
      if (lease === undefined) throw new Error('the lease of a name that is new is free');
      return lease;
    },
    async stop() {
      await Promise.all(opened.map((db) => db.close()));
      await server.stop();
    },
  };
}

/** How long each call took, in milliseconds, as p50 and p99. */
export async function timed(calls: number, call: (at: number) => Promise<unknown>): Promise<string> {
  const took: number[] = [];
  for (let at = 0; at < calls; at += 1) {
    const began = performance.now();
    await call(at);
    took.push(performance.now() - began);
  }
  took.sort((a, b) => a - b);
  const of = (share: number) => (took[Math.min(calls - 1, Math.floor(calls * share))] ?? 0).toFixed(2);
  return `p50 ${of(0.5)} ms, p99 ${of(0.99)} ms of ${calls}`;
}
