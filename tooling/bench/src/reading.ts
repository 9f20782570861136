import { decodeId, encodeId } from '@sentral/contracts/ids';
import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { inTransaction } from '@sentral/kernel/transaction';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Run, Workload } from './allocating.js';
import { load, together, type Measured, type Target } from './load.js';
import type { Json, Stand } from './stand.js';

const clients = 8;
const limit = 10;
const amount = 4;

/** The bare handler in a process of its own, as Sentral is. */
async function bare(stand: Stand): Promise<{ url: string; stop: () => Promise<void> }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./bare-server.js', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], BARE_DATABASE_URL: stand.adminUrl },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve);
    void ended.then(() => reject(new Error('the bare handler ended before it listened')));
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { url, stop };
}

/**
 * So many providers of three classes, of which every other is full and the rest half used. Written past the guards: what is
 * measured reads counters, and there is nothing behind these.
 */
async function makeProviders(stand: Stand, count: number): Promise<readonly string[]> {
  await inTransaction(stand.admin, async (tx) => {
    await tx.unsafe('set local session_replication_role = replica');
    await tx.unsafe(
      `delete from inventory.capacity where node_id in (select id from inventory.node where name like 'provider-%')`,
    );
    await tx.unsafe(`delete from inventory.node where name like 'provider-%'`);
  });
  const created = { 'idempotency-key': randomUUID() };
  const model: Json = await stand.ask(
    'POST',
    '/v1/nodes',
    { kind: 'server', name: `model-${randomUUID()}`, state: 'available' },
    created,
  );
  for (const name of ['vcpu', 'memoryMib', 'diskGib'])
    await stand.ask(
      'POST',
      `/v1/nodes/${model.id}/capacities`,
      { class: name, total: 64 },
      { 'idempotency-key': randomUUID() },
    );
  const id = decodeId('nod', model.id as string);
  const ids = await inTransaction(stand.admin, async (tx) => {
    await tx.unsafe('set local session_replication_role = replica');
    const rows = await tx.unsafe(
      `with made as materialized (
         select n, (lpad(to_hex((extract(epoch from now()) * 1000)::bigint - n * 7), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid as id
         from generate_series(1, $2::int) n
       ), nodes as (
         insert into inventory.node select (jsonb_populate_record(m, jsonb_build_object('id', made.id, 'name', 'provider-' || made.n))).*
         from inventory.node m, made where m.id = $1 returning id
       ), offers as (
         insert into inventory.capacity select (jsonb_populate_record(m, jsonb_build_object('node_id', made.id, 'used', case when made.n % 2 = 0 then m.cap else m.cap / 2 end))).*
         from inventory.capacity m, made where m.node_id = $1
       ) select id from nodes`,
      [id, count],
    );
    return rows.map((row) => String(row['id']));
  });
  await stand.admin.unsafe('analyze inventory.node, inventory.capacity');
  return ids;
}

/** Sentral and the limit by turns. */
async function turns(run: Run, ask: { shape: 'read' | 'ask'; ours: readonly Target[]; bare: readonly Target[] }) {
  const other = await bare(run.stand);
  try {
    const [ours, limits]: [Measured[], Measured[]] = [[], []];
    const { url, token } = run.stand;
    const of = { clients, token, shape: ask.shape };
    await load({ ...of, url, targets: ask.ours, seconds: 2 });
    for (let round = 0; round < run.rounds; round += 1) {
      limits.push(await load({ ...of, url: other.url, targets: ask.bare, seconds: run.seconds }));
      ours.push(await load({ ...of, url, targets: ask.ours, seconds: run.seconds }));
    }
    return { value: together(ours), limit: together(limits) };
  } finally {
    await other.stop();
  }
}

