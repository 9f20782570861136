import type { Caller } from '@sentral/contracts/contract';
import type { Asked } from '../http/mount.js';

/**
 * The caller, seeing the hosts of the platform too when it may read nodes: what is dedicated to nobody is the platform's, and where
 * something could lie is told of what is seen. By a right to an environment alone, a tenant's own hosts are.
 */
export function seeingHosts({ caller, access }: Pick<Asked, 'caller' | 'access'>): Caller {
  const { readScope } = caller;
  if ('all' in readScope || !('all' in access.readScope('inventory.node.read'))) return caller;
  return { ...caller, readScope: { ...readScope, platform: true } };
}
