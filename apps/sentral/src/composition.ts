import {
  createAudit,
  createAuditLoops,
  createKeyring,
  createSeal,
  createSigner,
  directorySink,
  type Keyring,
} from '@sentral/audit';
import { audit } from '@sentral/contracts/audit';
import type { Seal } from '@sentral/contracts/audit-seal';
import { remoteContext } from '@sentral/contracts/client-internal';
import type { ContractDef } from '@sentral/contracts/contract';
import { mintInternalToken } from '@sentral/contracts/internal-token';
import { inventory } from '@sentral/contracts/inventory';
import { knowsAction } from '@sentral/contracts/services/registry';
import { task } from '@sentral/contracts/task';
import { tenancy } from '@sentral/contracts/tenancy';
import { createInventory, createInventoryLoops } from '@sentral/inventory';
import type { Bus } from '@sentral/kernel/bus/port';
import { openDatabase, type Database } from '@sentral/kernel/database';

import { startRelay, type Loop, type Relay } from '@sentral/kernel/relay';
import type { Telemetry } from '@sentral/kernel/telemetry';
import { createTask, createTaskLoops, type Meter, type Pulse } from '@sentral/task';
import { createTenancy, createTenancyLoops } from '@sentral/tenancy';
import type { Config, ContextName } from './config.js';
import { facade } from './auth/sessions.js';
import type { Contexts } from './routes/world.js';
import { createMayStill } from './workflows/may-still.js';
import { functions } from './workflows/functions.js';
import { workflows } from './workflows/registry.js';
import path from 'node:path';

interface Contracts {
  readonly tenancy: typeof tenancy;
  readonly inventory: typeof inventory;
  readonly task: typeof task;
  readonly audit: typeof audit;
}
export const contracts: Contracts = { tenancy, inventory, task, audit };

export interface Pools {
  readonly app: Database;
  readonly read: Database;
  readonly platform: Database;
}

/** What the check of the configuration has promised; without it the composition is wrong, and nothing should start. */
export function needed<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new TypeError(`${what} is not configured`);
  return value;
}

/** A pool per context and role: every role logs in as itself. Few connections for writes: a hot row is slower with more. */
export function openPools(config: Config): Readonly<Partial<Record<ContextName, Pools>>> {
  const open = (context: ContextName, role: 'app' | 'read' | 'platform', poolSize: number) =>
    openRole(config, { context, user: `${context}_${role}`, poolSize });
  return Object.fromEntries(
    config.contexts.map((context) => [
      context,
      { app: open(context, 'app', 8), read: open(context, 'read', 6), platform: open(context, 'platform', 6) },
    ]),
  );
}

/** Every pool with the context and role it belongs to; that of the mailbox, where there is one, is the bus's. */
export function poolsByRole(pools: Use['pools'], bus: Database | undefined) {
  const contexts = Object.entries(pools).flatMap(([context, roles]) =>
    Object.entries(roles).map(([role, db]: [string, Database]) => ({ context, role, db })),
  );
  return bus === undefined ? contexts : [...contexts, { context: 'bus', role: 'app', db: bus }];
}

export function openRole(
  config: Config,
  role: {
    context: ContextName | 'bus';
    user: string;
    poolSize: number;
    statementTimeoutMs?: number;
    settings?: Readonly<Record<string, string>>;
  },
): Database {
  const password = config.passwords[role.user];
  return openDatabase({
    url: needed(config.databaseUrls[role.context], `the database of ${role.context}`),
    user: role.user,
    ...(password === undefined ? {} : { password }),
    applicationName: `sentral ${role.user}`,
    searchPath: [role.context, 'extensions'],
    poolSize: role.poolSize,
    queueLimit: 512,
    acquireTimeoutMs: 5_000,
    ...(role.statementTimeoutMs === undefined ? {} : { statementTimeoutMs: role.statementTimeoutMs }),
    settings: role.settings ?? {},
    needPrimary: !/_(read|platform)$/.test(role.user),
  });
}

interface Use {
  readonly config: Config;
  readonly pools: Readonly<Partial<Record<ContextName, Pools>>>;
  readonly telemetry: Telemetry;
  readonly newId: () => string;
  /** How task's verbs wake task's loops. */
  readonly pulse: Pulse;
  /** What task's decisions are measured by. */
  readonly meter: Meter;
}

const feedKeys = (config: Config): Keyring => createKeyring(needed(config.feedKeys, 'SENTRAL_FEED_KEY_FILE'), 'feed');

/** Each thing that an instance key serves has keys of its own. */
export const instanceKeys = (config: Config, purpose: 'cursor' | 'subject'): Keyring =>
  createKeyring(needed(config.instanceKeys, 'SENTRAL_INSTANCE_KEY_FILE'), purpose);

export const sealOf = (config: Config): Seal => createSeal(feedKeys(config));
const auditKeys = (config: Config) => ({ feed: feedKeys(config), instance: instanceKeys(config, 'subject') });

/** Every context, near where SENTRAL_CONTEXTS says so, else behind the same contract on the wire. */
export function createContexts({ config, pools, telemetry, newId, pulse, meter }: Use): Contexts {
  const report = (verb: string, error: unknown) =>
    telemetry.log('error', 'a verb refused with what it does not list', { verb, error });
  const deps = (name: ContextName) => ({
    db: needed(pools[name], `the pools of ${name}`),
    now: () => new Date(),
    newId,
    telemetry,
  });
  // They ask each other: by the time that one does, all are there.
  const scopeUsers = {
    get inventory() {
      return contexts.inventory;
    },
    get task() {
      return contexts.task;
    },
  };
  const here = {
    tenancy: () => createTenancy({ ...deps('tenancy'), scopeUsers, seal: sealOf(config) }, { report }),
    inventory: () => createInventory(deps('inventory'), { report }),
    task: () => createTask({ ...deps('task'), pulse, meter }, { workflows, knows: knowsAction, report }),
    audit: () => createAudit({ ...deps('audit'), keys: auditKeys(config) }, { report }),
  };
  const near = <N extends ContextName>(name: N) => (config.contexts.includes(name) ? here[name]() : far(config, name));
  const contexts = {
    tenancy: near('tenancy'),
    inventory: near('inventory'),
    task: near('task'),
    audit: near('audit'),
  } as Contexts;
  return contexts;
}

