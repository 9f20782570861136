CREATE SCHEMA "audit";
--> statement-breakpoint
CREATE TABLE "audit"."feed" (
	"id" uuid NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"seq" bigint GENERATED ALWAYS AS IDENTITY (sequence name "audit"."feed_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"pos" bigint,
	"recorded_at" timestamp with time zone DEFAULT now() NOT NULL,
	"type" text NOT NULL,
	"resource_type" text NOT NULL,
	"resource_id" uuid NOT NULL,
	"resource_version" bigint NOT NULL,
	"tenant_id" uuid,
	"project_id" uuid,
	"environment_id" uuid,
	"event" jsonb,
	"audit" jsonb,
	"traceparent" text,
	"causation" text,
	"dead_reason" text,
	CONSTRAINT "feed_key" PRIMARY KEY("id","recorded_at"),
	CONSTRAINT "feed_version_counts" CHECK ("audit"."feed"."resource_version" > 0)
);
--> statement-breakpoint
CREATE TABLE "audit"."idempotency" (
	"scope" text NOT NULL,
	"key" text NOT NULL,
	"fingerprint" text NOT NULL,
	"minted_id" uuid,
	"result" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone DEFAULT now() + interval '24 hours' NOT NULL,
	CONSTRAINT "idempotency_key_once" PRIMARY KEY("scope","key")
);
--> statement-breakpoint
CREATE TABLE "audit"."inbox" (
	"consumer" text NOT NULL,
	"message_id" text NOT NULL,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "inbox_message_once" PRIMARY KEY("consumer","message_id")
);
--> statement-breakpoint
CREATE TABLE "audit"."lease" (
	"name" text PRIMARY KEY NOT NULL,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"until" timestamp with time zone DEFAULT now() NOT NULL,
	"position" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "lease_counts_up" CHECK ("audit"."lease"."epoch" >= 0 and "audit"."lease"."position" >= 0)
);
--> statement-breakpoint
CREATE TABLE "audit"."operation" (
	"op" uuid PRIMARY KEY NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"undo_attempt" integer DEFAULT 0 NOT NULL,
	"state" text NOT NULL,
	"tombstone" boolean DEFAULT false NOT NULL,
	"want_undo" boolean DEFAULT false NOT NULL,
	"input" jsonb,
	"result" jsonb,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "operation_state_known" CHECK ("audit"."operation"."state" in ('doing', 'done', 'failed', 'undoing', 'undone')),
	CONSTRAINT "operation_undo_leaves_tombstone" CHECK ("audit"."operation"."state" not in ('undoing', 'undone') or "audit"."operation"."tombstone")
);
--> statement-breakpoint
CREATE TABLE "audit"."outbox" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit"."outbox_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"lane" smallint NOT NULL,
	"aggregate" text NOT NULL,
	"operation" text,
	"subject" text NOT NULL,
	"message_id" text NOT NULL,
	"headers" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"body" jsonb NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"last_error" text,
	"not_before" timestamp with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "outbox_lane_known" CHECK ("audit"."outbox"."lane" between 0 and 7)
);
--> statement-breakpoint
CREATE INDEX "feed_unnumbered" ON "audit"."feed" USING btree ("xid","seq") WHERE "audit"."feed"."pos" is null;--> statement-breakpoint
CREATE INDEX "idempotency_expiry" ON "audit"."idempotency" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "inbox_age" ON "audit"."inbox" USING btree ("received_at");--> statement-breakpoint
CREATE INDEX "operation_unfinished" ON "audit"."operation" USING btree ("updated_at") WHERE "audit"."operation"."state" in ('doing', 'undoing');--> statement-breakpoint
CREATE INDEX "outbox_lane_order" ON "audit"."outbox" USING btree ("lane","id");--> statement-breakpoint
CREATE UNIQUE INDEX "outbox_operation_once" ON "audit"."outbox" USING btree ("operation") WHERE "audit"."outbox"."operation" is not null;