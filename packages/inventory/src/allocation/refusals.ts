import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem, type Problem } from '@sentral/contracts/problem';
import { seesAllocation } from '../reading.js';
import type { NodeHolder } from './node-sql.js';
import type { HolderRow } from './number-sql.js';

/** Names who has a thing, so that the loser knows whom to ask or when to come again. */
export function taken(
  requested: Record<string, unknown>,
  value: unknown,
  holder: HolderRow | undefined,
  besides: { readonly cleanAt?: string } = {},
): Problem {
  const conflict = {
    value,
    ...besides,
    ...(holder?.allocationId == null ? {} : { allocationId: encodeId('alc', holder.allocationId) }),
    ...(holder?.consumerId == null
      ? {}
      : { consumer: { service: holder.consumerService, kind: holder.consumerKind, id: holder.consumerId } }),
    ...(holder?.startsAt == null ? {} : { startsAt: holder.startsAt.toISOString() }),
    ...(holder?.expiresAt == null ? {} : { expiresAt: holder.expiresAt.toISOString() }),
  };
  const held =
    holder?.tenantId == null ? 'It is recorded as in use or resting, and no allocation holds it.' : 'It is taken.';
  const detail =
    holder?.consumerId == null
      ? held
      : `Held by ${holder.consumerService}/${holder.consumerKind}/${holder.consumerId}${holder.expiresAt === null ? '' : ` until ${holder.expiresAt.toISOString()}`}.`;
  return problem('allocation-conflict', { requested, conflicts: [conflict], retryable: false }, detail);
}

/** Of a node it is told until when it is cleaned too, and who had it is nobody's any more. */
export function takenNode(caller: Caller, nodeId: string, holder: NodeHolder): Problem {
  const { cleanAt, cleaning } = holder;
  const until =
    cleanAt === null || cleanAt.getTime() === holder.expiresAt?.getTime() ? {} : { cleanAt: cleanAt.toISOString() };
  if (cleaning)
    return problem(
      'allocation-conflict',
      { requested: { nodeId }, conflicts: [{ value: nodeId, reason: 'cleaning', ...until }], retryable: false },
      `It is being cleaned until ${cleanAt?.toISOString() ?? 'it is declared clean'}.`,
    );
  return taken({ nodeId }, nodeId, asSeen(caller, holder), until);
}

/** A holder as the caller may know of it: that it is held and until when, and by whom within what the caller sees. */
export function asSeen<H extends HolderRow>(caller: Caller, holder: H | undefined): H | undefined {
  if (holder === undefined) return undefined;
  const { tenantId, projectId, scopeId } = holder;
  if (tenantId === null || scopeId === null || seesAllocation(caller, { tenantId, projectId, scopeId })) return holder;
  return { ...holder, allocationId: null, consumerService: null, consumerKind: null, consumerId: null };
}

/** Nothing is left of a range, a block or "next free". */
export function exhausted(providerId: string, unit: string): Problem {
  return problem('capacity-exhausted', { providerId, unit, requested: 1, available: 0 });
}

export function unknownReference(ordinal: number, field: string, resourceType: string): Problem {
  return problem('reference-not-found', { pointer: `/items/${ordinal}/${field}`, resourceType });
}
