import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { FeedItem } from '@sentral/contracts/shared-verbs';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { claimLease, type Lease } from '@sentral/kernel/lease';
import { createKeyring } from '../src/seal.js';
import { createTestDatabase } from '@sentral/testing';
import { inject } from 'vitest';
import type { Deps } from '../src/deps.js';
import type { Facts } from '../src/completeness/count.js';

export interface Place {
  readonly deps: Deps;
  /** The superuser, whom no wall stops. */
  readonly admin: Database;
  readonly as: (role: string) => Database;
  /** What was logged and counted. */
  readonly told: string[];
  lease(): Promise<Lease>;
  end(): Promise<void>;
}

export const someKeys = {
  feed: createKeyring([new Uint8Array(32).fill(1)], 'feed'),
  instance: createKeyring([new Uint8Array(32).fill(2)], 'subject'),
};

/** A caller with the platform's eyes. */
export const everyone: Caller = {
  principal: { id: 'test', type: 'system' },
  accessEpoch: 1,
  readScope: { all: true },
  scopes: [],
};

/** A database of its own, as the roles see it. */
export async function somePlace(): Promise<Place> {
  const database = await createTestDatabase(inject('postgresUrl'));
  const opened: Database[] = [];
  const open = (url: string, poolSize = 4): Database => {
    const db = openDatabase({ url, applicationName: 'audit-test', poolSize, statementTimeoutMs: 60_000 });
    opened.push(db);
    return db;
  };
  const as = (role: string): Database => open(database.url(role));
  const told: string[] = [];
  const deps: Deps = {
    db: { app: as('audit_app'), read: as('audit_read'), platform: as('audit_platform') },
    newId,
    keys: someKeys,
    telemetry: {
      log: (level, message) => void told.push(`${level}: ${message}`),
      count: (name) => void told.push(name),
    },
  };
  return {
    deps,
    admin: open(database.adminUrl),
    as,
    told,
    async lease() {
      const lease = await claimLease(deps.db.app, 'audit', `test ${newId()}`, { holdMs: 600_000 });
      if (lease === undefined) throw new Error('the lease of a name that is new is free');
      return lease;
    },
    async end() {
      await Promise.all(opened.map((db) => db.close()));
      await database.drop();
    },
  };
}

/** A change as a context tells it. */
export function someFact(pos: number, changes: Partial<FeedItem> = {}): FeedItem {
  return {
    pos,
    id: encodeId('evt', newId()),
    type: 'inventory.node.registered',
    recordedAt: '2026-11-26T09:17:55.123Z',
    resource: { type: 'inventory.node', id: encodeId('nod', newId()), version: 1 },
    event: { id: 'nod' },
    audit: {
      principal: { id: encodeId('usr', newId()), type: 'user' },
      accessEpoch: 7,
      before: null,
      after: { name: `n${pos}`, unicode: 'ß€😀', big: 1e21, small: 1e-7, nested: { b: [1, null], a: true } },
    },
    ...changes,
  };
}

/** A feed in memory; `lost` positions are gone, `forgotten` ones expired. */
export function someFeed(items: FeedItem[], forgotten = 0): Facts {
  return {
    versions: async () => ({ items: [] }),
    page: async (_caller: Caller, { afterPos, limit = 200 }) => {
      if (afterPos < forgotten) throw problem('position-expired', { oldest: forgotten + 1 });
      const rest = items.filter((item) => item.pos > afterPos);
      return { items: rest.slice(0, limit), more: rest.length > limit };
    },
  };
}
