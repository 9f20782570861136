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
    name: 'task.feed.dense',
    statement: 'Positions in the feed have no gap and no double.',
    query: `select pos::text as example from (select pos, lead(pos) over (order by pos) as next from task.feed where pos is not null) f
      where next <> pos + 1`,
  },
  {
    name: 'task.feed.partitioned',
    statement: 'No fact fell into the default partition: the partitions of the coming days are made in time.',
    query: `select id::text as example from task.feed_default`,
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
