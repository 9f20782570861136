-- The guard of the kernel over the new facts: a change moves its version by one and leaves a feed row (tenancy.feed_* functions: 0001_kernel).
create trigger version_moves_by_one before update on tenancy.principal for each row execute function tenancy.feed_version_rule_id();
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on tenancy.principal deferrable initially deferred
  for each row execute function tenancy.feed_guard_id();
--> statement-breakpoint
create trigger version_moves_by_one before update on tenancy.token for each row execute function tenancy.feed_version_rule_id();
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on tenancy.token deferrable initially deferred
  for each row execute function tenancy.feed_guard_id();
--> statement-breakpoint
create trigger version_moves_by_one before update on tenancy.role_binding for each row execute function tenancy.feed_version_rule_id();
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on tenancy.role_binding deferrable initially deferred
  for each row execute function tenancy.feed_guard_id();
--> statement-breakpoint
create trigger version_moves_by_one before update on tenancy.deny_rule for each row execute function tenancy.feed_version_rule_id();
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on tenancy.deny_rule deferrable initially deferred
  for each row execute function tenancy.feed_guard_id();
--> statement-breakpoint
create trigger version_moves_by_one before update on tenancy.policy for each row execute function tenancy.feed_version_rule_id();
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on tenancy.policy deferrable initially deferred
  for each row execute function tenancy.feed_guard_id();
--> statement-breakpoint
create trigger version_moves_by_one before update on tenancy.policy_exemption for each row execute function tenancy.feed_version_rule_id();
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on tenancy.policy_exemption deferrable initially deferred
  for each row execute function tenancy.feed_guard_id();
--> statement-breakpoint
create trigger version_moves_by_one before update on tenancy.quota_limit for each row execute function tenancy.feed_version_rule_id();
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on tenancy.quota_limit deferrable initially deferred
  for each row execute function tenancy.feed_guard_id();
--> statement-breakpoint
create trigger version_moves_by_one before update on tenancy.hold for each row execute function tenancy.feed_version_rule_id();
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on tenancy.hold deferrable initially deferred
  for each row execute function tenancy.feed_guard_id();
--> statement-breakpoint
insert into tenancy.installation (one) values (true);
--> statement-breakpoint
-- Reality may shrink under a limit, use may not grow over it: the last judge of every quota (inventory keeps the same rule for its own counters).
create function tenancy.quota_rule() returns trigger
language plpgsql set search_path = tenancy, pg_temp as $rule$
begin
  if new.used > old.used and new.used > new.cap then
    raise exception using errcode = '23514', constraint = 'quota_never_grown_over_cap', schema = 'tenancy', table = 'quota_use',
      message = format('%s of %s: %s is over %s', new.dimension, new.scope_id, new.used, new.cap);
  end if;
  return new;
end
$rule$;
--> statement-breakpoint
create trigger quota_never_grown_over_cap before update on tenancy.quota_use for each row execute function tenancy.quota_rule();
--> statement-breakpoint
-- Counters of what the tree holds already.
insert into tenancy.quota_use (scope_id, dimension, used)
select parent.id, counted.dimension, counted.used
from tenancy.scope parent
cross join lateral (
  select 'tenancy.projects' as dimension, count(*) as used from tenancy.scope s where s.kind = 'project' and s.tenant_id = parent.tenant_id and s.state <> 'deleted'
  union all
  select 'tenancy.environments', count(*) from tenancy.scope s
    where s.kind = 'environment' and s.state <> 'deleted' and (s.tenant_id = parent.id or s.project_id = parent.id)
) counted
where (parent.kind = 'tenant' or (parent.kind = 'project' and counted.dimension = 'tenancy.environments'));
--> statement-breakpoint
-- Whoever takes the last lasting administrator away would lock everyone out. The trigger locks the installation row itself, so two
-- who take one each stand in line also when they did not come through the verbs. Deferred: what the transaction adds counts.
create function tenancy.keep_an_administrator() returns trigger
language plpgsql security definer set search_path = tenancy, pg_temp as $rule$
begin
  -- Who was none takes nobody away.
  if tg_table_name = 'principal' and not exists (
    select from tenancy.role_binding b where b.role = 'platform-admin' and b.expires_at is null and b.principal_id = old.id
  ) then
    return null;
  end if;
  perform from tenancy.installation for update;
  if not exists (
    select from tenancy.role_binding b left join tenancy.principal p on p.id = b.principal_id
    where b.role = 'platform-admin' and b.expires_at is null and (b.principal_id is null or p.state = 'active')
  ) then
    raise exception using errcode = '23514', constraint = 'last_administrator', schema = 'tenancy', table = tg_table_name,
      message = 'no lasting administrator of the platform would be left';
  end if;
  return null;
