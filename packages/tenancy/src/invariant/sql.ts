import type { Invariant } from '@sentral/contracts/shared-verbs';
import type { Database } from '@sentral/kernel/database';

interface Check {
  readonly name: string;
  readonly statement: string;
  /** Selects one text column `example` per violation. */
  readonly query: string;
}

/** Reads only, each in its own snapshot: a violation that heals between two of them was none. */
export const invariants: readonly Check[] = [
  {
    name: 'tenancy.scope.liveUnderLive',
    statement: 'Nothing lives under a deleted scope.',
    query: `select s.id::text as example from tenancy.scope s join tenancy.scope p on p.id = s.parent_id
      where p.state = 'deleted' and s.state <> 'deleted'`,
  },
  {
    name: 'tenancy.scope.onePlatform',
    statement: 'There is a platform to stand on.',
    query: `select 'no platform' as example where not exists (select from tenancy.scope where kind = 'platform')`,
  },
  {
    name: 'tenancy.scope.deletesEnd',
    statement: 'No delete hangs: what is in deletion is finished or taken back within five minutes.',
    query: `select id::text as example from tenancy.scope where state = 'deleting' and updated_at < now() - interval '5 minutes'`,
  },
  {
    name: 'tenancy.quota.countersAreTheTree',
    statement: 'What the counters say is what lives in the tree.',
    query: `select q.scope_id::text || ' ' || q.dimension as example from tenancy.quota_use q join tenancy.scope p on p.id = q.scope_id
      where q.dimension in ('tenancy.projects', 'tenancy.environments') and q.used <> (
        select count(*) from tenancy.scope s
        where s.state <> 'deleted' and s.kind = case q.dimension when 'tenancy.projects' then 'project' else 'environment' end
          and (s.tenant_id = q.scope_id or s.project_id = q.scope_id) and s.id <> q.scope_id)`,
  },
  {
    name: 'tenancy.quota.capsAreTheLimits',
    statement: 'The cap of a counter is the limit that is set on its scope.',
    query: `select q.scope_id::text || ' ' || q.dimension as example from tenancy.quota_use q
      left join tenancy.quota_limit l on l.scope_id = q.scope_id and l.dimension = q.dimension
      where q.cap is distinct from l.bound`,
  },
  {
    name: 'tenancy.feed.dense',
    statement: 'Positions in the feed have no gap and no double.',
    query: `select pos::text as example from (select pos, lead(pos) over (order by pos) as next from tenancy.feed where pos is not null) f
      where next <> pos + 1`,
  },
  {
    name: 'tenancy.feed.partitioned',
    statement: 'No fact fell into the default partition: the partitions of the coming days are made in time.',
    query: `select id::text as example from tenancy.feed_default`,
  },
];

/** How often one of them is broken now, with ten examples. */
export async function countViolations(db: Database, check: Check): Promise<Invariant> {
  const [row] = await db.unsafe(
    `with broken as (${check.query}) select (select count(*) from broken) as violations,
       coalesce((select array_agg(example) from (select example from broken limit 10) few), '{}') as examples`,
  );
  return {
    name: check.name,
    statement: check.statement,
    violations: Number(row?.['violations'] ?? 0),
    examples: (row?.['examples'] ?? []) as string[],
  };
}