/** One node's capacity and its use. */
export const w5: Workload = async function* (run) {
  const ids = await makeProviders(run.stand, 1_000);
  const figure = await turns(run, {
    shape: 'read',
    ours: ids.map((id) => ({ nodeIds: [], path: `/v1/nodes/${encodeId('nod', id)}/capacities` })),
    bare: ids.map((id) => ({ nodeIds: [], path: `/nodes/${id}` })),
  });
  yield { workload: 'W5', what: `one node with capacity and use, ${clients} clients`, ...figure, ratioLeast: 0.5 };
  const floor = await load({
    clients,
    token: run.stand.token,
    url: run.stand.url,
    shape: 'read',
    targets: [{ nodeIds: [], path: '/livez' }],
    seconds: run.seconds,
  });
  const who = await load({
    clients,
    token: run.stand.token,
    url: run.stand.url,
    shape: 'read',
    targets: [{ nodeIds: [], path: '/v1/whoami' }],
    seconds: run.seconds,
  });
  yield {
    workload: 'W5',
    what: `/v1/whoami beside /livez: what a request costs by itself, ${clients} clients`,
    value: who,
    limit: floor,
  };
};

/** Where something could be placed: with ten times the providers the same. */
export const w3: Workload = async function* (run) {
  const { stand } = run;
  const body = { resources: [{ class: 'vcpu', amount }], limit };
  const path = `/v1/environments/${defaultEnvironmentId}/placements`;
  let few: number | undefined;
  for (const count of [1_000, 10_000]) {
    await makeProviders(stand, count);
    const figure = await turns(run, {
      shape: 'ask',
      ours: [{ nodeIds: [], path, body }],
      bare: [{ nodeIds: [], path: '/candidates', body: { amount, limit } }],
    });
    const touched = await rowsTouched(stand, () => stand.ask('POST', path, body));
    few ??= figure.value.perSecond;
    yield {
      workload: 'W3',
      what: `candidates of ${count} providers, ${clients} clients`,
      ...figure,
      ratioLeast: 0.5,
      holds: {
        'rows of capacity touched at most 5 × limit': touched <= 5 * limit,
        ...(count === 1_000
          ? { 'all that fit are offered': await allOffered(stand, path, body) }
          : { 'as fast as with a tenth': figure.value.perSecond >= 0.8 * few }),
      },
      besides: { 'rows touched': touched.toFixed(0) },
    };
  }
};

/** Rows of counters that one search walks along, by the server's own count; those of the answer, three a provider, come on top. */
async function rowsTouched(stand: Stand, ask: () => Promise<unknown>): Promise<number> {
  const count = async () => {
    // A backend that has nothing more to do reports after ten seconds.
    await new Promise((resolve) => setTimeout(resolve, 11_000));
    await stand.admin.unsafe('select pg_stat_clear_snapshot()');
    const [row] = await stand.admin.unsafe(
      `select (t.seq_tup_read + i.idx_tup_read)::float8 as n from pg_stat_user_tables t join pg_stat_user_indexes i on i.relid = t.relid
       where t.schemaname = 'inventory' and t.relname = 'capacity' and i.indexrelname = 'capacity_shuffled'`,
    );
    return Number(row?.['n']);
  };
  const times = 200;
  const before = await count();
  for (let n = 0; n < times; n += 1) await ask();
  return ((await count()) - before) / times;
}

async function allOffered(stand: Stand, path: string, body: object): Promise<boolean> {
  const [row] = await stand.admin.unsafe(
    `select count(*)::int as n from inventory.capacity k join inventory.node n on n.id = k.node_id where class = 'vcpu' and used + booked + ${amount} <= cap and n.name like 'provider-%'`,
  );
  const offered = new Set<string>();
  for (let asked = 0; asked < 4_000 && offered.size < Number(row?.['n']); asked += 8) {
    const answers: Json[] = await Promise.all(Array.from({ length: 8 }, () => stand.ask('POST', path, body)));
    for (const { candidates } of answers) for (const { hostId } of candidates) offered.add(hostId);
  }
  return offered.size >= Number(row?.['n']);
}
