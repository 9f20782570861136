CREATE TABLE "task"."lane" (
	"tenant_id" uuid PRIMARY KEY NOT NULL,
	"weight" smallint DEFAULT 1 NOT NULL,
	"max_running" integer DEFAULT 20 NOT NULL,
	"queued" integer DEFAULT 0 NOT NULL,
	"running" integer DEFAULT 0 NOT NULL,
	"vtime" double precision DEFAULT 0 NOT NULL,
	CONSTRAINT "lane_counters_fit" CHECK (weight > 0 and max_running >= 0 and queued >= 0 and running >= 0)
);
--> statement-breakpoint
CREATE TABLE "task"."scan" (
	"name" text PRIMARY KEY NOT NULL,
	"cursor" text,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"rows" bigint,
	"repaired" bigint,
	"error" jsonb
);
--> statement-breakpoint
CREATE TABLE "task"."schedule" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"input" jsonb NOT NULL,
	"cron" text NOT NULL,
	"tz" text DEFAULT 'UTC' NOT NULL,
	"overlap" text DEFAULT 'skip' NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"next_at" timestamp with time zone,
	"last_task_id" uuid,
	"version" bigint DEFAULT 1 NOT NULL,
	CONSTRAINT "schedule_overlap_known" CHECK (overlap in ('skip', 'queue', 'allow')),
	CONSTRAINT "schedule_version_counts" CHECK (version > 0)
);
--> statement-breakpoint
CREATE TABLE "task"."service_gate" (
	"service" text PRIMARY KEY NOT NULL,
	"paused" boolean DEFAULT false NOT NULL,
	"note" text,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_by" jsonb
);
--> statement-breakpoint
CREATE TABLE "task"."attempt" (
	"step_id" uuid NOT NULL,
	"dir" text NOT NULL,
	"attempt" integer NOT NULL,
	"message_id" text NOT NULL,
	"dispatched_at" timestamp with time zone DEFAULT now() NOT NULL,
	"accepted_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"outcome" text,
	"class" text,
	"code" text,
	"detail" jsonb,
	"instance" text,
	CONSTRAINT "attempt_once" PRIMARY KEY("step_id","dir","attempt"),
	CONSTRAINT "attempt_message_once" UNIQUE("message_id"),
	CONSTRAINT "attempt_dir_known" CHECK (dir in ('do', 'undo')),
	CONSTRAINT "attempt_counts" CHECK (attempt > 0),
	CONSTRAINT "attempt_outcome_known" CHECK (outcome in ('succeeded', 'undone', 'failed', 'timeout', 'superseded', 'fenced')),
	CONSTRAINT "attempt_class_known" CHECK (class in ('transient', 'throttled', 'conflict', 'permanent', 'invalid', 'unknown')),
	CONSTRAINT "attempt_end_has_outcome" CHECK ((finished_at is null) = (outcome is null))
);
--> statement-breakpoint
CREATE TABLE "task"."signal" (
	"id" uuid PRIMARY KEY NOT NULL,
	"task_id" uuid NOT NULL,
	"name" text NOT NULL,
	"message_id" text NOT NULL,
	"data" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	"consumed_by" uuid,
	CONSTRAINT "signal_message_once" UNIQUE("task_id","message_id")
);
--> statement-breakpoint
CREATE TABLE "task"."step" (
	"id" uuid PRIMARY KEY NOT NULL,
	"task_id" uuid NOT NULL,
	"key" text NOT NULL,
	"ordinal" smallint NOT NULL,
	"kind" text NOT NULL,
	"service" text NOT NULL,
	"action" text NOT NULL,
	"contract" smallint DEFAULT 1 NOT NULL,
	"undo" text DEFAULT 'action' NOT NULL,
	"pivot" boolean DEFAULT false NOT NULL,
	"destructive" boolean DEFAULT false NOT NULL,
	"on_failure" text DEFAULT 'unwind' NOT NULL,
	"weight" smallint DEFAULT 1 NOT NULL,
	"policy" jsonb NOT NULL,
	"input_tpl" jsonb NOT NULL,
	"undo_tpl" jsonb,
	"input" jsonb,
	"output" jsonb,
	"error" jsonb,
	"state" text DEFAULT 'blocked' NOT NULL,
	"undo_state" text DEFAULT 'idle' NOT NULL,
	"needs" text[] DEFAULT '{}' NOT NULL,
	"tainted" boolean DEFAULT false NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"undo_attempt" integer DEFAULT 0 NOT NULL,
	"unknowns" integer DEFAULT 0 NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"conflicts" integer DEFAULT 0 NOT NULL,
	"dispatched_at" timestamp with time zone,
	"accepted_at" timestamp with time zone,
	"beat_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"holder" text,
	"progress" smallint DEFAULT 0 NOT NULL,
	"note" text,
	CONSTRAINT "step_key_once_a_task" UNIQUE("task_id","key"),
	CONSTRAINT "step_ordinal_once_a_task" UNIQUE("task_id","ordinal"),
	CONSTRAINT "step_key" CHECK (key ~ '^[a-z][a-z0-9_.-]{0,63}$'),
	CONSTRAINT "step_kind_known" CHECK (kind in ('command', 'wait', 'child')),
	CONSTRAINT "step_undo_known" CHECK (undo in ('action', 'fence', 'none')),
	CONSTRAINT "step_on_failure_known" CHECK (on_failure in ('unwind', 'hold', 'continue')),
	CONSTRAINT "step_state_known" CHECK (state in ('blocked', 'ready', 'dispatched', 'accepted', 'retry_wait', 'succeeded', 'failed', 'skipped')),
	CONSTRAINT "step_undo_state_known" CHECK (undo_state in ('idle', 'pending', 'ready', 'dispatched', 'accepted', 'retry_wait', 'done', 'failed', 'waived')),
	CONSTRAINT "step_counters_fit" CHECK (weight >= 0 and attempt >= 0 and undo_attempt >= 0 and progress between 0 and 100),
	CONSTRAINT "step_undo_has_template" CHECK (undo <> 'action' or undo_tpl is not null),
	CONSTRAINT "step_ran_was_sent" CHECK (attempt > 0 or state in ('blocked', 'ready', 'skipped', 'failed')),
	CONSTRAINT "step_sent_has_input" CHECK (attempt = 0 or input is not null)
);
--> statement-breakpoint
CREATE TABLE "task"."timer" (
	"owner_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"task_id" uuid NOT NULL,
	"dir" text DEFAULT 'do' NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"due_at" timestamp with time zone NOT NULL,
	CONSTRAINT "timer_once" PRIMARY KEY("owner_id","dir","kind"),
	CONSTRAINT "timer_kind_known" CHECK (kind in ('ack', 'beat', 'attempt', 'total', 'retry', 'deadline', 'wake')),
	CONSTRAINT "timer_dir_known" CHECK (dir in ('do', 'undo'))
);
--> statement-breakpoint
CREATE TABLE "task"."claim" (
	"task_id" uuid NOT NULL,
	"resource" text NOT NULL,
	"mode" text NOT NULL,
	"active" boolean DEFAULT true NOT NULL,
	CONSTRAINT "claim_once_a_task" PRIMARY KEY("task_id","resource"),
	CONSTRAINT "claim_mode_known" CHECK (mode in ('exclusive', 'observe'))
);
--> statement-breakpoint
CREATE TABLE "task"."event" (
	"task_id" uuid NOT NULL,
	"seq" bigint NOT NULL,
	"type" text NOT NULL,
	"step_key" text,
	"data" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"actor" jsonb,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "event_once_a_version" PRIMARY KEY("task_id","seq")
);
--> statement-breakpoint
CREATE TABLE "task"."holding" (
	"task_id" uuid NOT NULL,
	"ref" text NOT NULL,
	"kind" text NOT NULL,
	"state" text NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "holding_once_a_task" PRIMARY KEY("task_id","ref"),
	CONSTRAINT "holding_state_known" CHECK (state in ('held', 'bound', 'active', 'released'))
);
--> statement-breakpoint
CREATE TABLE "task"."task" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid NOT NULL,
	"project_id" uuid,
	"environment_id" uuid,
	"kind" text NOT NULL,
	"kind_version" integer NOT NULL,
	"plan_hash" "bytea" NOT NULL,
	"state" text DEFAULT 'queued' NOT NULL,
	"cause" text,
	"hold" text,
	"hold_note" text,
	"version" bigint DEFAULT 1 NOT NULL,
	"audit_version" bigint DEFAULT 1 NOT NULL,
	"priority" smallint DEFAULT 0 NOT NULL,
	"steps_total" smallint NOT NULL,
	"steps_open" smallint NOT NULL,
	"undo_open" smallint DEFAULT 0 NOT NULL,
	"pivot_passed" boolean DEFAULT false NOT NULL,
	"progress" smallint DEFAULT 0 NOT NULL,
	"note" text,
	"input" jsonb NOT NULL,
	"output_tpl" jsonb,
	"output" jsonb,
	"error" jsonb,
	"actor" jsonb NOT NULL,
	"correlation_id" uuid NOT NULL,
	"traceparent" text,
	"parent_task_id" uuid,
	"parent_step_id" uuid,
	"deadline_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone,
	"expires_at" timestamp with time zone,
	CONSTRAINT "task_kind" CHECK (kind ~ '^[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*)+$' and kind_version > 0),
	CONSTRAINT "task_state_known" CHECK (state in ('queued', 'running', 'unwinding', 'stuck', 'succeeded', 'failed', 'cancelled', 'abandoned')),
	CONSTRAINT "task_cause_known" CHECK (cause in ('step_failed', 'cancelled', 'deadline', 'operator', 'dependency')),
	CONSTRAINT "task_hold_known" CHECK (hold in ('operator', 'policy', 'reconcile')),
	CONSTRAINT "task_version_counts" CHECK (version > 0 and audit_version between 1 and version),
	CONSTRAINT "task_priority" CHECK (priority between -100 and 100),
	CONSTRAINT "task_progress" CHECK (progress between 0 and 100),
	CONSTRAINT "task_terminal_has_end" CHECK ((state in ('succeeded', 'failed', 'cancelled', 'abandoned')) = (finished_at is not null)),
	CONSTRAINT "task_unwinds_for_a_cause" CHECK (state not in ('unwinding', 'failed', 'cancelled') or cause is not null),
	CONSTRAINT "task_abandoned_with_note" CHECK (state <> 'abandoned' or note is not null),
	CONSTRAINT "task_counters_fit" CHECK (steps_total > 0 and steps_open between 0 and steps_total and undo_open between 0 and steps_total)
);
--> statement-breakpoint
CREATE TABLE "task"."dead_letter" (
	"id" uuid PRIMARY KEY NOT NULL,
	"origin" text NOT NULL,
	"task_id" uuid,
	"step_id" uuid,
	"subject" text,
	"message_id" text,
	"deliveries" integer DEFAULT 0 NOT NULL,
	"body" jsonb,
	"raw" "bytea",
	"error" jsonb NOT NULL,
	"state" text DEFAULT 'open' NOT NULL,
	"first_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_at" timestamp with time zone DEFAULT now() NOT NULL,
	"resolved_at" timestamp with time zone,
	"resolved_by" jsonb,
	"note" text,
	CONSTRAINT "dead_letter_origin_known" CHECK (origin in ('outbox', 'inbox', 'do', 'undo', 'timer', 'signal')),
	CONSTRAINT "dead_letter_state_known" CHECK (state in ('open', 'redriven', 'discarded')),
	CONSTRAINT "dead_letter_open_is_unresolved" CHECK ((state = 'open') = (resolved_at is null))
);
--> statement-breakpoint
CREATE TABLE "task"."finding" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"service" text NOT NULL,
	"subject" text NOT NULL,
	"task_id" uuid,
	"expected" jsonb,
	"observed" jsonb,
	"generation" bigint,
	"state" text DEFAULT 'suspect' NOT NULL,
	"seen" smallint DEFAULT 1 NOT NULL,
	"first_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_at" timestamp with time zone DEFAULT now() NOT NULL,
	"repair_task_id" uuid,
	"resolved_at" timestamp with time zone,
	"note" text,
	CONSTRAINT "finding_state_known" CHECK (state in ('suspect', 'open', 'repairing', 'resolved', 'accepted'))
);
--> statement-breakpoint
ALTER TABLE "task"."attempt" ADD CONSTRAINT "attempt_step_exists" FOREIGN KEY ("step_id") REFERENCES "task"."step"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "task"."signal" ADD CONSTRAINT "signal_task_exists" FOREIGN KEY ("task_id") REFERENCES "task"."task"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "task"."step" ADD CONSTRAINT "step_task_exists" FOREIGN KEY ("task_id") REFERENCES "task"."task"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "task"."timer" ADD CONSTRAINT "timer_task_exists" FOREIGN KEY ("task_id") REFERENCES "task"."task"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "task"."claim" ADD CONSTRAINT "claim_task_exists" FOREIGN KEY ("task_id") REFERENCES "task"."task"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "task"."event" ADD CONSTRAINT "event_task_exists" FOREIGN KEY ("task_id") REFERENCES "task"."task"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "task"."holding" ADD CONSTRAINT "holding_task_exists" FOREIGN KEY ("task_id") REFERENCES "task"."task"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "task"."task" ADD CONSTRAINT "task_parent_exists" FOREIGN KEY ("parent_task_id") REFERENCES "task"."task"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "lane_pick" ON "task"."lane" USING btree ("vtime") WHERE queued > 0;--> statement-breakpoint
CREATE INDEX "schedule_by_tenant" ON "task"."schedule" USING btree ("tenant_id","id");--> statement-breakpoint
CREATE INDEX "schedule_due" ON "task"."schedule" USING btree ("next_at") WHERE enabled;--> statement-breakpoint
CREATE INDEX "signal_open" ON "task"."signal" USING btree ("task_id","name","received_at") WHERE consumed_by is null;--> statement-breakpoint
CREATE INDEX "step_live" ON "task"."step" USING btree ("state","dispatched_at") WHERE state in ('ready', 'dispatched', 'accepted', 'retry_wait');--> statement-breakpoint
CREATE INDEX "step_undo_open" ON "task"."step" USING btree ("undo_state") WHERE undo_state in ('pending', 'ready', 'dispatched', 'accepted', 'retry_wait', 'failed');--> statement-breakpoint
CREATE INDEX "timer_due" ON "task"."timer" USING btree ("due_at");--> statement-breakpoint
CREATE INDEX "timer_by_task" ON "task"."timer" USING btree ("task_id");--> statement-breakpoint
CREATE UNIQUE INDEX "claim_one_changing_task" ON "task"."claim" USING btree ("resource") WHERE active and mode = 'exclusive';--> statement-breakpoint
CREATE INDEX "claim_by_resource" ON "task"."claim" USING btree ("resource","task_id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "holding_open" ON "task"."holding" USING btree ("state","updated_at") WHERE state in ('held', 'bound');--> statement-breakpoint
CREATE INDEX "task_queue" ON "task"."task" USING btree ("tenant_id","priority" DESC NULLS LAST,"id") WHERE state = 'queued' and hold is null;--> statement-breakpoint
CREATE INDEX "task_live" ON "task"."task" USING btree ("state","updated_at") WHERE finished_at is null;--> statement-breakpoint
CREATE INDEX "task_by_tenant" ON "task"."task" USING btree ("tenant_id","id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "task_by_project" ON "task"."task" USING btree ("project_id","id" DESC NULLS LAST) WHERE project_id is not null;--> statement-breakpoint
CREATE INDEX "task_by_parent" ON "task"."task" USING btree ("parent_task_id") WHERE parent_task_id is not null;--> statement-breakpoint
CREATE INDEX "task_expiry" ON "task"."task" USING btree ("expires_at") WHERE expires_at is not null;--> statement-breakpoint
CREATE INDEX "dead_letter_open" ON "task"."dead_letter" USING btree ("last_at") WHERE state = 'open';--> statement-breakpoint
CREATE UNIQUE INDEX "dead_letter_once" ON "task"."dead_letter" USING btree ("origin","message_id") WHERE message_id is not null and state = 'open';--> statement-breakpoint
CREATE UNIQUE INDEX "finding_live_once" ON "task"."finding" USING btree ("kind","service","subject") WHERE state in ('suspect', 'open', 'repairing');