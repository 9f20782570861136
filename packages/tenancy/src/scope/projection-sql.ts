// Reads only; no statement here locks. READ COMMITTED: one statement is one snapshot, so a row and its parts are of one moment.
import type { Database, Tx } from '@sentral/kernel/database';
import type { StoredProjection } from './row.js';

type Reader = Pick<Database | Tx, 'unsafe'>;

// Expired exemptions and holds are left in: their end is a time, and whoever reads them compares.
const projection = `s.id, s.kind, s.parent_id as "parentId", s.parent_kind as "parentKind", s.tenant_id as "tenantId", s.state, s.version,
  s.policy_version as "policyVersion",
  coalesce((select jsonb_agg(jsonb_build_object('id', b.id, 'key', b.key, 'value', b.value, 'lock', b.lock, 'mode', b.mode) order by b.key)
    from tenancy.policy_binding b where b.scope_id = s.id), '[]') as "policyBindings",
  coalesce((select jsonb_agg(jsonb_build_object('id', e.id, 'key', e.key, 'expiresAt', e.expires_at) order by e.key)
    from tenancy.policy_exemption e where e.scope_id = s.id), '[]') as exemptions,
  coalesce((select jsonb_agg(jsonb_build_object('id', h.id, 'resourceId', h.resource_id, 'origin', h.origin, 'reason', h.reason,
      'expiresAt', h.expires_at) order by h.id)
    from tenancy.hold h where h.scope_id = s.id), '[]') as holds,
  coalesce((select jsonb_agg(jsonb_build_object('dimension', q.dimension, 'limit', q.bound) order by q.dimension)
    from tenancy.quota_limit q where q.scope_id = s.id), '[]') as limits`;

/** The scope and everything above it, the platform first; four rows at most. */
export async function listPath(on: Reader, id: string): Promise<readonly StoredProjection[]> {
  const rows = await on.unsafe(
    `with recursive line as (
       select s.id, s.parent_id, 0 as depth from tenancy.scope s where s.id = $1::uuid
       union all
       select s.id, s.parent_id, line.depth + 1 from line join tenancy.scope s on s.id = line.parent_id)
     select ${projection} from line join tenancy.scope s on s.id = line.id order by line.depth desc`,
    [id],
  );
  return rows as unknown as readonly StoredProjection[];
}

/** All scopes by id, in the order of the primary key. */
export async function listProjections(
  on: Reader,
  page: { after: string | null; limit: number },
): Promise<readonly StoredProjection[]> {
  const rows = await on.unsafe(
    `select ${projection} from tenancy.scope s where ($1::uuid is null or s.id > $1::uuid) order by s.id limit $2::int`,
    [page.after, page.limit],
  );
  return rows as unknown as readonly StoredProjection[];
}
