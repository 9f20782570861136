-- Traits, classes and pools are facts: guarded as the kernel's step guards the others.
drop trigger if exists version_moves_by_one on "inventory"."trait";
--> statement-breakpoint
create trigger version_moves_by_one before update on "inventory"."trait" for each row execute function "inventory".feed_version_rule_id();
--> statement-breakpoint
drop trigger if exists change_has_feed_row on "inventory"."trait";
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on "inventory"."trait" deferrable initially deferred
  for each row execute function "inventory".feed_guard_id();
--> statement-breakpoint
drop trigger if exists version_moves_by_one on "inventory"."resource_class";
--> statement-breakpoint
create trigger version_moves_by_one before update on "inventory"."resource_class" for each row execute function "inventory".feed_version_rule_id();
--> statement-breakpoint
drop trigger if exists change_has_feed_row on "inventory"."resource_class";
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on "inventory"."resource_class" deferrable initially deferred
  for each row execute function "inventory".feed_guard_id();
--> statement-breakpoint
drop trigger if exists version_moves_by_one on "inventory"."pool";
--> statement-breakpoint
create trigger version_moves_by_one before update on "inventory"."pool" for each row execute function "inventory".feed_version_rule_id();
--> statement-breakpoint
drop trigger if exists change_has_feed_row on "inventory"."pool";
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on "inventory"."pool" deferrable initially deferred
  for each row execute function "inventory".feed_guard_id();
--> statement-breakpoint
-- Classes are made at runtime.
grant insert, update, delete on inventory.resource_class to inventory_app;
--> statement-breakpoint
-- What nodes have, by trait: the key to the registry refuses unknown ones and keeps those in use, whoever writes. A retired node
-- keeps its list as history and lets go of the registry.
create function inventory.keep_node_traits() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
declare
  kept text[] := case when new.state = 'retired' then '{}'::text[] else new.traits end;
begin
  delete from inventory.node_trait t where t.node_id = new.id and t.trait <> all (kept);
  -- In the order of keys: two writers of the same traits wait in one order.
  insert into inventory.node_trait (trait, node_id) select distinct k, new.id from unnest(kept) k order by k on conflict do nothing;
  return null;
end
$keep$;
--> statement-breakpoint
revoke execute on function inventory.keep_node_traits() from public;
--> statement-breakpoint
create trigger node_keeps_its_traits after insert on inventory.node for each row when (new.traits <> '{}')
  execute function inventory.keep_node_traits();
--> statement-breakpoint
create trigger node_changes_its_traits after update on inventory.node for each row
  when (old.traits is distinct from new.traits or (new.traits <> '{}' and (old.state = 'retired') <> (new.state = 'retired')))
  execute function inventory.keep_node_traits();
--> statement-breakpoint
revoke insert, update, delete on inventory.node_trait from inventory_app;
