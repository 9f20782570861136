-- What tables alone cannot say: exclusions (btree_gist lies in schema extensions, on the pinned search_path), the deferrable key
-- of blocks, the tree without loops, row-level security, and who may not write what.
alter table inventory.rack_claim add constraint rack_units_taken_once
  exclude using gist (rack_id with =, layer with =, face with =, half_units with &&) deferrable initially immediate;
--> statement-breakpoint
alter table inventory.address_block add constraint address_block_siblings_never_overlap
  exclude using gist (space_id with =, (coalesce(parent_id, space_id)) with =, cidr inet_ops with &&) where (ended_at is null) deferrable initially immediate;
--> statement-breakpoint
-- No cascade: a change set that renumbers writes cidr and parent_cidr of the children itself, in the same transaction.
alter table inventory.address_block add constraint address_block_parent_has_this_cidr
  foreign key (space_id, parent_id, parent_cidr) references inventory.address_block (space_id, id, cidr) deferrable initially immediate;
--> statement-breakpoint
-- Which block holds a host: asked with >>= by every allocation and record.
create index address_block_by_cidr on inventory.address_block using gist (space_id, cidr inet_ops) where (ended_at is null);
--> statement-breakpoint
alter table inventory.number_range add constraint number_ranges_never_overlap
  exclude using gist (domain_id with =, numbers with &&) where (ended_at is null) deferrable initially immediate;
--> statement-breakpoint
alter table inventory.allocation_item add constraint allocation_item_node_held_once
  exclude using gist (node_id with =, during with &&) where (what = 'node' and ended_at is null);
--> statement-breakpoint
-- Containment stays a tree. Two moves that each look right can close a loop together, so moves go one after the other; the
-- walk starts at the row as it is now, since a change set defers this to its end state.
create function inventory.node_stays_in_a_tree() returns trigger
language plpgsql set search_path = inventory, pg_temp as $rule$
begin
  perform pg_advisory_xact_lock(hashtext('inventory'), hashtext('node.parent'));
  if exists (
    with recursive up (id) as (
      select parent_id from node where id = new.id
      union
      select n.parent_id from node n join up on n.id = up.id
    )
    select from up where id = new.id
  ) then
    raise exception using errcode = '23514', constraint = 'node_parent_acyclic', schema = 'inventory', table = 'node',
      message = format('node %s would lie in itself', new.id);
  end if;
  return null;
end
$rule$;
--> statement-breakpoint
create constraint trigger node_parent_acyclic after update of parent_id on inventory.node deferrable initially immediate
  for each row when (new.parent_id is not null and new.parent_id is distinct from old.parent_id)
  execute function inventory.node_stays_in_a_tree();
--> statement-breakpoint
-- A new node closes a loop only with others of its own statement: what is not reached from outside of it hangs on itself.
create function inventory.node_added_to_a_tree() returns trigger
language plpgsql set search_path = inventory, pg_temp as $rule$
declare
  reached bigint;
  wanted bigint;
begin
  with recursive reach (id) as (
    select a.id from added a where a.parent_id is null or not exists (select from added p where p.id = a.parent_id)
    union
    select c.id from added c join reach r on c.parent_id = r.id
  )
  select (select count(*) from reach), (select count(*) from added) into reached, wanted;
  if reached < wanted then
    raise exception using errcode = '23514', constraint = 'node_parent_acyclic', schema = 'inventory', table = 'node',
      message = format('%s new nodes would lie in themselves', wanted - reached);
  end if;
  return null;
end
$rule$;
--> statement-breakpoint
create trigger node_added_acyclic after insert on inventory.node referencing new table as added
  for each statement execute function inventory.node_added_to_a_tree();
--> statement-breakpoint
-- A tenant principal's reads never need the kernel's tables, nor what was staged for an import.
revoke select on inventory.feed, inventory.outbox, inventory.inbox, inventory.idempotency, inventory.operation, inventory.lease,
  inventory.import, inventory.import_chunk, inventory.import_row, inventory.scope_view from inventory_read;
--> statement-breakpoint
-- Kinds are shipped by migrations.
revoke insert, update, delete on inventory.kind from inventory_app;
--> statement-breakpoint
alter table inventory.allocation enable row level security;
--> statement-breakpoint
create policy allocation_app_all on inventory.allocation for all to inventory_app using (true) with check (true);
--> statement-breakpoint
create policy allocation_platform_reads_all on inventory.allocation for select to inventory_platform using (true);
--> statement-breakpoint
-- Unset or empty: no row.
create policy allocation_read_own_tenant on inventory.allocation for select to inventory_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
alter table inventory.allocation_item enable row level security;
--> statement-breakpoint
create policy allocation_item_app_all on inventory.allocation_item for all to inventory_app using (true) with check (true);
--> statement-breakpoint
create policy allocation_item_platform_reads_all on inventory.allocation_item for select to inventory_platform using (true);
--> statement-breakpoint
create policy allocation_item_read_own_tenant on inventory.allocation_item for select to inventory_read
  using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
