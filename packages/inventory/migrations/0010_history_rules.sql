-- What became of each node, kept when the feed's day is dropped. Statement by statement, so an import pays once a chunk.
-- SECURITY DEFINER: nobody who changes nodes can write their history in another way.
create function inventory.keep_node_history() returns trigger
language plpgsql security definer set search_path = inventory, pg_temp as $keep$
declare
  kept constant text := 'inventory.node';
begin
  insert into inventory.node_history (node_id, version, type, recorded_at, principal_id, principal_type, state)
  select a.resource_id, a.resource_version, a.type, a.recorded_at, a.audit #>> '{principal,id}', a.audit #>> '{principal,type}', a.audit -> 'after'
  from added a where a.resource_type = kept;
  return null;
end
$keep$;
--> statement-breakpoint
revoke execute on function inventory.keep_node_history() from public;
--> statement-breakpoint
create trigger feed_keeps_node_history after insert on inventory.feed referencing new table as added
  for each statement execute function inventory.keep_node_history();
--> statement-breakpoint
revoke insert, update, delete on inventory.node_history from inventory_app;
--> statement-breakpoint
-- Which versions a tenant may see is decided with the node, by the verb.
revoke select on inventory.node_history from inventory_read;
