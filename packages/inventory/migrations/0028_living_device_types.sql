-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."device_type" DROP CONSTRAINT "device_type_slug_once_per_manufacturer";--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE UNIQUE INDEX "device_type_slug_once_per_manufacturer" ON "inventory"."device_type" USING btree ("manufacturer","slug") WHERE ended_at is null;