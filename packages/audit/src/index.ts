import { audit } from '@sentral/contracts/audit';
import { checked, type CheckedOptions, type Implements } from '@sentral/contracts/contract';
import type { Deps } from './deps.js';
import { confirmedFeed } from './feed/confirmed.js';
import { pageFeed } from './feed/page.js';
import { listInvariants } from './invariant/list.js';

export type { Deps } from './deps.js';
export { createAuditLoops, createSigner } from './loops.js';
export type Audit = Implements<typeof audit>;

/** The audit context: what happened, in logs that only grow. */
export function createAudit(deps: Deps, options: CheckedOptions = {}): Audit {
  return checked(
    audit,
    {
      feed: {
        page: (caller, command) => pageFeed(deps, caller, command),
        confirmed: (caller, command) => confirmedFeed(deps, caller, command),
      },
      invariant: { list: (caller) => listInvariants(deps, caller) },
    },
    options,
  );
}
