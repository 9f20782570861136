import type { Workload } from './allocating.js';
import { load, together, type Measured } from './load.js';
import type { Stand } from './stand.js';

/**
 * Without audit: the feed row has no audit part, nothing is guarded, and no sequencer reads. What a change costs beyond its event.
 * The part is taken off by a trigger, after the process has made it, so this is rather too slow than too fast.
 */
async function withoutAudit(stand: Stand): Promise<void> {
  const { admin } = stand;
  await admin.unsafe(
    `create or replace function inventory.bench_bare() returns trigger language plpgsql as 'begin new.audit := null; return new; end'`,
  );
  await admin.unsafe(
    'create trigger bench_bare before insert on inventory.feed for each row execute function inventory.bench_bare()',
  );
  for (const trigger of ['version_moves_by_one', 'change_has_feed_row'])
    await admin.unsafe(`alter table inventory.node disable trigger ${trigger}`);
  // Another leads, and does nothing.
  await admin.unsafe(
    `update audit.lease set epoch = epoch + 1, until = now() + interval '1 hour' where name = 'audit.sequence'`,
  );
}

async function withAudit(stand: Stand): Promise<void> {
  const { admin } = stand;
  await admin.unsafe('drop trigger bench_bare on inventory.feed');
  for (const trigger of ['version_moves_by_one', 'change_has_feed_row'])
    await admin.unsafe(`alter table inventory.node enable trigger ${trigger}`);
  await admin.unsafe(`update audit.lease set until = now() where name = 'audit.sequence'`);
}

/** Facts of inventory that are numbered and not on record. */
async function behind(stand: Stand): Promise<number> {
  const [row] = await stand.admin.unsafe(
    `select (select coalesce(max(position), 0) from inventory.lease where name = 'feed.number')::int
       - coalesce((select confirmed_pos from audit.producer where context = 'inventory'), 0)::int as n`,
  );
  return Number(row?.['n']);
}

/** The rate of changes with audit, the sequencer at work beside them, and without. */
export const audit: Workload = async function* ({ stand, seconds, rounds }) {
  const { url, token } = stand;
  const targets = [{ nodeIds: [], path: '/v1/nodes', body: { kind: 'cluster' } }];
  const leg = (length: number) => load({ url, token, targets, shape: 'ask', clients: 8, seconds: length });
  await leg(3);
  const [ours, bare]: [Measured[], Measured[]] = [[], []];
  let waiting = 0;
  for (let round = 0; round < rounds; round += 1) {
    await withoutAudit(stand);
    bare.push(await leg(seconds));
    await withAudit(stand);
    // What was not read meanwhile has no audit part: it costs a position each.
    for (let tries = 0; tries < 200 && (await behind(stand)) > 0; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 100));
    ours.push(await leg(seconds));
    waiting = Math.max(waiting, await behind(stand));
  }
  yield {
    workload: 'audit',
    what: 'nodes registered with audit beside without, 8 clients',
    value: together(ours),
    limit: together(bare),
    besides: { 'facts that waited for their record at the end': waiting },
  };
};
