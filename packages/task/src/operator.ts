import type { Caller } from '@sentral/contracts/contract';
import type { Permission } from '@sentral/contracts/permissions';
import { problem } from '@sentral/contracts/problem';

/**
 * Services, what they leave behind and what nobody could read are the platform's: whoever sees only scopes has no say in them.
 * @throws Problem permission-denied
 */
export function expectOperator({ readScope }: Caller, permission: Permission): void {
  if ('all' in readScope || readScope.platform === true) return;
  throw problem('permission-denied', { missingPermission: permission });
}
