import { randomUUID } from 'node:crypto';
import type { Caller, ScopeRow } from '@sentral/contracts/contract';
import { decodeId, encodeId, type Id } from '@sentral/contracts/ids';
import type { Import } from '@sentral/contracts/inventory/import';
import { problem, type Problem } from '@sentral/contracts/problem';
import type { Imported } from '@sentral/facts/resource';
import type { KnownTenant } from '@sentral/facts/told';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { createTestDatabase } from '@sentral/testing';
import { expect, inject } from 'vitest';
import type { Deps } from '../../src/deps.js';
import { createImport } from '../../src/import/create.js';
import { getImport } from '../../src/import/get.js';
import { stageImport } from '../../src/import/stage.js';
import { startImport } from '../../src/import/start.js';
import { createInventory } from '../../src/index.js';
import type { TenantSource } from '../../src/import/tenants.js';
import { runNextImport } from '../../src/import/worker.js';
import { storedOf } from './stored.js';

export const importer: Caller = {
  principal: { id: encodeId('usr', randomUUID()), type: 'user' },
  accessEpoch: 1,
  readScope: { all: true },
  scopes: [],
};

export interface ImportOptions {
  readonly atomic?: 'set' | 'batch';
  readonly dryRun?: boolean;
  readonly format?: Import['format'];
  readonly mayMakeTenants?: boolean;
}

export type Importing = Awaited<ReturnType<typeof openImporting>>;

/** Imports on a database of their own, and a tenancy that is only its verb `scope.adopt`. */
export async function openImporting() {
  const place = await createTestDatabase(inject('postgresUrl'));
  const open = (url: string, poolSize: number): Database =>
    openDatabase({ url, applicationName: 'import-test', searchPath: ['inventory', 'extensions'], poolSize });
  const errors: unknown[] = [];
  const deps: Deps = {
    db: {
      app: open(place.url('inventory_app'), 4),
      read: open(place.url('inventory_read'), 4),
      platform: open(place.url('inventory_platform'), 4),
    },
    now: () => new Date(),
    newId,
    telemetry: {
      log: (level, message, fields) => void (level === 'error' && errors.push(message, fields)),
      span: (_name, _fields, work) => work(),
      count: () => undefined,
    },
  };
  const admin = open(place.adminUrl, 2);
  const tenancy = createTenancyOfKeys();

  const staged = async (source: string, content: string, options: ImportOptions = {}): Promise<Import> => {
    const { id } = await createImport(deps, importer, {
      source,
      format: options.format ?? 'changeset',
      atomic: options.atomic ?? 'batch',
      dryRun: options.dryRun ?? false,
      mayMakeTenants: options.mayMakeTenants ?? true,
    });
    const size = 500_000;
    let ordinal = 0;
    for (let at = 0; at < content.length; at += size) {
      await stageImport(deps, importer, { id, ordinal, content: content.slice(at, at + size) });
      ordinal += 1;
    }
    return startImport(deps, importer, { id, chunks: ordinal });
  };
  const runNext = (): Promise<boolean> => runNextImport(deps, tenancy.scope);
  return {
    deps,
    admin,
    errors,
    tenancy,
    staged,
    runNext,
    done: async (source: string, content: string, options: ImportOptions = {}): Promise<Import> => {
      const { id } = await staged(source, content, options);
      await runNext();
      const ended = await getImport(deps, importer, { id });
      expect(errors, JSON.stringify(ended.problem)).toEqual([]);
      return ended;
    },
    read: (source: string, one?: Import): Promise<Imported> =>
      storedOf(
        { inventory: createInventory(deps), caller: importer, admin, tenants: tenancy.of(source) },
        source,
        one && decodeId('imp', one.id),
      ),
    count: async (table: string): Promise<number> =>
      Number((await admin.unsafe(`select count(*)::integer as n from ${table}`))[0]?.['n']),
    close: async (): Promise<void> => {
      for (const db of [...Object.values(deps.db), admin] as readonly Database[]) await db.close(1000);
      await place.drop();
    },
  };
}

interface FakeTenant extends KnownTenant {
  readonly id: Id<'tnt'>;
  state: ScopeRow['state'];
  version: number;
}

/** Adopts as tenancy does, as far as an import sees of it. */
export function createTenancyOfKeys() {
  const tenants = new Map<string, FakeTenant>();
  const asked: string[] = [];
  const answered = new Map<string, Awaited<ReturnType<TenantSource['adopt']>>>();
  const state: { away: Problem | undefined; refuse: Problem | undefined } = { away: undefined, refuse: undefined };
  const scope: TenantSource = {
    adopt: async (caller, { source, externalId, displayName, annotations = {}, mayMake = true }) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (state.away !== undefined) throw state.away;
      asked.push(externalId);
      const idempotency = `${caller.idempotency?.scope} ${caller.idempotency?.key}`;
      const before = answered.get(idempotency);
      if (before !== undefined) return { ...before, replayed: true };
      const known = tenants.get(`${source} ${externalId}`);
      if (known === undefined && !mayMake)
        throw problem('permission-denied', { missingPermission: 'tenancy.tenant.create' });
      if (known === undefined && state.refuse !== undefined) throw state.refuse;
      const tenant = known ?? {
        id: encodeId('tnt', newId()),
        name: displayName,
        annotations,
        state: 'active' as const,
        version: 1,
      };
      const answer = adopted(tenant, known === undefined);
      if (caller.dryRun !== true) {
        tenants.set(`${source} ${externalId}`, tenant);
        answered.set(idempotency, answer);
      }
      return answer;
    },
  };
  return {
    scope,
    asked,
    state,
    of: (source: string): ReadonlyMap<string, FakeTenant> =>
      new Map(
        [...tenants].flatMap(([key, tenant]) =>
          key.startsWith(`${source} `) ? [[key.slice(source.length + 1), tenant] as const] : [],
        ),
      ),
  };
}

function adopted({ id, name, annotations, state, version }: FakeTenant, created: boolean) {
  const at = new Date(0).toISOString();
  const common = { id, version, state, tenantId: id };
  return {
    scope: {
      ...common,
      type: 'tenant' as const,
      parentId: 'platform' as const,
      name: 'a',
      displayName: name,
      labels: {},
      annotations,
      createdAt: at,
      updatedAt: at,
    },
    projection: {
      ...common,
      kind: 'tenant' as const,
      parentId: 'platform' as const,
      policyVersion: 0,
      policyBindings: [],
      exemptions: [],
      holds: [],
      limits: [],
    },
    created,
  };
}

export const line = (row: unknown): string => `${JSON.stringify(row)}\n`;
export const upsert = (externalId: string, resource: object): string => line({ op: 'upsert', externalId, resource });
