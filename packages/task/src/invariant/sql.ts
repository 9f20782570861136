import type { Invariant } from '@sentral/contracts/shared-verbs';
import type { Database } from '@sentral/kernel/database';
import { takesRoom } from '../store/sql.js';

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
  {
    name: 'task.task.ended_is_over',
    statement: 'A task that has ended waits for nothing, claims nothing and has nothing to send.',
    query: `select t.id::text as example from task.task t where t.finished_at is not null and (
        exists (select from task.timer m where m.task_id = t.id) or exists (select from task.claim c where c.task_id = t.id and c.active)
        or exists (select from task.holding h where h.task_id = t.id and h.state in ('held', 'bound') and t.state in ('failed', 'cancelled')))`,
  },
  {
    name: 'task.lane.counted',
    statement: 'A lane counts as many queued and running tasks as its tenant has.',
    query: `select l.tenant_id::text as example from task.lane l where
        l.queued <> (select count(*) from task.task t where t.tenant_id = l.tenant_id and t.finished_at is null and t.state = 'queued')
        or l.running <> (select count(*) from task.task t where t.tenant_id = l.tenant_id and ${takesRoom})`,
  },
  {
    name: 'task.step.attempted',
    statement: 'Every attempt that a step has made has its row, and only the newest of a direction is open.',
    query: `select s.id::text as example from task.step s join task.task t on t.id = s.task_id where t.finished_at is null and s.kind <> 'wait' and (
        s.attempt <> (select count(*) from task.attempt a where a.step_id = s.id and a.dir = 'do')
        or s.undo_attempt <> (select count(*) from task.attempt a where a.step_id = s.id and a.dir = 'undo')
        or exists (select from task.attempt a where a.step_id = s.id and a.finished_at is null
          and a.attempt < case a.dir when 'do' then s.attempt else s.undo_attempt end))`,
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
