import type { Caller, Implements, ScopeRow } from '@sentral/contracts/contract';
import { parseId, type Id } from '@sentral/contracts/ids';
import { isProblem, problem } from '@sentral/contracts/problem';
import type { tenancy } from '@sentral/contracts/tenancy';
import type { Subject } from '@sentral/contracts/tenancy/fields';
import type { Database } from '@sentral/kernel/database';
import { bringForward } from '../projection/bring.js';
import type { Deps } from '../deps.js';
import type { Refusal } from './apply/plan.js';
import type { TenantResource } from './change-set.js';
import type { ImportRow } from './sql.js';

/** As much of tenancy as an import makes its tenants by. */
export type TenantSource = Pick<Implements<typeof tenancy>['scope'], 'adopt'>;

/** A tenant that the file names: found or made, or why not. */
export type NamedTenant = { readonly line: number; readonly key: string } & (
  | { readonly id: string; readonly state: ScopeRow['state']; readonly created: boolean; readonly problem?: undefined }
  | { readonly problem: Refusal }
);

/** What tenancy may say of one tenant; whatever else goes wrong says nothing of it, and it is asked again. */
const refusals = ['permission-denied', 'reference-not-found', 'validation-failed'];

/**
 * Finds or makes the tenants of a file, one call each and outside of any transaction, and brings the projection forward, so that what
 * is applied next may lie in them. Each call has the import's key: a worker that takes over hears what the first one made.
 * @throws whatever keeps tenancy from answering
 */
export async function adoptTenants(
  deps: Deps,
  tenants: TenantSource | undefined,
  { claim, caller, adopted }: { claim: ImportRow; caller: Caller; adopted: (count: number) => Promise<void> },
): Promise<readonly NamedTenant[]> {
  const rows = await listTenantRows(deps.db.app, claim.id);
  const named: NamedTenant[] = [];
  for (const { line, key, resource } of rows) {
    if (tenants === undefined) throw problem('dependency-unavailable', { dependency: 'tenancy' });
    try {
      const { scope, created, projection } = await tenants.adopt(
        { ...caller, dryRun: claim.dryRun, idempotency: keyOf(claim, line) },
        {
          source: claim.source,
          externalId: key,
          displayName: resource.name,
          annotations: resource.annotations ?? {},
          owner: ownerOf(claim),
          mayMake: claim.mayMakeTenants,
        },
      );
      // What a dry run made is gone again.
      if (!created || !claim.dryRun) await bringForward(deps, [projection]);
      named.push({ line, key, id: parseId(scope.id).uuid, state: scope.state, created });
    } catch (error) {
      if (!isProblem(error) || !refusals.includes(error.code)) throw error;
      const { code, title, status } = error;
      named.push({ line, key, problem: { code, title, status, detail: error.detail ?? detailOf(error.facts) } });
    }
    await adopted(1);
  }
  return named;
}

const keyOf = ({ id }: ImportRow, line: number) => ({
  scope: `import ${id}`,
  key: String(line),
  fingerprint: String(line),
});

/** An imported tenant gets the importer's principal as its first owner. */
function ownerOf({ principalId }: ImportRow): Subject {
  return principalId.startsWith('sac_')
    ? { type: 'serviceAccount', id: principalId as Id<'sac'> }
    : { type: 'user', id: principalId as Id<'usr'> };
}

const detailOf = (facts: Readonly<Record<string, unknown>>): string =>
  Object.entries(facts)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join(', ');

async function listTenantRows(
  on: Database,
  importId: string,
): Promise<readonly { line: number; key: string; resource: TenantResource }[]> {
  return on.sql<{ line: number; key: string; resource: TenantResource }>`
    select line, external_id as key, resource from import_row
    where import_id = ${importId} and resource_type = 'tenant' and outcome is null order by line`;
}
