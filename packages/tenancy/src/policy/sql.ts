// Lock order: installation first, then the scope, then its policy (scope/sql.ts).
import { encodeId } from '@sentral/contracts/ids';
import type { Policy } from '@sentral/contracts/tenancy/policy';
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { scopeId, type StoredScope } from '../scope/row.js';

type Reader = Pick<Database | Tx, 'unsafe'>;

export interface BindingPart {
  readonly id: string;
  readonly key: string;
  readonly value: unknown;
  readonly lock: 'default' | 'override';
  readonly mode: 'enforce' | 'audit';
}

export interface PolicyRow {
  readonly id: string;
  readonly version: number;
  readonly updatedAt: Date;
  readonly bindings: readonly BindingPart[];
}

/** The policy of a scope; undefined while nothing was ever bound. */
export async function findPolicy(on: Reader, scope: string): Promise<PolicyRow | undefined> {
  const rows = await on.unsafe(
    `select p.id, p.version, p.updated_at as "updatedAt",
       coalesce((select jsonb_agg(jsonb_build_object('id', b.id, 'key', b.key, 'value', b.value, 'lock', b.lock, 'mode', b.mode) order by b.key)
         from tenancy.policy_binding b where b.policy_id = p.id), '[]') as bindings
     from tenancy.policy p where p.scope_id = $1::uuid`,
    [scope],
  );
  return rows[0] as PolicyRow | undefined;
}

/** The singleton as the contract shows it. */
export function toPolicy(scope: Pick<StoredScope, 'id' | 'kind'>, row: PolicyRow | undefined): Policy {
  return {
    type: 'policy',
    scopeId: scopeId(scope.kind, scope.id),
    version: row?.version ?? 0,
    bindings: (row?.bindings ?? []).map(({ id, ...binding }) => ({ id: encodeId('plb', id), ...binding })),
    ...(row === undefined ? {} : { updatedAt: row.updatedAt.toISOString() }),
  };
}

/** Its version moves, and the parts become exactly these; a part that stays keeps its id. */
export async function amendPolicyRow(
  tx: Tx,
  scope: StoredScope,
  { id, bindings }: { id: string; bindings: readonly BindingPart[] },
): Promise<void> {
  await tx.sql`
    insert into tenancy.policy as p (id, scope_id, tenant_id) values (${id}::uuid, ${scope.id}::uuid, ${scope.tenantId}::uuid)
    on conflict (scope_id) do update set version = p.version + 1, updated_at = now()`;
  await tx.sql`
    delete from tenancy.policy_binding where policy_id = ${id}::uuid and id <> all(${bindings.map((binding) => binding.id)}::uuid[])`;
  // A null that is bound says "no bound"; a record set would make nothing of it.
  await tx.sql`
    insert into tenancy.policy_binding as b (id, policy_id, scope_id, tenant_id, key, value, lock, mode)
    select w.id, ${id}::uuid, ${scope.id}::uuid, ${scope.tenantId}::uuid, w.key, coalesce(w.value, 'null'), w.lock, w.mode
    from jsonb_to_recordset(${json(bindings)}) as w(id uuid, key text, value jsonb, lock text, mode text)
    on conflict (id) do update set value = excluded.value, lock = excluded.lock, mode = excluded.mode`;
}
