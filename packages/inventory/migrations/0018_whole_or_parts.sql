-- A thing that is given out whole goes with its components: nobody else has one of them, or a part of one, at the same time.
-- A component is a part of what it lies in, up to the first node that is none.
create function inventory.wholes_of(part uuid) returns setof uuid
language sql stable set search_path = inventory, pg_temp as $walk$
  with recursive up (id) as (
    select n.parent_id from node n join kind k on k.key = n.kind where n.id = part and k.category = 'component'
    union
    select n.parent_id from up join node n on n.id = up.id join kind k on k.key = n.kind where k.category = 'component'
  )
  select id from up where id is not null
$walk$;
--> statement-breakpoint
create function inventory.parts_of(whole uuid) returns setof uuid
language sql stable set search_path = inventory, pg_temp as $walk$
  with recursive down (id) as (
    select n.id from node n join kind k on k.key = n.kind where n.parent_id = whole and k.category = 'component' and n.state <> 'retired'
    union
    select n.id from down join node n on n.parent_id = down.id join kind k on k.key = n.kind where k.category = 'component' and n.state <> 'retired'
  )
  select id from down
$walk$;
--> statement-breakpoint
grant execute on function inventory.parts_of(uuid), inventory.wholes_of(uuid) to inventory_read, inventory_platform;
--> statement-breakpoint
-- The last judge of all who take, whichever way. Takers order themselves by the lock of the whole, so each sees what the other has committed.
create function inventory.refuse_whole_and_parts(items uuid[]) returns void
language plpgsql set search_path = inventory, pg_temp as $rule$
declare
  clash uuid;
begin
  select o.node_id into clash
  from allocation_item m
  join node n on n.id = m.node_id
  join kind k on k.key = n.kind and (k.category = 'component' or k.alloc_mode = 'exclusive')
  cross join lateral (
    select w.id, 'node' as what from wholes_of(m.node_id) w (id)
    union all
    select m.node_id, case m.what when 'node' then 'capacity' else 'node' end
    union all
    select p.id, t.what from parts_of(m.node_id) p (id), unnest(array['node', 'capacity']) t (what) where m.what = 'node'
  ) near
  join allocation_item o on o.node_id = near.id and o.what = near.what and o.ended_at is null and o.during && m.during
  where m.id = any(items) and m.what in ('node', 'capacity') and m.ended_at is null
  limit 1;
  if found then
    raise exception using errcode = '23P01', constraint = 'allocation_item_whole_or_in_parts', schema = 'inventory', table = 'allocation_item',
      message = format('node %s is given out already, whole or in parts', clash);
  end if;
end
$rule$;
--> statement-breakpoint
create function inventory.item_is_whole_or_part() returns trigger
language plpgsql set search_path = inventory, pg_temp as $rule$
begin
  perform inventory.refuse_whole_and_parts(array(select a.id from added a where a.what in ('node', 'capacity')));
  return null;
end
$rule$;
--> statement-breakpoint
create trigger allocation_item_whole_or_in_parts after insert on inventory.allocation_item referencing new table as added
  for each statement execute function inventory.item_is_whole_or_part();
--> statement-breakpoint
create function inventory.item_lasts_whole_or_part() returns trigger
language plpgsql set search_path = inventory, pg_temp as $rule$
begin
  perform inventory.refuse_whole_and_parts(array[new.id]);
  return null;
end
$rule$;
--> statement-breakpoint
create trigger allocation_item_lasts_whole_or_in_parts after update of during on inventory.allocation_item
  for each row when (new.ended_at is null and new.what in ('node', 'capacity') and upper(new.during) > upper(old.during))
  execute function inventory.item_lasts_whole_or_part();
--> statement-breakpoint
-- A component that moves takes what is held of it along. Judged at the end: a change may move the holders too.
create function inventory.node_moves_whole_or_part() returns trigger
language plpgsql set search_path = inventory, pg_temp as $rule$
begin
  perform inventory.refuse_whole_and_parts(array(
    select i.id from allocation_item i
    where i.node_id in (select new.id union all select parts_of(new.id)) and i.what in ('node', 'capacity') and i.ended_at is null
      and exists (select from kind k where k.key = new.kind and k.category = 'component')));
  return null;
end
$rule$;
--> statement-breakpoint
create constraint trigger node_moves_whole_or_in_parts after update of parent_id on inventory.node deferrable initially deferred
  for each row when (new.parent_id is not null and new.parent_id is distinct from old.parent_id)
  execute function inventory.node_moves_whole_or_part();
