import { task } from '@sentral/contracts/task';
import { checked, type CheckedOptions, type Implements } from '@sentral/contracts/contract';
import { confirmScopes } from '@sentral/kernel/scopes/news';
import type { Deps } from './deps.js';
import { pageFeed } from './feed/page.js';
import { listInvariants } from './invariant/list.js';
import { scopes } from './projection/view.js';
import { countUsage } from './usage/count.js';
import { usageNow } from './usage/now.js';

export type { Deps } from './deps.js';
export { createTaskLoops } from './loops.js';
export type Task = Implements<typeof task>;

/** The task context: so far its feed, its invariants, and what of it lives in scopes. */
export function createTask(deps: Deps, options: CheckedOptions = {}): Task {
  return checked(
    task,
    {
      feed: { page: (caller, command) => pageFeed(deps, caller, command) },
      invariant: { list: (caller) => listInvariants(deps, caller) },
      usage: {
        count: (caller, command) => countUsage(deps, caller, command),
        now: (caller, command) => usageNow(deps, caller, command),
      },
      projection: { apply: (caller) => confirmScopes(deps.db.app, scopes, caller) },
    },
    options,
  );
}
