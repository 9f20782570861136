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
    name: 'audit.feed.dense',
    statement: 'Positions in the feed have no gap and no double.',
    query: `select pos::text as example from (select pos, lead(pos) over (order by pos) as next from audit.feed where pos is not null) f
      where next <> pos + 1`,
  },
  {
    name: 'audit.feed.partitioned',
    statement: 'No fact fell into the default partition: the partitions of the coming days are made in time.',
    query: `select id::text as example from audit.feed_default`,
  },
  {
    name: 'audit.record.partitioned',
    statement: 'No record fell into the default partition: the partitions of the coming months are made in time.',
    query: `select id::text as example from audit.record_default`,
  },
  {
    name: 'audit.log.dense',
    statement:
      'A log holds one record, or the leaf of one that was dropped, for every place from 0 up to its size, and no other.',
    query: `select l.id::text || ' ' || l.size as example from audit.log l
      left join (select log_id, count(*) as records, count(distinct seq) as places, min(seq) as first, max(seq) as last from (
        select log_id, seq from audit.record union all select log_id, seq from audit.leaf) s group by log_id) r on r.log_id = l.id
      where l.kind <> 'heads' and (coalesce(r.records, 0), coalesce(r.places, 0), coalesce(r.first, 0), coalesce(r.last, -1)) <> (l.size, l.size, 0, l.size - 1)`,
  },
  {
    name: 'audit.record.oncePerVersion',
    statement: 'A version of a resource has one record of a change.',
    query: `select resource_type || ' ' || resource_id || ' ' || resource_version as example from audit.record
      where class = 'change' and outcome = 'success' group by resource_type, resource_id, resource_version having count(*) > 1`,
  },
  {
    name: 'audit.record.contiguous',
    statement: 'The changes of a resource are on record from its first version on without a gap, also of what is gone.',
    query: `select c.resource_type || ' ' || c.resource_id as example from (
        select resource_type, resource_id, count(*) as records, max(resource_version) as last from audit.record
        where class = 'change' and outcome = 'success' and resource_id is not null and resource_type not in ('task.task', 'audit.partition', 'inventory.resourceClass') group by 1, 2) c
      left join audit.resource_floor f using (resource_type, resource_id)
      where c.records + coalesce(f.changes, 0) <> greatest(c.last, coalesce(f.version, 0))`,
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
