import { decide, reachOf, visibleScopes, type Permission, type ScopeRef } from '@sentral/contracts/access';
import { platformScopeId, type Caller, type ReadScope, type ScopeRow } from '@sentral/contracts/contract';
import { prefixes, type Prefix } from '@sentral/contracts/ids';
import { isPermission } from '@sentral/contracts/permissions';
import { problem, type Problem } from '@sentral/contracts/problem';
import type { RouteDef } from '@sentral/contracts/route';
import { platform, type Lineage, type ScopeId } from './lineage.js';
import type { Locate } from './locate.js';
import type { Session } from './sessions.js';

/** What a request names of where it wants to act. */
export interface Target {
  readonly id: string | undefined;
  readonly scope: string | undefined;
}

/** What the caller may do, to be asked again by a handler that composes an answer out of parts. */
export interface Access {
  /** On the scope that the route was authorized on. */
  may(permission: Permission): boolean;
  mayOn(permission: Permission, scopeId: ScopeId): Promise<boolean>;
  readScope(permission: Permission): ReadScope;
}

export interface Authorized {
  readonly readScope: ReadScope;
  /** The path of the scope that is acted in, as tenancy has it now; empty for reads. */
  readonly scopes: readonly ScopeRow[];
  readonly access: Access;
  /** Where it was decided, the platform first. */
  readonly chain: readonly ScopeRef[];
  /** The binding that let the request through; absent where the answer only shows what the caller may see. */
  readonly via?: string;
}

interface Use {
  readonly lineage: Lineage;
  readonly locate: Locate;
}

/**
 * Decides whether the caller may call this route on what it names. What it may not read does not exist for it: a missing
 * id and a foreign one come back as the same `not-found`.
 * @throws Problem not-found | permission-denied
 */
export async function authorize(
  use: Use,
  session: Session,
  asked: { def: RouteDef; target: Target },
): Promise<Authorized> {
  const { def, target } = asked;
  const { permission } = def;
  if (permission === null) return allowed(use, session, { chain: [platform], readScope: nothing, scopes: [] });
  const reading = readPermissionOf(permission);
  const readScope = visibleScopes(session.snapshot, reading);
  switch (placeOf(def)) {
    case 'platform': {
      const via = judge(session, permission, [platform]);
      return allowed(use, session, { chain: [platform], readScope, scopes: [], via });
    }
    case 'visible':
      return allowed(use, session, { chain: [platform], readScope, scopes: [] });
    case 'pathScope':
    case 'queryScope': {
      const id = (placeOf(def) === 'queryScope' ? target.scope : (target.id ?? platformScopeId)) as ScopeId;
      const place = await placeAt(use, id, { current: def.method !== 'GET' });
      mustSee(session, place.chain);
      const via = judge(session, permission, place.chain);
      return allowed(use, session, { ...place, readScope, via });
    }
    case 'item': {
      const id = target.id ?? '';
      // A read that needs no border crossed is left to the context: it looks with the caller's eyes anyway.
      if (def.method === 'GET' && def.path.endsWith('/:id') && reachOf(reading) === 'scope')
        return allowed(use, session, { chain: [platform], readScope, scopes: [] });
      const place = await placeAt(use, await use.locate(id), { current: def.method !== 'GET' });
      if (!decide(session.snapshot, reading, place.chain).allowed) throw missing(id);
      const via = judge(session, permission, place.chain);
      return allowed(use, session, { ...place, readScope: onlyHere(place.chain), via });
    }
  }
}

/** Where the permission of a route is checked; a route that leaves it open is a mistake that stops the start. */
export function placeOf(def: RouteDef): NonNullable<RouteDef['on']> {
  if (def.on !== undefined) return def.on;
  if (def.permission !== null && reachOf(def.permission) === 'platform') return 'platform';
  throw new TypeError(`${def.operationId} does not say where ${String(def.permission)} is checked`);
}

const nothing: ReadScope = { tenantIds: [], projectIds: [], environmentIds: [] };

