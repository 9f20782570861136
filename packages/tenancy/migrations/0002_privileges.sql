-- A tenant principal's reads never need the kernel's tables, and these have no policies: rows of all tenants would be open to them.
revoke select on tenancy.feed, tenancy.outbox, tenancy.inbox, tenancy.idempotency, tenancy.operation, tenancy.lease from tenancy_read;
--> statement-breakpoint
alter table tenancy.scope enable row level security;
--> statement-breakpoint
create policy scope_app_all on tenancy.scope for all to tenancy_app using (true) with check (true);
--> statement-breakpoint
create policy scope_platform_reads_all on tenancy.scope for select to tenancy_platform using (true);
--> statement-breakpoint
-- Unset or empty: no row. A tenant sees its own tree; the platform above it is not its to see.
create policy scope_read_own_tenant on tenancy.scope for select to tenancy_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
