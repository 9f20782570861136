import type { Caller } from '@sentral/contracts/contract';
import type { Finding } from '@sentral/contracts/inventory/finding';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { decide } from './decide.js';

/**
 * Leaves a difference as it is.
 * @throws Problem not-found, version-mismatch, state-conflict
 */
export const acceptFinding = (deps: Deps, caller: Caller, asked: Command<'finding', 'accept'>): Promise<Finding> =>
  decide(deps, caller, { asked, to: 'accepted', from: ['suspect', 'open', 'repairing'], what: 'finding.accepted' });
