-- lock: there is no release yet whose tables would be large
CREATE INDEX "address_block_past_by_address" ON "inventory"."address_block_past" USING btree ("cidr","id");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "edge_past_by_created" ON "inventory"."edge_past" USING btree ("created_at","id");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "node_past_by_created" ON "inventory"."node_past" USING btree ("created_at","id");