-- Of an erased user nothing is left but the id, and the database is the judge of that.
alter table tenancy.principal drop constraint principal_state;
--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
alter table tenancy.principal add constraint principal_state
  check (state in ('active', 'disabled') or state = case kind when 'service' then 'removed' else 'erased' end);
--> statement-breakpoint
-- lock: there is no release yet whose tables would be large
alter table tenancy.principal add constraint principal_erased_is_nobody
  check (state <> 'erased' or (issuer = 'sentral:erased' and subject = id::text and display_name is null));
