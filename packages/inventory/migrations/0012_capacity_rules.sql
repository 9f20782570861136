-- Reality may shrink under what is used, use may not grow over it: the last judge of every taking of capacity.
create function inventory.capacity_rule() returns trigger
language plpgsql set search_path = inventory, pg_temp as $rule$
begin
  if new.used > old.used and new.used > new.cap then
    raise exception using errcode = '23514', constraint = 'capacity_never_grown_over_cap', schema = 'inventory', table = 'capacity',
      message = format('%s of %s: %s is over %s', new.class, new.node_id, new.used, new.cap);
  end if;
  return new;
end
$rule$;
--> statement-breakpoint
create trigger capacity_never_grown_over_cap before update on inventory.capacity for each row execute function inventory.capacity_rule();
--> statement-breakpoint
-- A counter changes with every taking and no index holds it: with room in its page the new row stays there.
alter table inventory.capacity set (fillfactor = 50);
--> statement-breakpoint
insert into inventory.resource_class (key, title, unit, dimension) values
  ('vcpu', 'Virtual processors', 'processor', 'inventory.vcpu'),
  ('memoryMib', 'Memory', 'MiB', 'inventory.memoryMib'),
  ('diskGib', 'Storage', 'GiB', 'inventory.diskGib'),
  ('milliGpu', 'Graphics processors', 'thousandth of a GPU', 'inventory.milliGpu'),
  ('watt', 'Power', 'watt', 'inventory.watt'),
  ('halfU', 'Rack space', 'half rack unit', 'inventory.halfU')
on conflict (key) do nothing;
--> statement-breakpoint
-- Classes are shipped by migrations.
revoke insert, update, delete on inventory.resource_class from inventory_app;
