-- lock: there is no release yet whose tables would be large
CREATE INDEX "scope_by_kind" ON "tenancy"."scope" USING btree ("kind","id");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "scope_by_tenant" ON "tenancy"."scope" USING btree ("tenant_id","kind","id");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "scope_by_name" ON "tenancy"."scope" USING btree ("kind",name collate "C","id");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "scope_by_created" ON "tenancy"."scope" USING btree ("kind","created_at","id");