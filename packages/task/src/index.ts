import { task } from '@sentral/contracts/task';
import { checked, type CheckedOptions, type Implements } from '@sentral/contracts/contract';
import type { Deps } from './deps.js';
import { pageFeed } from './feed/page.js';
import { listInvariants } from './invariant/list.js';

export type { Deps } from './deps.js';
export type Task = Implements<typeof task>;

/** The task context: so far its feed and its invariants. */
export function createTask(deps: Deps, options: CheckedOptions = {}): Task {
  return checked(
    task,
    {
      feed: { page: (caller, command) => pageFeed(deps, caller, command) },
      invariant: { list: (caller) => listInvariants(deps, caller) },
    },
    options,
  );
}