/** A context in another process; undefined where this process is not told of it and serves no facade. */
function far(config: Config, name: ContextName): unknown {
  const remote = config.remotes.find((each) => each.name === name);
  if (remote === undefined) return undefined;
  return remoteContext<ContractDef>(contracts[name], {
    baseUrl: remote.url,
    token: (audience: string) =>
      mintInternalToken(
        needed(config.internalKey, 'SENTRAL_INTERNAL_KEY_FILE'),
        audience,
        Math.floor(Date.now() / 1000),
      ),
  });
}

/** What the contexts here do by themselves, whoever asks or not. */
export function startLoops(use: Use & { readonly bus: Bus }, contexts: Contexts): readonly Pick<Loop, 'stop'>[] {
  const { pools } = use;
  const deps = { now: () => new Date(), newId: use.newId, telemetry: use.telemetry };
  const retention = pools.audit === undefined ? undefined : openRetention(use.config);
  return [
    ...(pools.tenancy === undefined
      ? []
      : createTenancyLoops({
          ...deps,
          db: pools.tenancy,
          seal: sealOf(use.config),
          scopeUsers: { inventory: contexts.inventory, task: contexts.task },
        })),
    ...(pools.inventory === undefined
      ? []
      : createInventoryLoops(
          { ...deps, db: pools.inventory },
          // Types say that every context is there; a process of one context alone is not told of the others.
          {
            bus: use.bus,
            ...((contexts.tenancy as unknown) === undefined ? {} : { scopes: contexts.tenancy.scope }),
            ...((contexts.task as unknown) === undefined ? {} : { steps: contexts.task.step }),
          },
        )),
    ...(pools.task === undefined
      ? []
      : createTaskLoops(
          { ...deps, db: pools.task, pulse: use.pulse, meter: use.meter },
          {
            bus: use.bus,
            mayStill: createMayStill(contexts, workflows),
            registry: { workflows, knows: knowsAction },
            functions,
            ...((contexts.inventory as unknown) === undefined
              ? {}
              : { allocations: contexts.inventory.allocation, observed: contexts.inventory }),
            ...((contexts.tenancy as unknown) === undefined ? {} : { scopes: contexts.tenancy.scope }),
          },
        )),
    ...(pools.audit === undefined
      ? []
      : createAuditLoops(
          { ...deps, db: pools.audit, keys: auditKeys(use.config) },
          {
            // Whoever runs audit apart is told where the others are, or their feeds wait.
            feeds: Object.fromEntries(
              Object.entries(contexts).flatMap(([name, context]: [string, Contexts[ContextName] | undefined]) =>
                context === undefined ? [] : [[name, context.feed]],
              ),
            ),
            signer: createSigner(needed(use.config.auditSigningKey, 'SENTRAL_AUDIT_SIGNING_KEY_FILE').subarray(0, 32)),
            emit: emitCheckpoint,
            bus: use.bus,
            ...(retention === undefined ? {} : { retention }),
          },
        )),
    ...(retention === undefined ? [] : [{ stop: () => retention.db.close(5_000) }]),
  ];
}

/** Months of records leave by a role that may do nothing else; without a place for them to go, none is dropped. */
function openRetention(config: Config) {
  const { auditArchiveDir: archive, auditRetentionDays: days } = config;
  if (archive === undefined) return undefined;
  return {
    // A month of millions of records is one statement.
    db: openRole(config, { context: 'audit', user: 'audit_retention', poolSize: 1, statementTimeoutMs: 3_600_000 }),
    days,
    sinkOf: (month: string) => directorySink(path.join(archive, month)),
  };
}

/** Past the log's scrubbing, which could take a piece of base64 for a token and leave a note that nobody can open. */
function emitCheckpoint(checkpoint: { note: string; key: string }): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), auditCheckpoint: checkpoint })}\n`);
}

/** How many facts with a position are not on record yet, and why not, where audit says so. */
export interface Recorded {
  readonly behind: number;
  readonly stopped: string | undefined;
}

/** One relay a context: its feed goes to the bus, whichever process leads. */
export function startRelays(use: {
  config: Config;
  pools: Use['pools'];
  bus: Bus;
  telemetry: Telemetry;
  /** Undefined in a process that is not told where audit is: its feeds are kept whole. */
  audit: Pick<Contexts['audit'], 'feed'> | undefined;
}): readonly (Relay & { context: ContextName; recorded(): Promise<Recorded> })[] {
  return use.config.contexts.map((context) => {
    const confirmed = async () => {
      if (use.audit === undefined) throw new Error('this process is not told where audit is');
      return use.audit.feed.confirmed(facade, { producer: context });
    };
    const relay = startRelay({
      db: needed(use.pools[context], `the pools of ${context}`).app,
      schema: context,
      context,
      bus: use.bus,
      log: use.telemetry.log,
      ...(use.audit === undefined ? {} : { confirmed: async () => (await confirmed()).pos }),
    });
    const recorded = async () => {
      const { pos, stopped } = await confirmed();
      return { behind: (await relay.lag()).numbered - pos, stopped };
    };
    return { context, wake: relay.wake, stop: relay.stop, lag: relay.lag, recorded };
  });
}
