import { prepareLimit, pairRound, takeRound } from './limit-sql.js';
import { limit, load, together, type Measured, type Order } from './load.js';
import { limitOf, makePlaces, makePool, makePools, ownPlace, targetOf, type Pool } from './places.js';
import type { Figure } from './report.js';
import type { Json, Stand } from './stand.js';

export interface Run {
  readonly stand: Stand;
  /** Of each leg. */
  readonly seconds: number;
  /** Limit and Sentral by turns, so often: what else the machine does meets both. */
  readonly rounds: number;
}

export type Workload = (run: Run) => AsyncGenerator<Figure>;

const clientCounts = [8, 32];

export const ask = ({ stand, seconds }: Run, order: Omit<Order, 'url' | 'token' | 'seconds'> & { seconds?: number }) =>
  load({ seconds, url: stand.url, token: stand.token, ...order });

/** One hot pool, until it is full. */
export const w1: Workload = async function* (run) {
  const { stand, seconds } = run;
  const warm: Pool = { place: ownPlace, nodeId: await makePool(stand, 1_000_000_000) };
  await ask(run, { shape: 'allocate', clients: 8, targets: [targetOf(warm)], seconds: 2 });
  await prepareLimit(stand, [limitOf(warm)]);
  const limitTarget = limitOf(warm).nodeId;
  for (const clients of clientCounts) {
    const { perSecond } = await ask(run, { shape: 'allocate', clients, targets: [targetOf(warm)], seconds: 1 });
    const capacity = Math.max(100, Math.round(perSecond * seconds));
    const ours: Measured[] = [];
    const limits: Measured[] = [];
    let exact = true;
    for (let round = 0; round < run.rounds; round += 1) {
      limits.push(await limit({ url: stand.adminUrl, clients, seconds, round: takeRound, targets: [limitTarget] }));
      const nodeId = await makePool(stand, capacity);
      const targets = [targetOf({ place: ownPlace, nodeId })];
      const filled = await ask(run, { shape: 'allocate', clients, targets, untilRefused: true, seconds: seconds * 10 });
      const counter: Json = await stand.ask('GET', `/v1/nodes/${nodeId}/capacities/vcpu`);
      exact &&= filled.done === capacity && counter.used === capacity && filled.refused === clients;
      ours.push(filled);
    }
    yield {
      workload: 'W1',
      what: `one hot pool of ${capacity}, ${clients} clients`,
      value: together(ours),
      limit: together(limits),
      ratioLeast: clients === 8 ? 0.5 : 2,
      ...(clients === 32 ? { p99MsMost: 60 } : {}),
      holds: { 'as many winners as capacity': exact },
    };
  }
};

/** The same order and the same statements for both: by turns, at 8 and 32 clients. */
async function* spread(
  run: Run,
  {
    workload,
    what,
    pools,
    shape,
    ratioLeast,
  }: { workload: string; what: string; pools: readonly Pool[]; shape: 'allocate' | 'pair'; ratioLeast?: number },
): AsyncGenerator<Figure> {
  const targets = pools.map(targetOf);
  await ask(run, { shape, clients: 8, targets, seconds: 2 });
  await prepareLimit(run.stand, pools.map(limitOf));
  for (const clients of clientCounts) {
    const ours: Measured[] = [];
    const limits: Measured[] = [];
    for (let round = 0; round < run.rounds; round += 1) {
      limits.push(
        await limit({
          clients,
          url: run.stand.adminUrl,
          seconds: run.seconds,
          round: shape === 'pair' ? pairRound : takeRound,
          targets: pools.map((pool) => limitOf(pool).nodeId),
        }),
      );
      ours.push(await ask(run, { shape, clients, targets }));
    }
    yield {
      workload,
      what: `${what}, ${clients} clients`,
      value: together(ours),
      limit: together(limits),
      ...(ratioLeast === undefined ? {} : { ratioLeast }),
    };
  }
}

/** A thousand pools of fifty tenants; then of one. */
export const w2: Workload = async function* (run) {
  const places = await makePlaces(run.stand, 50);
  const pools = await makePools(run.stand, 1_000, places);
  const common = { workload: 'W2', shape: 'allocate' } as const;
  yield* spread(run, { ...common, what: '1,000 pools of 50 tenants', pools, ratioLeast: 0.35 });
  const own = pools.map(({ nodeId }) => ({ nodeId, place: ownPlace }));
  yield* spread(run, { ...common, what: '1,000 pools of one tenant', pools: own });
};

/** Taken and given back. */
export const w4: Workload = async function* (run) {
  const places = await makePlaces(run.stand, 50);
  const pools = await makePools(run.stand, 1_000, places);
  yield* spread(run, {
    workload: 'W4',
    what: 'pairs over 1,000 pools of 50 tenants',
    shape: 'pair',
    pools,
    ratioLeast: 0.35,
  });
};

/** Two hot pools in one request, half the clients name them the other way round. */
export const w5b: Workload = async function* (run) {
  const { stand } = run;
  const places = await makePlaces(stand, 4);
  const [x, y] = await makePools(stand, 2, places);
  if (x === undefined || y === undefined) throw new Error('two pools were made');
  const both = [x.nodeId, y.nodeId];
  const targets = places.flatMap(({ environmentId }) => [
    { environmentId, nodeIds: both },
    { environmentId, nodeIds: both.toReversed() },
  ]);
  const deadlocks = async () => {
    const [row] = await stand.admin
      .sql`select deadlocks::int as n from pg_stat_database where datname = current_database()`;
    return Number(row?.['n']);
  };
  const before = await deadlocks();
  const value = await ask(run, { shape: 'allocate', clients: 32, targets, inTurn: true });
  yield {
    workload: 'W5b',
    what: 'two hot pools of four tenants, half the other way round, 32 clients',
    value,
    holds: { 'no deadlock': (await deadlocks()) === before },
  };
};
