CREATE TABLE "inventory"."finding" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"state" text NOT NULL,
	"source" text NOT NULL,
	"resource" text NOT NULL,
	"node_id" uuid,
	"tenant_id" uuid,
	"allocation_id" uuid,
	"task_id" uuid,
	"step_id" uuid,
	"generation" bigint NOT NULL,
	"differences" jsonb NOT NULL,
	"first_seen_at" timestamp with time zone NOT NULL,
	"note" text,
	"decided_by" jsonb,
	"resolution" text,
	"resolved_at" timestamp with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "finding_kind_known" CHECK ("inventory"."finding"."kind" in ('missing', 'foreign', 'drift', 'orphan')),
	CONSTRAINT "finding_state_known" CHECK ("inventory"."finding"."state" in ('suspect', 'open', 'repairing', 'accepted', 'resolved')),
	CONSTRAINT "finding_resolved_once" CHECK (("inventory"."finding"."state" = 'resolved') = ("inventory"."finding"."resolved_at" is not null))
);
--> statement-breakpoint
CREATE TABLE "inventory"."finding_sighting" (
	"finding_id" uuid NOT NULL,
	"sightings" integer NOT NULL,
	"last_seen_at" timestamp with time zone NOT NULL,
	CONSTRAINT "finding_sighting_once" PRIMARY KEY("finding_id")
);
--> statement-breakpoint
CREATE TABLE "inventory"."observation" (
	"id" uuid PRIMARY KEY NOT NULL,
	"node_id" uuid NOT NULL,
	"source" text NOT NULL,
	"generation" bigint NOT NULL,
	"state" text,
	"attributes" jsonb,
	"spec_hash" text,
	"observed_at" timestamp with time zone NOT NULL,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "observation_once_a_source" UNIQUE("node_id","source")
);
--> statement-breakpoint
ALTER TABLE "inventory"."finding" ADD CONSTRAINT "finding_node_exists" FOREIGN KEY ("node_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."finding_sighting" ADD CONSTRAINT "finding_sighting_of_its_finding" FOREIGN KEY ("finding_id") REFERENCES "inventory"."finding"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."observation" ADD CONSTRAINT "observation_node_exists" FOREIGN KEY ("node_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "finding_once_a_resource" ON "inventory"."finding" USING btree ("source","resource") WHERE "inventory"."finding"."state" <> 'resolved';--> statement-breakpoint
CREATE INDEX "finding_unresolved" ON "inventory"."finding" USING btree ("id") WHERE "inventory"."finding"."state" <> 'resolved';--> statement-breakpoint
CREATE INDEX "finding_by_node" ON "inventory"."finding" USING btree ("node_id") WHERE "inventory"."finding"."node_id" is not null;--> statement-breakpoint
CREATE INDEX "finding_by_tenant" ON "inventory"."finding" USING btree ("tenant_id") WHERE "inventory"."finding"."tenant_id" is not null;--> statement-breakpoint
CREATE INDEX "observation_by_source" ON "inventory"."observation" USING btree ("source","id");--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."node" DROP COLUMN "observed_at";--> statement-breakpoint
-- A finding is a fact: guarded as the kernel's step guards the others.
drop trigger if exists version_moves_by_one on "inventory"."finding";
--> statement-breakpoint
create trigger version_moves_by_one before update on "inventory"."finding" for each row execute function "inventory".feed_version_rule_id();
--> statement-breakpoint
drop trigger if exists change_has_feed_row on "inventory"."finding";
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on "inventory"."finding" deferrable initially deferred
  for each row execute function "inventory".feed_guard_id();
