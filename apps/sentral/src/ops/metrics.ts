import type { Bus } from '@sentral/kernel/bus/port';
import type { Database } from '@sentral/kernel/database';
import type { Relay, RelayLag } from '@sentral/kernel/relay';
import type { Recorded } from '../composition.js';
import { counter, exposition, gauge, type Family } from './exposition.js';
import { processFamilies } from './process.js';
import { createTaskMetrics, type TaskMetrics } from './tasks.js';
import { createRequests, type Requests } from './requests.js';

/** What is looked up at each scrape. */
export interface Seen {
  /** Pools by context and role. */
  readonly pools: readonly { readonly context: string; readonly role: string; readonly db: Database }[];
  readonly bus: Bus;
  readonly relays: readonly (Pick<Relay, 'lag'> & { readonly context: string; recorded(): Promise<Recorded> })[];
}

export interface Metrics {
  readonly requests: Requests;
  readonly tasks: TaskMetrics;
  /** Takes what telemetry counts; a name that is not listed here is nobody's metric. */
  count(name: string, by: number): void;
  text(seen: Seen): Promise<string>;
}

/** A database that does not answer must not keep the scrape waiting: the other families are what tells why. */
const lagWithinMs = 2_000;

/** The metrics of one process, whichever contexts it runs; docs/operations.md says what each family means. */
export function createMetrics(mode: string): Metrics {
  const requests = createRequests();
  const tasks = createTaskMetrics();
  const rows = counter({
    name: 'sentral_import_rows_total',
    help: 'Rows that import workers here went through.',
    labels: [],
  });
  const imports = counter({
    name: 'sentral_imports_total',
    help: 'Imports that workers here brought to an end.',
    labels: ['state'],
  });
  const lost = counter({
    name: 'sentral_audit_refusals_lost_total',
    help: 'Refusals that could not be put on record.',
    labels: [],
  });
  const gaps = counter({
    name: 'sentral_audit_feed_gaps_total',
    help: 'Looks at a feed that found a gap in it.',
    labels: [],
  });
  const damaged = counter({
    name: 'sentral_audit_sealed_damaged_total',
    help: 'What facts say of persons and does not open: on record without it.',
    labels: [],
  });
  const miscounted = counter({
    name: 'sentral_audit_integrity_total',
    help: 'Facts that did not agree with their records, and exports that did not verify, each time that it was seen.',
    labels: [],
  });
  const counted: Readonly<Record<string, (by: number) => void>> = {
    ...tasks.counted,
    'import.rows': (by) => rows.add({}, by),
    'import.succeeded': (by) => imports.add({ state: 'succeeded' }, by),
    'audit.lost': (by) => lost.add({}, by),
    audit_integrity: (by) => miscounted.add({}, by),
    audit_feed_gap: (by) => gaps.add({}, by),
    audit_sealed_damaged: (by) => damaged.add({}, by),
    'import.failed': (by) => imports.add({ state: 'failed' }, by),
  };
  // A counter that has not moved says 0: the first step must be seen as one.
  for (const begin of Object.values(counted)) begin(0);
  const own = [
    ...requests.families,
    ...tasks.families,
    rows,
    imports,
    lost,
    gaps,
    damaged,
    miscounted,
    ...processFamilies(mode),
  ];
  return {
    requests,
    tasks,
    count: (name, by) => {
      if (Object.hasOwn(counted, name)) counted[name]?.(by);
    },
    text: (seen) =>
      exposition([
        ...own,
        ...tasks.seen(seen.pools.find(({ context, role }) => context === 'task' && role === 'platform')?.db),
        ...poolFamilies(seen.pools),
        busFamily(seen.bus),
        ...feedFamilies(seen.relays),
      ]),
  };
}

function poolFamilies(pools: Seen['pools']): readonly Family[] {
  const each = (name: string, help: string, value: (health: ReturnType<Database['health']>) => number) =>
    gauge(name, help, () =>
      pools.map(({ context, role, db }) => ({ labels: { context, role }, value: value(db.health()) })),
    );
  return [
    each('sentral_pool_size', 'Connections that the pool may open.', ({ size }) => size),
    each('sentral_pool_open', 'Connections that are open.', ({ open }) => open),
    each('sentral_pool_busy', 'Connections in use.', ({ busy }) => busy),
    each('sentral_pool_waiting', 'Callers that wait for a connection.', ({ waiting }) => waiting),
  ];
}

function busFamily(bus: Bus): Family {
  return gauge('sentral_bus_connected', '1 while the bus takes messages; else they wait in the feeds.', () => [
    { value: bus.health().connected ? 1 : 0 },
  ]);
}

function feedFamilies(relays: Seen['relays']): readonly Family[] {
  // One question a scrape, shared by the families; a feed that cannot be asked has no samples.
  const asked = Promise.all(relays.map(async ({ context, lag }) => ({ context, lag: await within(lag()) })));
  const each = (name: string, help: string, value: (lag: RelayLag) => number) =>
    gauge(name, help, async () =>
      (await asked).flatMap(({ context, lag }) =>
        lag === undefined ? [] : [{ labels: { context }, value: value(lag) }],
      ),
    );
  return [
    gauge('sentral_audit_lag', 'Facts with a position that are not on record yet.', async () =>
      (
        await Promise.all(
          relays.map(async ({ context, recorded }) => ({ context, behind: (await within(recorded()))?.behind })),
        )
      ).flatMap(({ context, behind }) => (behind === undefined ? [] : [{ labels: { context }, value: behind }])),
    ),
    each('sentral_feed_unnumbered', 'Facts that have no position yet.', ({ unnumbered }) => unnumbered),
    each('sentral_feed_unpublished', 'Facts that the bus has not acknowledged.', ({ unpublished }) => unpublished),
    each(
      'sentral_feed_oldest_seconds',
      'Age of the oldest fact without a position.',
      ({ oldestSeconds }) => oldestSeconds,
    ),
  ];
}

function within<T>(work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), lagWithinMs);
    work.then(resolve, () => resolve(undefined)).finally(() => clearTimeout(timer));
  });
}
