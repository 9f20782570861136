import { platformScopeId } from '@sentral/contracts/contract';
import { encodeId, parseId, type Id, type Prefix } from '@sentral/contracts/ids';
import type { ResourceKind } from '@sentral/contracts/services/specs';
import { isProblem } from '@sentral/contracts/problem';
import type { Contexts } from '../routes/world.js';
import { missing } from './authorize.js';
import type { ScopeId } from './lineage.js';
import { facade } from './sessions.js';

/** The scope in which the thing with this id lies. @throws Problem not-found */
export type Locate = (id: string) => Promise<ScopeId>;

type Finder = (contexts: Contexts, id: never) => Promise<ScopeId>;

const scopeOf = ({ environmentId, projectId, tenantId }: Record<'environmentId' | 'projectId' | 'tenantId', unknown>) =>
  (environmentId ?? projectId ?? tenantId ?? platformScopeId) as ScopeId;

/** Platform resources are nodes under another name; one of another kind is not there. */
const resourceOf =
  (kind: ResourceKind): Finder =>
  async ({ inventory }, id: Id) => {
    const resource = await inventory.platformResource.get(facade, { id: encodeId('nod', parseId(id).uuid) });
    if (resource.kind !== kind) throw missing(id);
    return resource.environmentId;
  };

/** One line for every kind of thing that is named by an id of its own and lies in a scope. */
const finders: { readonly [P in Prefix]?: Finder } = {
  aud: async ({ audit }, id) => scopeOf((await audit.record.get(facade, { id })).scope as never),
  log: async ({ audit }, id) => (await audit.log.get(facade, { id })).tenantId ?? platformScopeId,
  exp: async ({ audit }, id) => (await audit.export.get(facade, { id })).scopeId,
  lgh: async ({ audit }, id) => (await audit.legalHold.get(facade, { id })).scopeId,
  alc: async ({ inventory }, id) => (await inventory.allocation.get(facade, { id })).environmentId,
  net: resourceOf('network'),
  mch: resourceOf('machine'),
  cls: resourceOf('cluster'),
  fnd: async ({ inventory }, id) => (await inventory.finding.get(facade, { id })).tenantId ?? platformScopeId,
  bkt: resourceOf('bucket'),
  tsk: async ({ task }, id) => {
    const { environmentId, projectId, tenantId } = await task.task.get(facade, { id });
    return environmentId ?? projectId ?? tenantId;
  },
  sch: async ({ task }, id) => {
    const { environmentId, projectId, tenantId } = await task.schedule.get(facade, { id });
    return environmentId ?? projectId ?? tenantId;
  },
  hol: async ({ tenancy }, id) => (await tenancy.hold.get(facade, { id })).scopeId,
  pex: async ({ tenancy }, id) => (await tenancy.exemption.get(facade, { id })).scopeId,
  qta: async ({ tenancy }, id) => (await tenancy.quota.get(facade, { id })).scopeId,
  rbd: async ({ tenancy }, id) => (await tenancy.roleBinding.get(facade, { id })).scopeId,
  dny: async ({ tenancy }, id) => (await tenancy.denyRule.get(facade, { id })).scopeId,
  sac: async ({ tenancy }, id) => (await tenancy.serviceAccount.get(facade, { id })).scopeId,
  tok: async ({ tenancy }, id) => {
    const { serviceAccountId } = await tenancy.token.get(facade, { id });
    return (await tenancy.serviceAccount.get(facade, { id: serviceAccountId })).scopeId;
  },
};

export function createLocate(contexts: Contexts): Locate {
  return async (id) => {
    const find = finders[id.slice(0, 3) as Prefix];
    if (find === undefined) throw new TypeError(`nobody knows where ${id.slice(0, 3)}_… lies`);
    try {
      return await find(contexts, id as never);
    } catch (error) {
      // What a missing id is told is what a foreign one is told, to the byte.
      throw isProblem(error, 'not-found') ? missing(id) : error;
    }
  };
}
