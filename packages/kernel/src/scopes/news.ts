// How news of scopes reach a context: what a caller brings along, tenancy's events, and pages of all there are. Prevents: a
// command that waits for an event, an event that is applied twice or out of order, and a projection that lost rows for good.
import type { Caller, ScopeRow } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { scopeRowOf } from '@sentral/contracts/tenancy-events';
import type { Bus, Delivery, Subscription } from '../bus/port.js';
import { judged } from '../change.js';
import type { Database } from '../database.js';
import { once } from '../inbox.js';
import { claimLease, releaseLease, renewLease } from '../lease.js';
import { startLoop, type Loop } from '../relay.js';
import type { Telemetry } from '../telemetry.js';
import { inTransaction } from '../transaction.js';
import { applyScopes, listNewer, listVersions, scopeUuid, type ScopeView } from './view.js';

/**
 * Takes in what a caller brings along, before its own work begins: a scope made a moment ago works at once. In a short
 * transaction of its own, so that nobody waits for a scope's row through somebody else's work.
 * @throws Problem overloaded
 */
export async function bringForward(db: Database, view: ScopeView, scopes: readonly ScopeRow[]): Promise<void> {
  const known = knownIn.get(db) ?? new Map<string, number>();
  knownIn.set(db, known);
  const unknown = scopes.filter(({ id, version }) => version > (known.get(id) ?? 0));
  if (unknown.length === 0) return;
  const newer = await listNewer(db, view.schema, unknown);
  if (newer.length > 0)
    await judged(
      inTransaction(db, (tx) => applyScopes(tx, view, newer)),
      {},
    );
  if (known.size >= knownMax) known.clear();
  for (const { id, version } of unknown) known.set(id, Math.max(version, known.get(id) ?? 0));
}

/** Versions that hold here at least: a row never becomes older, and none is taken out. */
const knownIn = new WeakMap<Database, Map<string, number>>();
const knownMax = 50_000;

/**
 * Takes in the scope rows that the caller brings where they are newer; once this is answered they hold here.
 * @throws Problem permission-denied
 */
export async function confirmScopes(db: Database, view: ScopeView, caller: Caller) {
  if (!('all' in caller.readScope))
    throw problem('permission-denied', { missingPermission: `${view.schema}.projection.apply` });
  const applied = inTransaction(db, async (tx) => {
    await applyScopes(tx, view, caller.scopes);
    const ids = caller.scopes.map((scope) => scopeUuid(scope.id));
    const versions = await listVersions(tx, view.schema, ids);
    return {
      rows: caller.scopes.map(({ id, version }) => ({
        id: id as 'platform',
        version: versions.get(scopeUuid(id)) ?? version,
      })),
    };
  });
  return judged(applied, {});
}

/** Keeps the projection up by tenancy's events: whole rows, so order and repetition do not matter. */
export function listenToScopes(db: Database, view: ScopeView, bus: Bus): Subscription {
  return bus.consume(
    {
      stream: 'DV_EVT',
      durable: `${view.schema}-scopes`,
      filter: 'dv.evt.v1.tenancy.scope.*',
      ackWaitMs: 30_000,
      maxDeliver: 10,
      concurrency: 4,
      backoffMs: [200, 1_000, 5_000, 30_000],
    },
    async (message) => {
      await takeInScope(db, view, message);
      return 'ack';
    },
  );
}

/** Applies one event, once; the newer row of a scope stays, whatever comes when. */
export async function takeInScope(
  db: Database,
  view: ScopeView,
  message: Pick<Delivery, 'id' | 'data'>,
): Promise<void> {
  const scope = scopeRowOf(JSON.parse(message.data));
  if (scope === undefined) return;
  await inTransaction(db, async (tx) => {
    if (!(await once(tx, view.schema, { consumer: `${view.schema}-scopes`, messageId: message.id }))) return;
    await applyScopes(tx, view, [scope]);
  });
}

/** As much of tenancy as a projection is filled from. */
export interface ScopeSource {
  readonly page: (
    caller: Caller,
    command: { limit: number; afterId?: ScopeRow['id'] },
  ) => Promise<{ rows: readonly ScopeRow[]; more: boolean }>;
}

const pageSize = 500;
const rowsMax = 20;

/**
 * Goes through all scopes of the owner once and takes in what is newer: at the first start, after a restore, nightly. `going`
 * is asked after each page whether to go on: it holds the lease longer.
 */
export async function fillScopes(
  db: Database,
  view: ScopeView,
  { source, going }: { source: ScopeSource; going?: (seen: number) => Promise<boolean> },
): Promise<number> {
  const itself: Caller = {
    principal: { id: view.schema, type: 'system' },
    accessEpoch: 0,
    readScope: { all: true },
    scopes: [],
  };
  let afterId: ScopeRow['id'] | undefined;
  let seen = 0;
  for (let more = true; more;) {
    const page = await source.page(itself, { limit: pageSize, ...(afterId === undefined ? {} : { afterId }) });
    // What is known already costs a read. The rest goes in small transactions: nobody who begins something waits long for a row.
    const newer = await listNewer(db, view.schema, page.rows);
    for (let at = 0; at < newer.length; at += rowsMax) {
      const few = newer.slice(at, at + rowsMax);
      await inTransaction(db, (tx) => applyScopes(tx, view, few));
    }
    seen += page.rows.length;
    afterId = page.rows.at(-1)?.id;
    more = page.more && ((await going?.(seen)) ?? true);
  }
  return seen;
}

const lease = 'projection.fill';
/** Once a day whoever comes first goes through all scopes again: what an event that was lost would have said. */
const fillEveryMs = 24 * 3_600_000;
/** From page to page; another takes over where this one went away. */
const holdMs = 60_000;

/** Fills the projection at the start, and again every day. */
export function startFillingScopes(
  deps: { readonly db: { readonly app: Database }; readonly telemetry: Pick<Telemetry, 'log'> },
  view: ScopeView,
  source: ScopeSource,
): Loop {
  const { log } = deps.telemetry;
  const db = deps.db.app;
  let filledAt = -Infinity;
  return startLoop(
    async () => {
      if (performance.now() - filledAt < fillEveryMs) return;
      const taken = await claimLease(db, view.schema, lease, { holdMs });
      if (taken === undefined) return;
      let held = true;
      try {
        const seen = await fillScopes(db, view, {
          source,
          going: async (so) => {
            log('debug', 'the projection of scopes is being filled', { context: view.schema, scopes: so });
            held = await renewLease(db, view.schema, { ...taken, holdMs });
            return held;
          },
        });
        if (!held) return;
        filledAt = performance.now();
        log('info', 'the projection of scopes was gone through', { context: view.schema, scopes: seen });
      } finally {
        await releaseLease(db, view.schema, taken);
      }
    },
    {
      pollMs: [5_000, 15_000],
      failed: (error) =>
        log('warn', 'the projection of scopes could not be filled and will be tried again', {
          context: view.schema,
          error,
        }),
      ended: () => Promise.resolve(),
    },
  );
}
