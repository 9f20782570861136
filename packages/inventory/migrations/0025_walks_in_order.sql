-- lock: there is no release yet whose tables would be large
DROP INDEX "inventory"."capacity_by_class";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
DROP INDEX "inventory"."allocation_consumer_holds_once";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
DROP INDEX "inventory"."allocation_item_by_node";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
DROP INDEX "inventory"."edge_end_by_node";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_ended_by_consumer" ON "inventory"."allocation" USING btree ("consumer_id") WHERE "inventory"."allocation"."ended_at" is not null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_item_had_by_node" ON "inventory"."allocation_item" USING btree ("node_id","allocation_id") WHERE "inventory"."allocation_item"."node_id" is not null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "capacity_shuffled" ON "inventory"."capacity" USING btree ("class",uuid_hash_extended("node_id", 0));--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "node_shuffled" ON "inventory"."node" USING btree ("kind",uuid_hash_extended("id", 0));--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE UNIQUE INDEX "allocation_consumer_holds_once" ON "inventory"."allocation" USING btree ("consumer_id","consumer_service","consumer_kind","tenant_id") WHERE "inventory"."allocation"."ended_at" is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_item_by_node" ON "inventory"."allocation_item" USING btree ("node_id","allocation_id") WHERE "inventory"."allocation_item"."node_id" is not null and "inventory"."allocation_item"."ended_at" is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "edge_end_by_node" ON "inventory"."edge_end" USING btree ("node_id","live","edge_type");
