ALTER TABLE "inventory"."allocation" DROP CONSTRAINT "allocation_state_known";--> statement-breakpoint
ALTER TABLE "inventory"."allocation" DROP CONSTRAINT "allocation_ends_with_its_state";--> statement-breakpoint
ALTER TABLE "inventory"."capacity" DROP CONSTRAINT "capacity_counts";--> statement-breakpoint
ALTER TABLE "inventory"."allocation" ADD COLUMN "notice_seconds" integer;--> statement-breakpoint
ALTER TABLE "inventory"."allocation" ADD COLUMN "notice_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "inventory"."allocation" ADD COLUMN "noticed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "inventory"."allocation" ADD COLUMN "failure" jsonb;--> statement-breakpoint
ALTER TABLE "inventory"."capacity" ADD COLUMN "booked" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_by_notice" ON "inventory"."allocation" USING btree ("notice_at") WHERE "inventory"."allocation"."notice_at" is not null and "inventory"."allocation"."noticed_at" is null and "inventory"."allocation"."ended_at" is null;--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_by_start" ON "inventory"."allocation" USING btree ("starts_at") WHERE "inventory"."allocation"."state" = 'booked';--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."allocation" ADD CONSTRAINT "allocation_failure_is_told" CHECK (("inventory"."allocation"."failure" is not null) = ("inventory"."allocation"."state" = 'failed'));--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."allocation" ADD CONSTRAINT "allocation_notice_in_its_window" CHECK ("inventory"."allocation"."notice_at" between "inventory"."allocation"."starts_at" and "inventory"."allocation"."expires_at");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."allocation" ADD CONSTRAINT "allocation_state_known" CHECK ("inventory"."allocation"."state" in ('booked', 'held', 'active', 'releasing', 'released', 'expired', 'failed'));--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."allocation" ADD CONSTRAINT "allocation_ends_with_its_state" CHECK (("inventory"."allocation"."ended_at" is null) = ("inventory"."allocation"."state" in ('booked', 'held', 'active', 'releasing')));--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."capacity" ADD CONSTRAINT "capacity_counts" CHECK ("inventory"."capacity"."used" >= 0 and "inventory"."capacity"."booked" >= 0 and "inventory"."capacity"."over_by" >= 0);--> statement-breakpoint
-- A booking may be moved to begin earlier, too.
drop trigger allocation_item_lasts_whole_or_in_parts on inventory.allocation_item;
--> statement-breakpoint
create trigger allocation_item_lasts_whole_or_in_parts after update of during on inventory.allocation_item
  for each row when (new.ended_at is null and new.what in ('node', 'capacity')
    and (upper(new.during) > upper(old.during) or lower(new.during) < lower(old.during)))
  execute function inventory.item_lasts_whole_or_part();