end
$rule$;
--> statement-breakpoint
revoke execute on function tenancy.keep_an_administrator() from public;
--> statement-breakpoint
create constraint trigger last_administrator after update or delete on tenancy.role_binding deferrable initially deferred
  for each row when (old.role = 'platform-admin' and old.expires_at is null) execute function tenancy.keep_an_administrator();
--> statement-breakpoint
create constraint trigger last_administrator after update on tenancy.principal deferrable initially deferred
  for each row when (old.state = 'active' and new.state <> 'active') execute function tenancy.keep_an_administrator();
--> statement-breakpoint
-- What no reading role needs: the kernel of access, and what proves a token.
revoke select on tenancy.token_secret from tenancy_read, tenancy_platform;
--> statement-breakpoint
revoke select on tenancy.installation, tenancy.token_use, tenancy.quota_use, tenancy.scope_key from tenancy_read;
--> statement-breakpoint
alter table tenancy.principal enable row level security;
--> statement-breakpoint
create policy principal_app_all on tenancy.principal for all to tenancy_app using (true) with check (true);
--> statement-breakpoint
create policy principal_platform_reads_all on tenancy.principal for select to tenancy_platform using (true);
--> statement-breakpoint
create policy principal_read_own_tenant on tenancy.principal for select to tenancy_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
alter table tenancy.token enable row level security;
--> statement-breakpoint
create policy token_app_all on tenancy.token for all to tenancy_app using (true) with check (true);
--> statement-breakpoint
create policy token_platform_reads_all on tenancy.token for select to tenancy_platform using (true);
--> statement-breakpoint
create policy token_read_own_tenant on tenancy.token for select to tenancy_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
alter table tenancy.role_binding enable row level security;
--> statement-breakpoint
create policy role_binding_app_all on tenancy.role_binding for all to tenancy_app using (true) with check (true);
--> statement-breakpoint
create policy role_binding_platform_reads_all on tenancy.role_binding for select to tenancy_platform using (true);
--> statement-breakpoint
create policy role_binding_read_own_tenant on tenancy.role_binding for select to tenancy_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
alter table tenancy.deny_rule enable row level security;
--> statement-breakpoint
create policy deny_rule_app_all on tenancy.deny_rule for all to tenancy_app using (true) with check (true);
--> statement-breakpoint
create policy deny_rule_platform_reads_all on tenancy.deny_rule for select to tenancy_platform using (true);
--> statement-breakpoint
create policy deny_rule_read_own_tenant on tenancy.deny_rule for select to tenancy_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
alter table tenancy.policy enable row level security;
--> statement-breakpoint
create policy policy_app_all on tenancy.policy for all to tenancy_app using (true) with check (true);
--> statement-breakpoint
create policy policy_platform_reads_all on tenancy.policy for select to tenancy_platform using (true);
--> statement-breakpoint
create policy policy_read_own_tenant on tenancy.policy for select to tenancy_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
alter table tenancy.policy_binding enable row level security;
--> statement-breakpoint
create policy policy_binding_app_all on tenancy.policy_binding for all to tenancy_app using (true) with check (true);
--> statement-breakpoint
create policy policy_binding_platform_reads_all on tenancy.policy_binding for select to tenancy_platform using (true);
--> statement-breakpoint
create policy policy_binding_read_own_tenant on tenancy.policy_binding for select to tenancy_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
alter table tenancy.policy_exemption enable row level security;
--> statement-breakpoint
create policy policy_exemption_app_all on tenancy.policy_exemption for all to tenancy_app using (true) with check (true);
--> statement-breakpoint
create policy policy_exemption_platform_reads_all on tenancy.policy_exemption for select to tenancy_platform using (true);
--> statement-breakpoint
create policy policy_exemption_read_own_tenant on tenancy.policy_exemption for select to tenancy_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
alter table tenancy.quota_limit enable row level security;
--> statement-breakpoint
create policy quota_limit_app_all on tenancy.quota_limit for all to tenancy_app using (true) with check (true);
--> statement-breakpoint
create policy quota_limit_platform_reads_all on tenancy.quota_limit for select to tenancy_platform using (true);
--> statement-breakpoint
create policy quota_limit_read_own_tenant on tenancy.quota_limit for select to tenancy_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
alter table tenancy.hold enable row level security;
--> statement-breakpoint
create policy hold_app_all on tenancy.hold for all to tenancy_app using (true) with check (true);
--> statement-breakpoint
create policy hold_platform_reads_all on tenancy.hold for select to tenancy_platform using (true);
--> statement-breakpoint
create policy hold_read_own_tenant on tenancy.hold for select to tenancy_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
