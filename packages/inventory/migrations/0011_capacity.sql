CREATE TABLE "inventory"."capacity" (
	"node_id" uuid NOT NULL,
	"class" text NOT NULL,
	"total" bigint NOT NULL,
	"held_back" bigint DEFAULT 0 NOT NULL,
	"overcommit_pct" integer DEFAULT 100 NOT NULL,
	"min_unit" bigint DEFAULT 1 NOT NULL,
	"max_unit" bigint NOT NULL,
	"step" bigint DEFAULT 1 NOT NULL,
	"cap" bigint NOT NULL,
	"used" bigint DEFAULT 0 NOT NULL,
	"over_by" bigint DEFAULT 0 NOT NULL,
	"use_version" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "capacity_once_per_class" PRIMARY KEY("node_id","class"),
	CONSTRAINT "capacity_total_in_bounds" CHECK ("inventory"."capacity"."total" between 1 and 1000000000000),
	CONSTRAINT "capacity_held_back_of_total" CHECK ("inventory"."capacity"."held_back" between 0 and "inventory"."capacity"."total"),
	CONSTRAINT "capacity_overcommit_in_bounds" CHECK ("inventory"."capacity"."overcommit_pct" between 1 and 10000),
	CONSTRAINT "capacity_units_in_bounds" CHECK ("inventory"."capacity"."min_unit" >= 1 and "inventory"."capacity"."step" >= 1 and "inventory"."capacity"."max_unit" >= "inventory"."capacity"."min_unit"),
	CONSTRAINT "capacity_cap_follows_total" CHECK ("inventory"."capacity"."cap" = ("inventory"."capacity"."total" - "inventory"."capacity"."held_back") * "inventory"."capacity"."overcommit_pct" / 100),
	CONSTRAINT "capacity_counts" CHECK ("inventory"."capacity"."used" >= 0 and "inventory"."capacity"."over_by" >= 0),
	CONSTRAINT "capacity_used_within_cap" CHECK ("inventory"."capacity"."used" <= "inventory"."capacity"."cap" + "inventory"."capacity"."over_by")
);
--> statement-breakpoint
CREATE TABLE "inventory"."resource_class" (
	"key" text PRIMARY KEY NOT NULL,
	"title" text NOT NULL,
	"unit" text NOT NULL,
	"dimension" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "resource_class_key_is_camel_case" CHECK ("inventory"."resource_class"."key" ~ '^[a-z][A-Za-z0-9]{0,62}$')
);
--> statement-breakpoint
ALTER TABLE "inventory"."allocation_item" DROP CONSTRAINT "allocation_item_what_known";--> statement-breakpoint
ALTER TABLE "inventory"."allocation_item" DROP CONSTRAINT "allocation_item_names_its_thing";--> statement-breakpoint
ALTER TABLE "inventory"."allocation_item" ADD COLUMN "amount" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "inventory"."allocation_item" ADD COLUMN "class" text;--> statement-breakpoint
ALTER TABLE "inventory"."capacity" ADD CONSTRAINT "capacity_node_exists" FOREIGN KEY ("node_id") REFERENCES "inventory"."node"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inventory"."capacity" ADD CONSTRAINT "capacity_class_exists" FOREIGN KEY ("class") REFERENCES "inventory"."resource_class"("key") ON DELETE no action ON UPDATE no action;--> statement-breakpoint

-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."allocation_item" ADD CONSTRAINT "allocation_item_class_exists" FOREIGN KEY ("class") REFERENCES "inventory"."resource_class"("key") ON DELETE no action ON UPDATE no action;--> statement-breakpoint

-- lock: there is no release yet whose tables would be large
CREATE INDEX "allocation_item_capacity_by_end" ON "inventory"."allocation_item" USING btree ("node_id","class",upper("during")) WHERE "inventory"."allocation_item"."what" = 'capacity' and "inventory"."allocation_item"."ended_at" is null;--> statement-breakpoint

-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."allocation_item" ADD CONSTRAINT "allocation_item_amount_counts" CHECK ("inventory"."allocation_item"."amount" >= 1);--> statement-breakpoint

-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."allocation_item" ADD CONSTRAINT "allocation_item_what_known" CHECK ("inventory"."allocation_item"."what" in ('node', 'capacity', 'number', 'block', 'address', 'rack_units'));--> statement-breakpoint

-- lock: there is no release yet whose tables would be large
ALTER TABLE "inventory"."allocation_item" ADD CONSTRAINT "allocation_item_names_its_thing" CHECK (case "inventory"."allocation_item"."what"
        when 'node' then "inventory"."allocation_item"."node_id" is not null
        when 'capacity' then "inventory"."allocation_item"."node_id" is not null and "inventory"."allocation_item"."class" is not null
        when 'number' then "inventory"."allocation_item"."domain_id" is not null and "inventory"."allocation_item"."number" is not null
        when 'block' then "inventory"."allocation_item"."taken_block_id" is not null
        when 'address' then "inventory"."allocation_item"."space_id" is not null and "inventory"."allocation_item"."address" is not null
        when 'rack_units' then "inventory"."allocation_item"."rack_id" is not null and "inventory"."allocation_item"."half_units" is not null and "inventory"."allocation_item"."face" is not null
      end);