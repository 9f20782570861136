import type { ScopeRow } from '@sentral/contracts/contract';
import { encodeId, type Id } from '@sentral/contracts/ids';
import { isProblem } from '@sentral/contracts/problem';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pathTo, tree } from './scope-tree.js';
import { everyone, openUsagePlace, type UsagePlace } from './usage-place.js';

let place: UsagePlace;
beforeAll(async () => {
  place = await openUsagePlace();
  // A deadlock is to be seen before the timeout of a lock turns it into a refusal.
  await place.admin.unsafe(
    `do $$ begin execute format('alter database %I set deadlock_timeout = ''50ms''', current_database()); end $$`,
  );
  expect(await place.deps.db.app.unsafe('show deadlock_timeout')).toEqual([{ deadlock_timeout: '50ms' }]);
});
afterAll(() => place.close());

/** What may be said to somebody in a storm. Whatever else comes is a bug, a deadlock that was retried in vain among it. */
const fair = new Set(['quota-exceeded', 'scope-not-active', 'not-found', 'overloaded', 'version-mismatch']);

test('rows of scopes, counts and takings that meet from every side never wait for each other in a circle', async () => {
  const of = tree(2, 2);
  const domainId = await place.numbers();
  const { inventory } = place;
  const heard = new Map<string, number>();
  let version = 1;

  const tried = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const said = await work().then(
      () => 'done',
      (error: unknown) => (isProblem(error) ? error.code : String(error)),
    );
    heard.set(`${what} ${said}`, (heard.get(`${what} ${said}`) ?? 0) + 1);
  };
  /** A whole path as of a new version, with other limits each time and a lien now and then; what is going is on its way out. */
  const news = (environment: ScopeRow, going?: ScopeRow): ScopeRow[] => {
    version += 1;
    const now = version;
    return pathTo(of, environment).map((row, depth) => ({
      ...row,
      version: now,
      state: row.id === going?.id ? 'deleting' : 'active',
      limits: now % 3 === 0 ? [] : [{ dimension: 'inventory.number', limit: 5 + ((now * depth) % 40) }],
      holds: now % 5 === 0 ? [{ id: encodeId('hol', newId()), resourceId: 'nod_x', origin: 'o', reason: 'r' }] : [],
    }));
  };
  const one = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;
  const held: Id<'alc'>[] = [];
  const roles: Readonly<Record<string, () => Promise<unknown>>> = {
    take: async () => {
      const environment = one(of.environments);
      const { id } = await inventory.allocation.reserve(
        { ...everyone, scopes: [] },
        {
          environmentId: environment.id,
          consumer: { service: 'test', kind: 'thing', id: newId() },
          items: [{ what: 'number', domainId, count: 2 }],
        },
      );
      held.push(id);
    },
    release: async () => {
      const id = held.splice(Math.floor(Math.random() * held.length), 1)[0];
      if (id === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
      else await inventory.allocation.release(everyone, { id });
    },
    // Some bring children before parents: the order of locks is not the caller's.
    apply: () => inventory.projection.apply({ ...everyone, scopes: news(one(of.environments)).toReversed() }, {}),
    // As a delete does: `deleting` first, then the count; somebody's next news turn it back.
    count: async () => {
      const environment = one(of.environments);
      const leaving = one(pathTo(of, environment).slice(1));
      const rows = news(environment, leaving);
      // It gives up its turn when those who had begun take long, and is asked again, as by the sweep.
      for (let tries = 0; ; tries += 1) {
        try {
          return await inventory.usage.count({ ...everyone, scopes: rows }, { scopeId: leaving.id, version });
        } catch (error) {
          if (!isProblem(error, 'overloaded') || tries > 10) throw error;
        }
      }
    },
  };
  await inventory.projection.apply({ ...everyone, scopes: of.environments.flatMap((each) => pathTo(of, each)) }, {});
  // So often each, so that it ends on any machine; a count waits for those who had begun, and is slow among many.
  const crowd = { take: [12, 12, 12, 12], release: [12, 12], apply: [30, 30, 30], count: [4, 4, 4] };
  await Promise.all(
    Object.entries(crowd).flatMap(([name, times]) =>
      times.map(async (often) => {
        for (let n = 0; n < often; n += 1) await tried(name, roles[name] as () => Promise<unknown>);
      }),
    ),
  );

  const unfair = [...heard].filter(([what]) => !fair.has(what.split(' ')[1] ?? '') && !what.endsWith(' done'));
  expect(unfair).toEqual([]);
  await calm();
  const met = ['take done', 'release done', 'apply done', 'count done'].filter((each) => !heard.has(each));
  expect(met).toEqual([]);
}, 60_000);

/** A transaction that is retried hides a deadlock from its caller, and not from the database. */
async function calm(): Promise<void> {
  // A process tells the statistics of its deadlocks within a second.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const [row] = await place.admin.unsafe(
    'select deadlocks::int from pg_stat_database where datname = current_database()',
  );
  expect(row).toEqual({ deadlocks: 0 });
  const { items } = await place.inventory.invariant.list(everyone, {});
  expect(items.filter(({ violations }) => violations > 0)).toEqual([]);
}
