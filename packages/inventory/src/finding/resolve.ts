import type { Caller } from '@sentral/contracts/contract';
import type { Finding } from '@sentral/contracts/inventory/finding';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { decide } from './decide.js';

/**
 * Ends a finding by hand.
 * @throws Problem not-found, version-mismatch, state-conflict
 */
export const resolveFinding = (deps: Deps, caller: Caller, asked: Command<'finding', 'resolve'>): Promise<Finding> =>
  decide(deps, caller, {
    asked,
    to: 'resolved',
    from: ['suspect', 'open', 'repairing', 'accepted'],
    what: 'finding.resolved',
  });
