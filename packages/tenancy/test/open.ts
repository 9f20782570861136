import type { Caller } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { createTestDatabase } from '@sentral/testing';
import { inject } from 'vitest';
import type { Deps, ScopeUser } from '../src/deps.js';
import { createTenancy, type Tenancy } from '../src/index.js';

/** Whoever sees everything: the facade's own questions, and tests. */
export const everyone: Caller = {
  principal: { id: 'facade', type: 'system' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: [],
};

/** Seals nothing: what it is given can be read again in the box. */
const seal = (fields: object) => ({ key: 'test', digest: 'test', box: JSON.stringify(fields) });

/** A context in which nothing lives and which takes in every scope. */
export const emptyContext: ScopeUser = {
  usage: { count: async () => ({ dependents: [] }) },
  projection: {
    apply: async (caller) => ({ rows: caller.scopes.map(({ id, version }) => ({ id: id as Id<'tnt'>, version })) }),
  },
};

export interface Opened {
  readonly tenancy: Tenancy;
  readonly deps: Deps;
  readonly db: Deps['db'] & { readonly admin: Database };
  close(): Promise<void>;
}

/** The context on a database of its own, under the roles of production. */
export async function openTenancy(
  scopeUsers: Deps['scopeUsers'] = { inventory: emptyContext },
  { poolSize = 8 } = {},
): Promise<Opened> {
  const place = await createTestDatabase(inject('postgresUrl'));
  const as = (url: string, more: { statementTimeoutMs?: number } = {}): Database =>
    openDatabase({ url, applicationName: 'tenancy-test', poolSize, ...more });
  const db = {
    app: as(place.url('tenancy_app')),
    read: as(place.url('tenancy_read')),
    platform: as(place.url('tenancy_platform')),
    // It fills whole installations, on whatever machine.
    admin: as(place.adminUrl, { statementTimeoutMs: 120_000 }),
  };
  const deps: Deps = {
    db,
    now: () => new Date(),
    newId,
    telemetry: createTelemetry({ format: 'json' }),
    seal,
    scopeUsers,
  };
  return {
    tenancy: createTenancy(deps, { results: true }),
    deps,
    db,
    close: async () => {
      await Promise.all(Object.values(db).map((each) => each.close()));
      await place.drop();
    },
  };
}
