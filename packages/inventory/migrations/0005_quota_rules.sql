-- Reality may shrink under a limit, use may not grow over it: the last judge of every quota (tenancy keeps the same rule for its own counters).
create function inventory.quota_rule() returns trigger
language plpgsql set search_path = inventory, pg_temp as $rule$
begin
  if new.used > old.used and new.used > new.cap then
    raise exception using errcode = '23514', constraint = 'quota_never_grown_over_cap', schema = 'inventory', table = 'quota_use',
      message = format('%s of %s: %s is over %s', new.dimension, new.scope_id, new.used, new.cap);
  end if;
  return new;
end
$rule$;
--> statement-breakpoint
create trigger quota_never_grown_over_cap before update on inventory.quota_use for each row execute function inventory.quota_rule();
--> statement-breakpoint
-- A tenant principal's reads never need the counters of others.
revoke select on inventory.quota_use from inventory_read;
--> statement-breakpoint
-- What was taken before quotas were counted.
update inventory.allocation_item i set dimension = case i.what
  when 'node' then (select case when n.kind in ('server', 'machine') then 'inventory.server' else 'inventory.device' end from inventory.node n where n.id = i.node_id)
  when 'number' then (select case when d.kind = 'vlan' then 'inventory.vlan' else 'inventory.number' end from inventory.number_domain d where d.id = i.domain_id)
  when 'address' then case family(i.address) when 4 then 'inventory.ipv4' else 'inventory.ipv6' end
  when 'block' then (select case family(b.cidr) when 4 then 'inventory.ipv4Block' else 'inventory.ipv6Block' end from inventory.address_block b where b.id = i.taken_block_id)
end;
--> statement-breakpoint
insert into inventory.quota_use (scope_id, dimension, used)
select s.scope_id, i.dimension, count(*)
from inventory.allocation_item i join inventory.allocation a on a.id = i.allocation_id
cross join lateral (values (a.tenant_id), (a.project_id), (a.scope_id)) as s(scope_id)
where i.ended_at is null and i.dimension is not null and s.scope_id is not null
group by s.scope_id, i.dimension;
