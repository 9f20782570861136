create or replace function "task".feed_drop_confirmed(confirmed bigint) returns integer
language plpgsql security definer set search_path = "task", pg_temp set lock_timeout = '1s' set timezone = 'UTC' as $drop$
declare
  dropped integer := 0;
  published bigint := coalesce((select position from "task".lease where name = 'feed.publish'), 0);
  part text; needed boolean;
begin
  perform pg_advisory_xact_lock(hashtext('task'), hashtext('feed.partition'));
  for part in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = '"task".feed'::regclass
    and case when c.relname ~ '^feed_p[0-9]{8}$' then to_date(right(c.relname, 8), 'YYYYMMDD') < current_date - 7 else false end order by c.relname loop
    execute format('select exists (select from "task".%I where pos is null or pos > $1)', part) into needed using least(confirmed, published);
    exit when needed;
    execute format('drop table "task".%I', part);
    dropped := dropped + 1;
  end loop;
  return dropped;
end
$drop$;
--> statement-breakpoint
revoke execute on function "task".feed_drop_confirmed(bigint) from public;
--> statement-breakpoint
do $grant$ begin
  if to_regrole('task_app') is not null then execute 'grant execute on function "task".feed_drop_confirmed(bigint) to task_app'; end if;
end $grant$;
