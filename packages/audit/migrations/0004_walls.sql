-- The first id of a moment: the time of a UUIDv7 is its first 48 bits.
create function audit.uuid7_floor(moment timestamptz) returns uuid
language sql immutable strict set search_path = audit, pg_temp as $floor$
  select (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$floor$;
--> statement-breakpoint
create function audit.refuse_change() returns trigger
language plpgsql set search_path = audit, pg_temp as $refuse$
begin
  raise exception using errcode = '42501', schema = 'audit', table = tg_table_name,
    message = format('%s of %s: what is on record stays as it is', lower(tg_op), tg_table_name);
end
$refuse$;
--> statement-breakpoint
-- Not even the owner changes them: the triggers of rows come to every partition, that of TRUNCATE is made for each.
create trigger stays before update or delete on audit.record for each row execute function audit.refuse_change();
--> statement-breakpoint
create trigger stays_whole before truncate on audit.record for each statement execute function audit.refuse_change();
--> statement-breakpoint
create trigger stays before update or delete on audit.tile for each row execute function audit.refuse_change();
--> statement-breakpoint
create trigger stays_whole before truncate on audit.tile for each statement execute function audit.refuse_change();
--> statement-breakpoint
create trigger stays before update or delete on audit.head for each row execute function audit.refuse_change();
--> statement-breakpoint
create trigger stays_whole before truncate on audit.head for each statement execute function audit.refuse_change();
--> statement-breakpoint
create trigger stays before update or delete on audit.checkpoint for each row execute function audit.refuse_change();
--> statement-breakpoint
create trigger stays_whole before truncate on audit.checkpoint for each statement execute function audit.refuse_change();
--> statement-breakpoint
create function audit.log_only_grows() returns trigger
language plpgsql set search_path = audit, pg_temp as $grows$
begin
  if new.size < old.size or new.head_size < old.head_size
    or (new.id, new.kind, new.tenant_id, new.origin) is distinct from (old.id, old.kind, old.tenant_id, old.origin) then
    raise exception using errcode = '42501', schema = 'audit', table = 'log', message = format('log %s only grows', old.id);
  end if;
  return new;
end
$grows$;
--> statement-breakpoint
create trigger only_grows before update on audit.log for each row execute function audit.log_only_grows();
--> statement-breakpoint
create trigger stays before delete on audit.log for each row execute function audit.refuse_change();
--> statement-breakpoint
create trigger stays_whole before truncate on audit.log for each statement execute function audit.refuse_change();
--> statement-breakpoint
-- A net for ids whose month nobody made; it stays empty, which an invariant looks up.
create table audit.record_default partition of audit.record default;
--> statement-breakpoint
create trigger stays_whole before truncate on audit.record_default for each statement execute function audit.refuse_change();
--> statement-breakpoint
revoke all on audit.record_default from audit_read;
--> statement-breakpoint
-- From last month on, for changes whose ids were minted before midnight and read after it. A partition has privileges of its own: row-level
-- security of the parent would not hold for who reads it directly.
create function audit.record_make_partitions(months_ahead integer) returns integer
language plpgsql security definer set search_path = audit, pg_temp set lock_timeout = '1s' set timezone = 'UTC' as $make$
declare
  made integer := 0;
  month timestamptz;
  part text;
begin
  if months_ahead not between 0 and 24 then raise exception 'months_ahead must be 0 to 24'; end if;
  perform pg_advisory_xact_lock(hashtext('audit'), hashtext('record.partition'));
  for month in select date_trunc('month', now()) + n * interval '1 month' from generate_series(-1, months_ahead) n loop
    part := 'record_p' || to_char(month, 'YYYYMM');
    continue when to_regclass('audit.' || part) is not null;
    execute format('create table audit.%I (like audit.record including defaults including constraints including storage)', part);
    execute format('alter table audit.record attach partition audit.%I for values from (%L) to (%L)', part,
      audit.uuid7_floor(month), audit.uuid7_floor(month + interval '1 month'));
    execute format('create trigger stays_whole before truncate on audit.%I for each statement execute function audit.refuse_change()', part);
    execute format('revoke all on audit.%I from audit_read', part);
    made := made + 1;
  end loop;
  return made;
end
$make$;
--> statement-breakpoint
select audit.record_make_partitions(3);
--> statement-breakpoint
-- The root over the subtrees of a compact range (RFC 6962).
create function audit.root_of(stack bytea[]) returns bytea
language plpgsql immutable set search_path = audit, pg_temp as $root$
declare
  root bytea := sha256(''::bytea);
begin
  for at in reverse cardinality(stack)..1 loop
    root := case when at = cardinality(stack) then stack[at] else sha256('\x01'::bytea || stack[at] || root) end;
  end loop;
  return root;
end
$root$;
--> statement-breakpoint
-- Puts leaves behind those of a log and keeps the root of every complete subtree of 256, 65,536, … leaves; returns the new compact range.
create function audit.extend_log(extended uuid, size bigint, stack bytea[], leaves bytea[]) returns bytea[]
language plpgsql set search_path = audit, pg_temp as $extend$
declare
  node bytea;
  place bigint;
  height integer;
begin
  foreach node in array leaves loop
    place := size;
    height := 0;
    while place & 1 = 1 loop
      node := sha256('\x01'::bytea || stack[cardinality(stack)] || node);
      stack := trim_array(stack, 1);
      place := place >> 1;
      height := height + 1;
      if height % 8 = 0 then insert into audit.tile values (extended, height / 8, place, node); end if;
    end loop;
    stack := array_append(stack, node);
    size := size + 1;
  end loop;
  return stack;
end
$extend$;
--> statement-breakpoint
create function audit.open_log(opened uuid, kind text, tenant uuid, origin text) returns void
language sql security definer set search_path = audit, pg_temp as $open$
  insert into audit.log (id, kind, tenant_id, origin) values (opened, kind, tenant, origin) on conflict on constraint log_once_per_tenant do nothing
$open$;
--> statement-breakpoint
-- The one way onto record. It goes on where the context's feed was left and where each log ends, or not at all. Locks: producer, then logs by id.
create function audit.append(producing text, after_pos bigint, last_pos bigint, records jsonb) returns void
language plpgsql security definer set search_path = audit, pg_temp as $append$
declare
  confirmed bigint;
  part record;
begin
  insert into audit.producer (context) values (producing) on conflict do nothing;
  select confirmed_pos into confirmed from audit.producer where context = producing for update;
  if confirmed <> after_pos or last_pos <= after_pos then
    raise exception using errcode = '23514', constraint = 'append_follows_the_feed', schema = 'audit',
      message = format('%s is on record up to %s: %s to %s does not follow', producing, confirmed, after_pos + 1, last_pos);
  end if;
  perform from audit.log where id in (select (r ->> 'log_id')::uuid from jsonb_array_elements(records) r) order by id for update;
  insert into audit.record select * from jsonb_populate_recordset(null::audit.record, records);
  for part in
    select n.log_id, l.size, l.stack, n.leaves, n.first, n.last
    from (select r.log_id, array_agg(r.leaf order by r.seq) as leaves, min(r.seq) as first, max(r.seq) as last
          from jsonb_populate_recordset(null::audit.record, records) r group by r.log_id) n
    left join audit.log l on l.id = n.log_id and l.kind <> 'heads' order by n.log_id
  loop
    if part.size is distinct from part.first or part.last - part.first + 1 <> cardinality(part.leaves) then
      raise exception using errcode = '23514', constraint = 'append_is_dense', schema = 'audit',
        message = format('log %s ends at %s: %s to %s does not follow', part.log_id, part.size, part.first, part.last);
    end if;
    update audit.log set size = part.last + 1, stack = audit.extend_log(part.log_id, part.size, part.stack, part.leaves) where id = part.log_id;
  end loop;
  update audit.producer set confirmed_pos = last_pos where context = producing;
end
$append$;
--> statement-breakpoint
-- Puts the head of every log that has grown onto the log of heads, in the text of a checkpoint (audit-note of the contracts).
create function audit.take_heads() returns table (size bigint, root bytea)
language plpgsql security definer set search_path = audit, pg_temp as $take$
declare
  heads audit.log;
  grown audit.log;
  taken bytea;
  leaf bytea;
begin
  select * into strict heads from audit.log l where l.kind = 'heads' for update;
  for grown in select * from audit.log l where l.size > l.head_size and l.kind <> 'heads' order by l.id for update loop
    taken := audit.root_of(grown.stack);
    leaf := sha256('\x00'::bytea || convert_to(format(E'%s\n%s\n%s\n', grown.origin, grown.size, encode(taken, 'base64')), 'UTF8'));
    insert into audit.head (seq, log_id, size, root, leaf) values (heads.size, grown.id, grown.size, taken, leaf);
    heads.stack := audit.extend_log(heads.id, heads.size, heads.stack, array[leaf]);
    heads.size := heads.size + 1;
    update audit.log l set head_size = grown.size where l.id = grown.id;
  end loop;
  update audit.log l set size = heads.size, head_size = heads.size, stack = heads.stack where l.id = heads.id;
  return query select heads.size, audit.root_of(heads.stack);
end
$take$;
--> statement-breakpoint
-- Keeps a signed note, of the log of heads as it is and of no other state.
create function audit.keep_checkpoint(kept uuid, kept_size bigint, kept_root bytea, kept_note text) returns void
language plpgsql security definer set search_path = audit, pg_temp as $keep$
begin
  perform from audit.log l where l.kind = 'heads' and l.size = kept_size and audit.root_of(l.stack) = kept_root for update;
  if not found then
    raise exception using errcode = '23514', constraint = 'checkpoint_of_the_heads', schema = 'audit', message = 'the heads are not these';
  end if;
  insert into audit.checkpoint (id, size, root, note) values (kept, kept_size, kept_root, kept_note);
end
$keep$;
--> statement-breakpoint
revoke execute on all functions in schema audit from public;
--> statement-breakpoint
grant execute on function audit.uuid7_floor(timestamptz), audit.record_make_partitions(integer), audit.open_log(uuid, text, uuid, text),
  audit.append(text, bigint, bigint, jsonb), audit.take_heads(), audit.keep_checkpoint(uuid, bigint, bytea, text) to audit_app;
--> statement-breakpoint
grant execute on function audit.uuid7_floor(timestamptz) to audit_read, audit_platform;
--> statement-breakpoint
revoke select on audit.producer from audit_read;
--> statement-breakpoint
alter table audit.log enable row level security;
--> statement-breakpoint
create policy log_app_all on audit.log for select to audit_app using (true);
--> statement-breakpoint
create policy log_platform_reads_all on audit.log for select to audit_platform using (true);
--> statement-breakpoint
-- Unset or empty: no row.
create policy log_read_own_tenant on audit.log for select to audit_read using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
alter table audit.record enable row level security;
--> statement-breakpoint
create policy record_app_all on audit.record for select to audit_app using (true);
--> statement-breakpoint
create policy record_platform_reads_all on audit.record for select to audit_platform using (true);
--> statement-breakpoint
create policy record_read_own_tenant on audit.record for select to audit_read using (tenant_id = nullif(current_setting('sentral.tenant', true), '')::uuid);
--> statement-breakpoint
-- Hashes say nothing of what they are of, but a tenant's are its own.
alter table audit.tile enable row level security;
--> statement-breakpoint
create policy tile_app_all on audit.tile for select to audit_app using (true);
--> statement-breakpoint
create policy tile_platform_reads_all on audit.tile for select to audit_platform using (true);
--> statement-breakpoint
create policy tile_read_own_tenant on audit.tile for select to audit_read using (log_id in (select id from audit.log));
--> statement-breakpoint
alter table audit.head enable row level security;
--> statement-breakpoint
create policy head_app_all on audit.head for select to audit_app using (true);
--> statement-breakpoint
create policy head_platform_reads_all on audit.head for select to audit_platform using (true);
--> statement-breakpoint
create policy head_read_own_tenant on audit.head for select to audit_read using (log_id in (select id from audit.log));
