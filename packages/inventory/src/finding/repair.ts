import type { Caller } from '@sentral/contracts/contract';
import type { Finding } from '@sentral/contracts/inventory/finding';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { decide } from './decide.js';

/**
 * Says that a finding is being repaired; what was seen once only is not.
 * @throws Problem not-found, version-mismatch, state-conflict
 */
export const repairFinding = (deps: Deps, caller: Caller, asked: Command<'finding', 'repair'>): Promise<Finding> =>
  decide(deps, caller, { asked, to: 'repairing', from: ['open'], what: 'finding.undertaken' });
