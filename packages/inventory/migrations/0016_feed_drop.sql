create or replace function "inventory".feed_drop_confirmed(confirmed bigint) returns integer
language plpgsql security definer set search_path = "inventory", pg_temp set lock_timeout = '1s' set timezone = 'UTC' as $drop$
declare
  dropped integer := 0;
  published bigint := coalesce((select position from "inventory".lease where name = 'feed.publish'), 0);
  part text; needed boolean;
begin
  perform pg_advisory_xact_lock(hashtext('inventory'), hashtext('feed.partition'));
  for part in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = '"inventory".feed'::regclass
    and case when c.relname ~ '^feed_p[0-9]{8}$' then to_date(right(c.relname, 8), 'YYYYMMDD') < current_date - 7 else false end order by c.relname loop
    execute format('select exists (select from "inventory".%I where pos is null or pos > $1)', part) into needed using least(confirmed, published);
    exit when needed;
    execute format('drop table "inventory".%I', part);
    dropped := dropped + 1;
  end loop;
  return dropped;
end
$drop$;
--> statement-breakpoint
revoke execute on function "inventory".feed_drop_confirmed(bigint) from public;
--> statement-breakpoint
do $grant$ begin
  if to_regrole('inventory_app') is not null then execute 'grant execute on function "inventory".feed_drop_confirmed(bigint) to inventory_app'; end if;
end $grant$;
