import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Subject } from '@sentral/contracts/tenancy/fields';
import type { Tx } from '@sentral/kernel/database';
import { findPrincipal } from '../user/sql.js';

type Found = { principalId: string | null; group: { issuer: string; name: string } | null };
type Asked = { tenantId: string | null; pointer: string };

/**
 * The subject of a grant that is being made: who is shut out gets none.
 * @throws Problem reference-not-found
 */
export async function findActiveSubject(tx: Tx, subject: Subject, asked: Asked): Promise<Found> {
  const found = await findSubject(tx, subject, asked);
  if (subject.type === 'group' || found.principalId === null) return found;
  const principal = await findPrincipal(tx, found.principalId, subject.type === 'user' ? 'user' : 'service');
  if (principal?.state === 'active') return found;
  throw problem('reference-not-found', { pointer: asked.pointer, resourceType: subject.type });
}

/**
 * The subject of a grant as its row has it. A service account of one tenant does not exist for another.
 * @throws Problem reference-not-found
 */
export async function findSubject(tx: Tx, subject: Subject, { tenantId, pointer }: Asked): Promise<Found> {
  if (subject.type === 'group') return { principalId: null, group: { issuer: subject.issuer, name: subject.name } };
  const kind = subject.type === 'user' ? 'user' : 'service';
  const id = decodeId(kind === 'user' ? 'usr' : 'sac', subject.id);
  const principal = await findPrincipal(tx, id, kind);
  const foreign = principal !== undefined && principal.tenantId !== null && principal.tenantId !== tenantId;
  if (principal === undefined || ['removed', 'erased'].includes(principal.state) || foreign)
    throw problem('reference-not-found', { pointer, resourceType: subject.type });
  return { principalId: id, group: null };
}
