import { reachOf, type Permission } from '@sentral/contracts/access';
import { platformScopeId, type Caller } from '@sentral/contracts/contract';
import type { Prefix } from '@sentral/contracts/ids';
import { isProblem } from '@sentral/contracts/problem';
import type { Contexts } from '../routes/world.js';
import type { Asked } from './mount.js';

/** Looks up what ids name, as far as the caller may see it. */
export type Expand = (asked: Asked, ids: readonly string[]) => Promise<ReadonlyMap<string, object>>;

interface Finder {
  readonly permission: Permission;
  find(contexts: Contexts, caller: Caller, command: { id: never }): Promise<object>;
}

const finders: { readonly [P in Prefix]?: Finder } = {
  tnt: { permission: 'tenancy.tenant.read', find: ({ tenancy }, ...of) => tenancy.scope.get(...of) },
  prj: { permission: 'tenancy.project.read', find: ({ tenancy }, ...of) => tenancy.scope.get(...of) },
  env: { permission: 'tenancy.environment.read', find: ({ tenancy }, ...of) => tenancy.scope.get(...of) },
  nod: { permission: 'inventory.node.read', find: ({ inventory }, ...of) => inventory.node.get(...of) },
  spc: { permission: 'inventory.addressSpace.read', find: ({ inventory }, ...of) => inventory.addressSpace.get(...of) },
  blk: { permission: 'inventory.addressBlock.read', find: ({ inventory }, ...of) => inventory.addressBlock.get(...of) },
  ndm: { permission: 'inventory.numberDomain.read', find: ({ inventory }, ...of) => inventory.numberDomain.get(...of) },
};

/** How many look-ups of one request run at once: a wide page must not take the pool from everyone else. */
const atOnceMax = 8;

export function createExpand(contexts: Contexts): Expand {
  return async (asked, ids) => {
    const found = new Map<string, object>();
    const left = [...new Set(ids)];
    const work = async (): Promise<void> => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) {
        const shown = await lookUp(contexts, asked, id);
        if (shown !== undefined) found.set(id, shown);
      }
    };
    await Promise.all(Array.from({ length: atOnceMax }, work));
    return found;
  };
}

/** One resource with the caller's eyes for its type alone; what may not be seen is as absent as what is not there. */
async function lookUp(contexts: Contexts, { access, caller }: Asked, id: string): Promise<object | undefined> {
  const finder = finders[id.slice(0, 3) as Prefix];
  if (finder === undefined) throw new TypeError(`nobody knows how to look up ${id.slice(0, 3)}_…`);
  const { permission } = finder;
  if (reachOf(permission) === 'platform' && !(await access.mayOn(permission, platformScopeId))) return undefined;
  try {
    return await finder.find(contexts, { ...caller, readScope: access.readScope(permission) }, { id: id as never });
  } catch (error) {
    if (isProblem(error, 'not-found') || isProblem(error, 'permission-denied')) return undefined;
    throw error;
  }
}
