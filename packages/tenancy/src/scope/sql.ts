import type { Database, Tx } from '@sentral/kernel/database';
import type { ScopeRow } from './row.js';

/** Reads only; no statement here locks. READ COMMITTED. */
type Reader = Pick<Database | Tx, 'unsafe'>;

/** What the caller may see, as uuids; null = everything. */
export interface Visible {
  readonly tenantIds: readonly string[];
  readonly projectIds: readonly string[];
  readonly environmentIds: readonly string[];
}

const COLUMNS = `s.id, s.kind, s.parent_id as "parentId", s.parent_kind as "parentKind", s.tenant_id as "tenantId",
  s.project_id as "projectId", s.name, s.display_name as "displayName", s.labels, s.annotations, s.state, s.class,
  s.expires_at as "expiresAt", s.protected, s.version, s.created_at as "createdAt", s.updated_at as "updatedAt",
  s.deleted_at as "deletedAt", s.purge_at as "purgeAt"`;

const VISIBLE = `($1::boolean or s.tenant_id = any($2::uuid[]) or s.project_id = any($3::uuid[]) or s.id = any($4::uuid[]))`;

const seen = (visible: Visible | null): unknown[] => [
  visible === null,
  visible?.tenantIds ?? [],
  visible?.projectIds ?? [],
  visible?.environmentIds ?? [],
];

/** One scope by its uuid, when it is visible. */
export async function findScope(on: Reader, id: string, visible: Visible | null): Promise<ScopeRow | undefined> {
  const rows = await on.unsafe(`select ${COLUMNS} from tenancy.scope s where ${VISIBLE} and s.id = $5::uuid`, [
    ...seen(visible),
    id,
  ]);
  return (rows as unknown as readonly ScopeRow[])[0];
}

/** The scope and everything above it, the platform first; four rows at most. */
export async function listAncestry(on: Reader, id: string): Promise<readonly ScopeRow[]> {
  const rows = await on.unsafe(
    `with recursive line as (
       select s.*, 0 as depth from tenancy.scope s where s.id = $1::uuid
       union all
       select s.*, line.depth + 1 from line join tenancy.scope s on s.id = line.parent_id)
     select ${COLUMNS} from line s order by s.depth desc`,
    [id],
  );
  return rows as unknown as readonly ScopeRow[];
}

/** Visible scopes by id, in the order of the primary key. */
export async function listScopes(
  on: Reader,
  page: { after: string | null; limit: number },
  visible: Visible | null,
): Promise<readonly ScopeRow[]> {
  const rows = await on.unsafe(
    `select ${COLUMNS} from tenancy.scope s where ${VISIBLE} and ($5::uuid is null or s.id > $5::uuid) order by s.id limit $6::int`,
    [...seen(visible), page.after, page.limit],
  );
  return rows as unknown as readonly ScopeRow[];
}
