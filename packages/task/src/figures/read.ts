import type { Database } from '@sentral/kernel/database';

/** What a look at the tables tells of task, across all tenants and of none of them. */
export interface Figures {
  /** Tasks that have not ended. */
  readonly tasks: readonly { readonly kind: string; readonly state: string; readonly count: number }[];
  readonly lanes: { readonly waiting: number; readonly queued: number; readonly running: number };
  readonly outbox: { readonly depth: number; readonly oldestSeconds: number };
  /** How long the timer that is most overdue has been so. */
  readonly timerLagSeconds: number;
  readonly letters: readonly { readonly origin: string; readonly count: number }[];
  readonly findings: readonly { readonly kind: string; readonly state: string; readonly count: number }[];
}

/** By partial indexes on what lives: nothing here grows with what has ended. */
const figures = `select
  (select coalesce(jsonb_agg(t), '[]') from (
     select kind, state, count(*)::int as count from task.task where finished_at is null group by 1, 2) t) as tasks,
  (select jsonb_build_object('waiting', count(*) filter (where queued > 0), 'queued', coalesce(sum(queued), 0),
     'running', coalesce(sum(running), 0)) from task.lane where queued > 0 or running > 0) as lanes,
  (select jsonb_build_object('depth', count(*), 'oldestSeconds', coalesce(extract(epoch from now() - min(created_at)), 0))
     from task.outbox) as outbox,
  (select greatest(coalesce(extract(epoch from now() - min(due_at)), 0), 0) from task.timer)::float8 as "timerLagSeconds",
  (select coalesce(jsonb_agg(d), '[]') from (
     select origin, count(*)::int as count from task.dead_letter where state = 'open' group by 1) d) as letters,
  (select coalesce(jsonb_agg(f), '[]') from (
     select kind, state, count(*)::int as count from task.finding where state in ('suspect', 'open', 'repairing') group by 1, 2) f) as findings`;

export async function readFigures(db: Database): Promise<Figures> {
  const [row] = await db.unsafe(figures);
  return row as unknown as Figures;
}
