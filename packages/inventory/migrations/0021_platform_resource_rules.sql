alter table inventory.platform_resource enable row level security;
--> statement-breakpoint
create policy platform_resource_app_all on inventory.platform_resource for all to inventory_app using (true) with check (true);
--> statement-breakpoint
create policy platform_resource_platform_reads_all on inventory.platform_resource for select to inventory_platform using (true);
--> statement-breakpoint
-- Unset or empty: no row.
create policy platform_resource_read_own_tenant on inventory.platform_resource for select to inventory_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
