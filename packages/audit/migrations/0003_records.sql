CREATE TABLE "audit"."checkpoint" (
	"id" uuid PRIMARY KEY NOT NULL,
	"size" bigint NOT NULL,
	"root" "bytea" NOT NULL,
	"note" text NOT NULL,
	"signed_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit"."head" (
	"seq" bigint PRIMARY KEY NOT NULL,
	"log_id" uuid NOT NULL,
	"size" bigint NOT NULL,
	"root" "bytea" NOT NULL,
	"leaf" "bytea" NOT NULL,
	"taken_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "head_once_per_size" UNIQUE("log_id","size")
);
--> statement-breakpoint
CREATE TABLE "audit"."log" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"tenant_id" uuid,
	"origin" text NOT NULL,
	"size" bigint DEFAULT 0 NOT NULL,
	"stack" "bytea"[] DEFAULT '{}' NOT NULL,
	"head_size" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "log_once_per_tenant" UNIQUE NULLS NOT DISTINCT("kind","tenant_id"),
	CONSTRAINT "log_origin_once" UNIQUE("origin"),
	CONSTRAINT "log_kind_known" CHECK ("audit"."log"."kind" in ('tenant', 'platform', 'heads')),
	CONSTRAINT "log_of_a_tenant" CHECK (("audit"."log"."kind" = 'tenant') = ("audit"."log"."tenant_id" is not null)),
	CONSTRAINT "log_sizes_count" CHECK ("audit"."log"."head_size" between 0 and "audit"."log"."size")
);
--> statement-breakpoint
CREATE TABLE "audit"."producer" (
	"context" text PRIMARY KEY NOT NULL,
	"confirmed_pos" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "producer_counts" CHECK ("audit"."producer"."confirmed_pos" >= 0)
);
--> statement-breakpoint
CREATE TABLE "audit"."record" (
	"id" uuid NOT NULL,
	"log_id" uuid NOT NULL,
	"seq" bigint NOT NULL,
	"leaf" "bytea" NOT NULL,
	"class" text NOT NULL,
	"action" text NOT NULL,
	"outcome" text NOT NULL,
	"policy_relevant" boolean NOT NULL,
	"actor_id" uuid,
	"tenant_id" uuid,
	"project_id" uuid,
	"environment_id" uuid,
	"resource_type" text,
	"resource_id" uuid,
	"resource_version" bigint,
	"recorded_at" timestamp with time zone NOT NULL,
	"record" jsonb NOT NULL,
	"event" jsonb,
	CONSTRAINT "record_key" PRIMARY KEY("id"),
	CONSTRAINT "record_leaf_is_sha256" CHECK (length("audit"."record"."leaf") = 32),
	CONSTRAINT "record_outcome_known" CHECK ("audit"."record"."outcome" in ('success', 'denied', 'failed', 'unknown')),
	CONSTRAINT "record_seq_counts" CHECK ("audit"."record"."seq" >= 0)
) PARTITION BY RANGE ("id");
--> statement-breakpoint
CREATE TABLE "audit"."tile" (
	"log_id" uuid NOT NULL,
	"level" integer NOT NULL,
	"index" bigint NOT NULL,
	"hash" "bytea" NOT NULL,
	CONSTRAINT "tile_key" PRIMARY KEY("log_id","level","index")
);
--> statement-breakpoint
CREATE INDEX "checkpoint_by_size" ON "audit"."checkpoint" USING btree ("size");--> statement-breakpoint
CREATE INDEX "record_by_log" ON "audit"."record" USING btree ("log_id","seq");--> statement-breakpoint
CREATE INDEX "record_by_tenant" ON "audit"."record" USING btree ("tenant_id","id");--> statement-breakpoint
CREATE INDEX "record_by_resource" ON "audit"."record" USING btree ("resource_id","id");--> statement-breakpoint
CREATE INDEX "record_by_actor" ON "audit"."record" USING btree ("actor_id","id");--> statement-breakpoint
CREATE INDEX "record_policy_relevant" ON "audit"."record" USING btree ("tenant_id","id") WHERE "audit"."record"."policy_relevant";