import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { seesAllocation } from './reading.js';

/** The allocation that has a host or a number, if one has, and until when. */
export interface Holder {
  readonly allocationId: string | null;
  readonly tenantId: string | null;
  readonly projectId: string | null;
  readonly scopeId: string | null;
  readonly freeAt: Date | null;
}

/** Who has it, for a refusal: named only to who sees the allocation; until when, to everyone who asked for it. */
export function heldBy(caller: Caller, holder: Holder | undefined): { allocationId?: string; expiresAt?: string } {
  if (holder === undefined) return {};
  const { allocationId, tenantId, projectId, scopeId, freeAt } = holder;
  const seen = tenantId !== null && scopeId !== null && seesAllocation(caller, { tenantId, projectId, scopeId });
  return {
    ...(allocationId !== null && seen ? { allocationId: encodeId('alc', allocationId) } : {}),
    ...(freeAt === null ? {} : { expiresAt: freeAt.toISOString() }),
  };
}
