-- The guard of the kernel over the facts: a change moves its version by one and leaves a feed row.
create or replace function task.feed_version_rule_id() returns trigger
language plpgsql set search_path = task, pg_temp as $rule$
begin
  if new.version is distinct from old.version + 1 or new."id" is distinct from old."id" then
    raise exception using errcode = '23514', constraint = 'version_moves_by_one', schema = 'task', table = tg_table_name,
      message = format('%s %s: version %s cannot follow %s', tg_table_name, old."id", new.version, old.version);
  end if;
  return new;
end
$rule$;
--> statement-breakpoint
revoke execute on function task.feed_version_rule_id() from public;
--> statement-breakpoint
create or replace function task.feed_guard_id() returns trigger
language plpgsql security definer set search_path = task, pg_temp set plan_cache_mode = 'force_custom_plan' as $guard$
declare
  recorded timestamptz := now();
  changed_id uuid;
  changed_version bigint;
begin
  if tg_op = 'DELETE' then
    changed_id := old."id";
    changed_version := old.version + 1;
  else
    changed_id := new."id";
    changed_version := new.version;
  end if;
  if not exists (
    select from task.feed
    where recorded_at = recorded and resource_id = changed_id and resource_version = changed_version and xid = pg_current_xact_id()
  ) then
    raise exception using errcode = '23514', constraint = 'change_has_feed_row', schema = 'task', table = tg_table_name,
      message = format('%s of %s %s v%s has no feed row', lower(tg_op), tg_table_name, changed_id, changed_version);
  end if;
  return null;
end
$guard$;
--> statement-breakpoint
revoke execute on function task.feed_guard_id() from public;
--> statement-breakpoint
create trigger version_moves_by_one before update on task.task for each row execute function task.feed_version_rule_id();
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on task.task deferrable initially deferred
  for each row execute function task.feed_guard_id();
--> statement-breakpoint
create trigger version_moves_by_one before update on task.schedule for each row execute function task.feed_version_rule_id();
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on task.schedule deferrable initially deferred
  for each row execute function task.feed_guard_id();
--> statement-breakpoint
-- A tenant principal reads its tasks, their steps, their story and its schedules; the rest is bookkeeping of the house.
revoke select on task.attempt, task.timer, task.claim, task.holding, task.lane, task.service_gate, task.signal, task.dead_letter, task.finding, task.scan from task_read;
--> statement-breakpoint
alter table task.task enable row level security;
--> statement-breakpoint
create policy task_app_all on task.task for all to task_app using (true) with check (true);
--> statement-breakpoint
create policy task_platform_reads_all on task.task for select to task_platform using (true);
--> statement-breakpoint
-- Unset or empty: no row.
create policy task_read_own_tenant on task.task for select to task_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
alter table task.step enable row level security;
--> statement-breakpoint
create policy step_app_all on task.step for all to task_app using (true) with check (true);
--> statement-breakpoint
create policy step_platform_reads_all on task.step for select to task_platform using (true);
--> statement-breakpoint
-- The policy of the task holds inside: what is not the tenant's is not there.
create policy step_read_own_tenant on task.step for select to task_read
  using (exists (select from task.task t where t.id = task_id));
--> statement-breakpoint
alter table task.event enable row level security;
--> statement-breakpoint
create policy event_app_all on task.event for all to task_app using (true) with check (true);
--> statement-breakpoint
create policy event_platform_reads_all on task.event for select to task_platform using (true);
--> statement-breakpoint
-- The policy of the task holds inside: what is not the tenant's is not there.
create policy event_read_own_tenant on task.event for select to task_read
  using (exists (select from task.task t where t.id = task_id));
--> statement-breakpoint
alter table task.schedule enable row level security;
--> statement-breakpoint
create policy schedule_app_all on task.schedule for all to task_app using (true) with check (true);
--> statement-breakpoint
create policy schedule_platform_reads_all on task.schedule for select to task_platform using (true);
--> statement-breakpoint
-- Unset or empty: no row.
create policy schedule_read_own_tenant on task.schedule for select to task_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
-- Rows that are rewritten all the time: room for them on their page, and a vacuum that does not wait for a share of the table.
alter table task.timer set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
--> statement-breakpoint
alter table task.step set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
--> statement-breakpoint
alter table task.task set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
--> statement-breakpoint
alter table task.lane set (fillfactor = 50);
