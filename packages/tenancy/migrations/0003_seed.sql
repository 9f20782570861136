-- The platform, and the one tenant, project and environment that stand until tenancy has verbs to make others. The ids are
-- constants of the contract. Each has its feed row: the guard asks for it, and audit will find how the tree began.
insert into tenancy.scope (id, kind, parent_id, parent_kind, tenant_id, project_id, name, display_name, class) values
  ('00000000-0000-0000-0000-000000000000', 'platform', null, null, null, null, 'platform', 'Platform', null),
  ('00000000-0000-7000-8000-000000000001', 'tenant', '00000000-0000-0000-0000-000000000000', 'platform', '00000000-0000-7000-8000-000000000001', null, 'default', 'Default', null),
  ('00000000-0000-7000-8000-000000000002', 'project', '00000000-0000-7000-8000-000000000001', 'tenant', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002', 'default', 'Default', null),
  ('00000000-0000-7000-8000-000000000003', 'environment', '00000000-0000-7000-8000-000000000002', 'project', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002', 'default', 'Default', 'development');
--> statement-breakpoint
-- Event ids are UUIDv7 made by hand: uuidv7() exists from PostgreSQL 18 on.
insert into tenancy.feed (id, type, resource_type, resource_id, resource_version, tenant_id, project_id, environment_id, event, audit)
select
  (substr(time.hex, 1, 8) || '-' || substr(time.hex, 9, 4) || '-7' || substr(gen_random_uuid()::text, 16))::uuid,
  'tenancy.scope.created', 'tenancy.' || scope.kind, scope.id, scope.version, scope.tenant_id, scope.project_id,
  case when scope.kind = 'environment' then scope.id end,
  jsonb_strip_nulls(jsonb_build_object('id', wire.id, 'kind', scope.kind, 'name', scope.name, 'displayName', scope.display_name, 'state', scope.state, 'class', scope.class)),
  jsonb_build_object('action', 'tenancy.scope.create', 'actor', jsonb_build_object('type', 'system', 'id', 'migrator'), 'outcome', 'success')
from tenancy.scope
join (values
  ('00000000-0000-0000-0000-000000000000'::uuid, 'platform'),
  ('00000000-0000-7000-8000-000000000001', 'tnt_0000000000e008000000000001'),
  ('00000000-0000-7000-8000-000000000002', 'prj_0000000000e008000000000002'),
  ('00000000-0000-7000-8000-000000000003', 'env_0000000000e008000000000003')) as wire (uuid, id) on wire.uuid = scope.id
cross join (select lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') as hex) as time
order by array_position(array['platform', 'tenant', 'project', 'environment'], scope.kind);