/** `<context>.<noun>.read` of a permission, where there is one: what decides between 404 and 403. */
export function readPermissionOf(permission: Permission): Permission {
  // What is sealed beside a record is named in it: whoever reads the record is told that it may not read that.
  if (permission === 'audit.personal.read') return 'audit.record.read';
  const reading = `${permission.slice(0, permission.lastIndexOf('.'))}.read`;
  return isPermission(reading) ? reading : permission;
}

async function placeAt(use: Use, id: ScopeId, { current }: { current: boolean }) {
  if (!current) return { chain: await use.lineage.of(id), scopes: [] };
  const scopes = await use.lineage.rows(id);
  return { chain: scopes as readonly ScopeRef[], scopes };
}

/** Who may not read the scope is told what a missing one would be; the platform is no secret. */
function mustSee(session: Session, chain: readonly ScopeRef[]): void {
  const target = chain.at(-1);
  if (target === undefined || target.kind === 'platform') return;
  if (!decide(session.snapshot, `tenancy.${target.kind}.read`, chain).allowed) throw missing(target.id);
}

/** Which grant lets it through. */
function judge(session: Session, permission: Permission, chain: readonly ScopeRef[]): string {
  const decision = decide(session.snapshot, permission, chain);
  if (decision.allowed) return decision.grantedBy;
  const scope = chain.at(-1)?.id ?? platformScopeId;
  const mayKnow = decision.deniedBy !== undefined && decide(session.snapshot, 'tenancy.denyRule.read', chain).allowed;
  throw problem('permission-denied', {
    missingPermission: permission,
    scope,
    ...(mayKnow ? { deniedBy: decision.deniedBy } : {}),
  });
}

/** The refusal of an id that is not there, or not there for this caller: one text for both. */
export function missing(id: string): Problem {
  const prefix = id.slice(0, 3);
  return problem('not-found', {
    resourceType: Object.hasOwn(prefixes, prefix) ? prefixes[prefix as Prefix] : 'resource',
  });
}

/** Exactly the scope that was decided on: the context finds the thing there and nothing else. */
function onlyHere(chain: readonly ScopeRef[]): ReadScope {
  const target = chain.at(-1) ?? platform;
  return {
    tenantIds: target.kind === 'tenant' ? [target.id] : [],
    projectIds: target.kind === 'project' ? [target.id] : [],
    environmentIds: target.kind === 'environment' ? [target.id] : [],
    ...(target.kind === 'platform' ? { platform: true } : {}),
  };
}

function allowed(
  use: Use,
  { snapshot }: Session,
  place: { chain: readonly ScopeRef[]; readScope: ReadScope; scopes: readonly ScopeRow[]; via?: string },
): Authorized {
  return {
    ...(place.via === undefined ? {} : { via: place.via }),
    chain: place.chain,
    readScope: place.readScope,
    scopes: place.scopes,
    access: {
      may: (permission) => decide(snapshot, permission, place.chain).allowed,
      mayOn: async (permission, scopeId) => decide(snapshot, permission, await use.lineage.of(scopeId)).allowed,
      readScope: (permission) => visibleScopes(snapshot, permission),
    },
  };
}

/** Whoever asks for a public document, or has not come in. */
export const nobody: Caller = {
  principal: { id: 'anonymous', type: 'system' },
  accessEpoch: 0,
  readScope: nothing,
  scopes: [],
};

/** The caller as contexts hear of it. */
export function callerOf(session: Session, { readScope, scopes }: Authorized): Caller {
  const { id, type, groups, tokenId } = session.principal;
  return {
    principal: { id, type, ...(groups.length === 0 ? {} : { groups }), ...(tokenId === undefined ? {} : { tokenId }) },
    accessEpoch: session.snapshot.epoch,
    readScope,
    scopes: [...scopes],
  };
}

/** The scopes that a place lies in, as a record names them. */
export function scopeOf(chain: readonly ScopeRef[]): {
  tenantId?: string;
  projectId?: string;
  environmentId?: string;
} {
  const at = chain.at(-1);
  const tenantId = at?.tenantId ?? undefined;
  const project = chain.find(({ kind }) => kind === 'project')?.id;
  return {
    ...(tenantId === undefined ? {} : { tenantId }),
    ...(project === undefined ? {} : { projectId: project }),
    ...(at?.kind === 'environment' ? { environmentId: at.id } : {}),
  };
}
