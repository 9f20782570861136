// The caps of this context's counters follow its projection of scopes (kernel/scopes). Locked after the rows of scopes, all
// counters concerned at once in the order of quota/sql.ts. READ COMMITTED.
import type { ScopeRow } from '@sentral/contracts/contract';
import type { Tx } from '@sentral/kernel/database';
import { limitsOf, scopeUuid, type ScopeView } from '@sentral/kernel/scopes/view';
import { schemaName } from '../change.js';

/** What this context knows of tenancy's scopes. */
export const scopes: ScopeView = { schema: schemaName, follow: amendCaps };

/**
 * The caps of scopes become their limits; one below use is no refusal: the overhang is written down, and nothing grows. All
 * counters concerned are locked first, in the one order: those that lose their cap and those that get one.
 */
async function amendCaps(tx: Tx, scopes: readonly ScopeRow[]): Promise<void> {
  const ids = scopes.map(({ id }) => scopeUuid(id));
  const caps = scopes.flatMap((scope) =>
    limitsOf(schemaName, scope).map((limit) => ({ ...limit, id: scopeUuid(scope.id) })),
  );
  const [of, dimensions, limits] = [
    caps.map(({ id }) => id),
    caps.map(({ dimension }) => dimension),
    caps.map(({ limit }) => limit),
  ];
  await tx.sql`
    select from unnest(${ids}::uuid[]) with ordinality as w(id, place) join quota_use q on q.scope_id = w.id
    order by w.place, q.dimension for update of q`;
  await tx.sql`
    update quota_use q set cap = null, over_by = 0
    where q.scope_id = any(${ids}::uuid[]) and q.cap is not null
      and not exists (select from unnest(${of}::uuid[], ${dimensions}::text[]) as l(id, dimension) where l.id = q.scope_id and l.dimension = q.dimension)`;
  await tx.sql`
    insert into quota_use as q (scope_id, dimension, cap)
    select l.id, l.dimension, l.cap from unnest(${of}::uuid[], ${dimensions}::text[], ${limits}::bigint[]) as l(id, dimension, cap)
    order by array_position(${ids}::uuid[], l.id), l.dimension
    on conflict (scope_id, dimension) do update set cap = excluded.cap, over_by = greatest(0, q.used - excluded.cap)`;
}
