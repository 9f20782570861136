import { problem } from '@sentral/contracts/problem';
import { developmentIssuerUrl, developmentSubject } from './development-issuer.js';
import type { Principal } from './authenticate.js';

/**
 * Until tenancy knows principals and bindings, exactly one may do anything: the development issuer's subject. Whoever else holds a valid token is known, and may do nothing.
 * @throws Problem permission-denied with `missingPermission`
 */
export function authorize(principal: Principal, permission: string): void {
  if (principal.issuer === developmentIssuerUrl && principal.subject === developmentSubject) return;
  throw problem('permission-denied', { missingPermission: permission, scope: 'platform' });
}
