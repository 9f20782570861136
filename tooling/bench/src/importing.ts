import { topologyLines } from '@sentral/facts/placement';
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Workload } from './allocating.js';
import type { Measured } from './load.js';
import type { Json, Stand } from './stand.js';

const fixtures = path.resolve(import.meta.dirname, '../../../fixtures');
const fixture = (name: string): string => readFileSync(path.join(fixtures, name), 'utf8');

/** What an import writes for good, besides the feed. */
const tables = ['node', 'edge', 'edge_end', 'address_block', 'address', 'number', 'external_id', 'feed'];

const once = (done: number, seconds: number): Measured => ({
  done,
  seconds,
  refused: 0,
  failed: 0,
  failures: [],
  perSecond: done / seconds,
  p50Ms: seconds * 1_000,
  p99Ms: seconds * 1_000,
});

async function imported(stand: Stand, of: { source: string; format: string; file: string }): Promise<Json> {
  const { source, format, file } = of;
  const answer = await fetch(`${stand.url}/v1/imports?source=${source}&format=${format}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${stand.token}`,
      'content-type': format === 'netbox' ? 'application/json' : 'application/x-ndjson',
      'idempotency-key': randomUUID(),
    },
    body: file,
  });
  if (!answer.ok) throw new Error(`the import answered ${answer.status}: ${await answer.text()}`);
  const { id } = (await answer.json()) as Json;
  for (;;) {
    const job = await stand.ask('GET', `/v1/imports/${id}`);
    if (!['staging', 'queued', 'running'].includes(job.state)) return job;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The rows that are new since, written once more by COPY into tables with the same columns, checks and indexes. */
async function copied(
  stand: Stand,
  since: Readonly<Record<string, number>>,
): Promise<{ rows: number; seconds: number }> {
  const { admin } = stand;
  await admin.unsafe('create schema if not exists bench');
  let [rows, seconds] = [0, 0];
  for (const table of tables) {
    // Where the server may write, whoever it runs as.
    const [data] = await admin.unsafe(`select setting as folder from pg_settings where name = 'data_directory'`);
    const file = path.join(String(data?.['folder']), `bench-${randomUUID()}`);
    await admin.unsafe(`drop table if exists bench.copied_${table}`);
    await admin.unsafe(`create table bench.copied_${table} (like inventory.${table} including all excluding identity)`);
    await admin.unsafe(`copy (select * from inventory.${table} offset ${since[table] ?? 0}) to '${file}'`);
    const began = performance.now();
    const { count } = await admin.unsafe(`copy bench.copied_${table} from '${file}'`);
    seconds += (performance.now() - began) / 1_000;
    rows += count;
    rmSync(file);
  }
  return { rows, seconds };
}

/** The NetBox file and the nodes of a topology, reported beside COPY of the rows that came of them. */
export const w7: Workload = async function* ({ stand }) {
  const files = [
    { source: 'netbox', format: 'netbox', file: fixture('netbox/netbox-demo-v3.6.json') },
    { source: 'topology', format: 'changeset', file: [...topologyLines(fixture('placement/topology.csv'))].join('') },
  ];
  for (const each of files) {
    const since: Record<string, number> = {};
    for (const table of tables)
      since[table] = Number((await stand.admin.unsafe(`select count(*)::int as n from inventory.${table}`))[0]?.['n']);
    const began = performance.now();
    const job = await imported(stand, each);
    const seconds = (performance.now() - began) / 1_000;
    const counts = Object.values(job.counts as Record<string, number>);
    const copy = await copied(stand, since);
    yield {
      workload: 'W7',
      what: `import of ${each.source}`,
      value: once(copy.rows, seconds),
      limit: once(copy.rows, copy.seconds),
      holds: { 'it succeeded': job.state === 'succeeded' },
      besides: {
        seconds: seconds.toFixed(1),
        'rows of the file': counts.reduce((sum, n) => sum + n, 0),
        'rows written': copy.rows,
        'peak MiB of the process': stand.peakMib(),
      },
    };
  }
};
