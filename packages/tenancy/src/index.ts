import { checked, type CheckedOptions, type Implements } from '@sentral/contracts/contract';
import { tenancy } from '@sentral/contracts/tenancy';
import type { Deps } from './deps.js';
import { pageFeed } from './feed/page.js';
import { listInvariants } from './invariant/list.js';
import { getScope } from './scope/get.js';
import { pageScopes } from './scope/page.js';
import { pathOfScope } from './scope/path.js';

export type { Deps } from './deps.js';
export type Tenancy = Implements<typeof tenancy>;

/** The tenancy context: who exists and where they belong. */
export function createTenancy(deps: Deps, options: CheckedOptions = {}): Tenancy {
  return checked(
    tenancy,
    {
      scope: {
        get: (caller, command) => getScope(deps, caller, command),
        path: (caller, command) => pathOfScope(deps, caller, command),
        page: (caller, command) => pageScopes(deps, caller, command),
      },
      feed: { page: (caller, command) => pageFeed(deps, caller, command) },
      invariant: { list: (caller) => listInvariants(deps, caller) },
    },
    options,
  );
}
