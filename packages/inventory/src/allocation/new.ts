import { triedHoldSeconds } from '@sentral/contracts/inventory/allocation';
import type { Scope } from './end.js';
import type { Create, Reserve } from './operation.js';
import type { Judgement } from './policy.js';
import type { NewAllocation } from './sql.js';

/** The row that a create makes: from now on, unless it is told a window. */
export function newAllocation(
  { id, requestId, command }: Create,
  { tenantId, projectId, scopeId }: Scope,
  { policyVersion }: Judgement,
): NewAllocation {
  const { ttlSeconds, maxTtlSeconds } = lastingOf(command);
  return {
    id,
    tenantId,
    projectId,
    scopeId,
    requestId,
    consumerService: command.consumer.service,
    consumerKind: command.consumer.kind,
    consumerId: command.consumer.id,
    ttlSeconds: ttlSeconds ?? null,
    maxTtlSeconds: ttlSeconds === undefined ? null : Math.max(maxTtlSeconds ?? 0, ttlSeconds),
    onExpiry: command.onExpiry,
    startsAt: null,
    endsAt: null,
    noticeSeconds: command.noticeSeconds ?? null,
    labels: command.labels,
    policyVersion,
  };
}

/** What was tried and is kept is as it was asked for, for a minute: to be confirmed, or renewed as far as it might have lasted. */
function lastingOf({ hold, ttlSeconds, maxTtlSeconds }: Reserve): Pick<Reserve, 'ttlSeconds' | 'maxTtlSeconds'> {
  if (hold !== true) return { ttlSeconds, maxTtlSeconds };
  return {
    ttlSeconds: Math.min(ttlSeconds ?? triedHoldSeconds, triedHoldSeconds),
    maxTtlSeconds: Math.max(ttlSeconds ?? 0, maxTtlSeconds ?? 0),
  };
}
