-- lock: there is no release yet whose tables would be large
DROP INDEX "inventory"."allocation_item_by_tenant_end";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
DROP INDEX "inventory"."scope_view_with_holds";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "address_by_tenant" ON "inventory"."address" USING btree ("tenant_id") WHERE "inventory"."address"."tenant_id" is not null and "inventory"."address"."ended_at" is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "address_block_in_order" ON "inventory"."address_block" USING btree ("space_id","cidr","id") WHERE "inventory"."address_block"."ended_at" is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "address_block_by_tenant" ON "inventory"."address_block" USING btree ("tenant_id") WHERE "inventory"."address_block"."tenant_id" is not null and "inventory"."address_block"."ended_at" is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "address_space_by_tenant" ON "inventory"."address_space" USING btree ("tenant_id") WHERE "inventory"."address_space"."tenant_id" is not null and "inventory"."address_space"."ended_at" is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_by_tenant_end" ON "inventory"."allocation" USING btree ("tenant_id","ended_at","expires_at");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_by_project_end" ON "inventory"."allocation" USING btree ("project_id","ended_at","expires_at");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_by_scope_end" ON "inventory"."allocation" USING btree ("scope_id","ended_at","expires_at");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "node_by_tenant" ON "inventory"."node" USING btree ("tenant_id") WHERE "inventory"."node"."tenant_id" is not null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "number_by_tenant" ON "inventory"."number" USING btree ("tenant_id") WHERE "inventory"."number"."tenant_id" is not null and "inventory"."number"."ended_at" is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "scope_view_by_held" ON "inventory"."scope_view" USING gin ("holds" jsonb_path_ops) WHERE holds <> '[]'::jsonb;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "scope_view_by_parent" ON "inventory"."scope_view" USING btree ("parent_id","id");