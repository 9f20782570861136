-- lock: there is no release yet whose tables would be large
DROP INDEX "inventory"."import_row_by_key";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "address_block_by_address" ON "inventory"."address_block" USING btree ("cidr","id") WHERE "inventory"."address_block"."ended_at" is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "edge_by_created" ON "inventory"."edge" USING btree ("created_at","id") WHERE "inventory"."edge"."live";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "number_range_in_order" ON "inventory"."number_range" USING btree ("domain_id",lower(numbers),"id") WHERE "inventory"."number_range"."ended_at" is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "number_range_by_start" ON "inventory"."number_range" USING btree (lower(numbers),"id") WHERE "inventory"."number_range"."ended_at" is null;