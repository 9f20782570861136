-- lock: there is no release yet whose tables would be large
DROP INDEX "inventory"."capacity_by_class";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "capacity_shuffled" ON "inventory"."capacity" USING btree ("class",uuid_hash_extended("node_id", 0));--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "node_shuffled" ON "inventory"."node" USING btree ("kind",uuid_hash_extended("id", 0));
