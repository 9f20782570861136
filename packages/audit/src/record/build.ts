import { platformScopeId, platformScopeUuid } from '@sentral/contracts/contract';
import { canonicalJson } from '@sentral/contracts/canonical-json';
import { decodeId, encodeId, isId, parseId, prefixes } from '@sentral/contracts/ids';
import type { FeedItem } from '@sentral/contracts/shared-verbs';
import { changedKeys } from '@sentral/kernel/change';
import { createHash } from 'node:crypto';

/** Where a record stands: its log, and its place in it. */
export interface Place {
  readonly logId: string;
  readonly seq: number;
  readonly recordedAt: string;
}

/** What a log holds of one change; the leaf is the hash of its canonical JSON, so a field that is not known is left out. */
export interface AuditRecord {
  readonly id: string;
  readonly log: string;
  readonly seq: number;
  readonly schema: 1;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly class: 'change';
  /** `<context>.<noun>.<past participle>`: what happened. */
  readonly action: string;
  readonly outcome: 'success';
  readonly policyRelevant: boolean;
  readonly actor: { readonly type: string; readonly id: string; readonly credentialId?: string };
  readonly scope: { readonly tenantId?: string; readonly projectId?: string; readonly environmentId?: string };
  readonly resource: { readonly type: string; readonly id: string; readonly version: number };
  readonly request: { readonly traceId?: string; readonly causation?: string };
  readonly authorization?: { readonly accessEpoch: number; readonly auditOnly?: readonly object[] };
  readonly change: { readonly before: unknown; readonly after: unknown; readonly changed: readonly string[] };
  readonly reason?: string;
}

/** What feed rows carry for audit (kernel `feedEvent`); the first migration of tenancy writes `actor`. */
interface AuditPart {
  readonly principal?: { readonly id: string; readonly type: string };
  readonly actor?: { readonly id: string; readonly type: string };
  readonly credentialId?: string;
  readonly accessEpoch?: number;
  readonly before?: Record<string, unknown> | null;
  readonly after?: Record<string, unknown> | null;
  readonly auditOnly?: readonly object[];
  readonly reason?: string;
}

/** Kept seven years and shown apart: who may do what, and the life of scopes (audit.md 3). */
const policyRelevant =
  /^(audit\.|tenancy\.(roleBinding|denyRule|token|serviceAccount|user|policy|policyExemption|quotaLimit|hold|scope)\.)/;

const unknownActor = { type: 'system', id: 'unknown' };

/** The record of a fact that has an audit part. It has the uuid of the fact, so that the same fact is known when it comes again. */
export function recordOf(item: FeedItem, { logId, seq, recordedAt }: Place): AuditRecord {
  const part = (item.audit ?? {}) as AuditPart;
  const { type, id } = part.principal ?? part.actor ?? unknownActor;
  const { before = null, after = null, accessEpoch } = part;
  return {
    id: encodeId('aud', decodeId('evt', item.id)),
    log: encodeId('log', logId),
    seq,
    schema: 1,
    occurredAt: item.recordedAt,
    recordedAt,
    class: 'change',
    action: item.type,
    outcome: 'success',
    policyRelevant: policyRelevant.test(item.type),
    actor: { type, id, ...(part.credentialId === undefined ? {} : { credentialId: part.credentialId }) },
    scope: {
      ...(item.tenantId === undefined ? {} : { tenantId: item.tenantId }),
      ...(item.projectId === undefined ? {} : { projectId: item.projectId }),
      ...(item.environmentId === undefined ? {} : { environmentId: item.environmentId }),
    },
    resource: item.resource,
    request: {
      ...(item.traceparent === undefined ? {} : { traceId: item.traceparent.slice(3, 35) }),
      ...(item.causation === undefined ? {} : { causation: item.causation }),
    },
    ...(accessEpoch === undefined
      ? {}
      : {
          authorization: {
            accessEpoch,
            ...(part.auditOnly === undefined ? {} : { auditOnly: part.auditOnly }),
          },
        }),
    change: {
      before: bounded(before),
      after: bounded(after),
      changed:
        before === null || after === null
          ? []
          : changedKeys(before, after)
              .toSorted()
              .map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
    },
    ...(part.reason === undefined ? {} : { reason: part.reason }),
  };
}

const stateBytesMax = 32 * 1024;

/** A state of more than 32 KiB stands as its digest and size. */
function bounded(state: object | null): unknown {
  if (state === null) return null;
  const bytes = Buffer.from(canonicalJson(state));
  if (bytes.length <= stateBytesMax) return state;
  return { sha256: createHash('sha256').update(bytes).digest('base64url'), bytes: bytes.length };
}

const uuidShape = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The uuid of an id on the wire, of whatever kind; null for a name that is none, such as that of a loop. */
export function uuidOf(id: string | undefined): string | null {
  if (id === undefined) return null;
  if (id === platformScopeId) return platformScopeUuid;
  if (uuidShape.test(id)) return id;
  const prefix = id.slice(0, 3);
  return Object.hasOwn(prefixes, prefix) && isId(prefix as keyof typeof prefixes, id) ? parseId(id).uuid : null;
}

/** The columns that a record is found by: all of them are read out of it, so that whoever verifies it can compare them. */
export function columnsOf(record: AuditRecord) {
  return {
    id: uuidOf(record.id),
    log_id: uuidOf(record.log),
    seq: record.seq,
    class: record.class,
    action: record.action,
    outcome: record.outcome,
    policy_relevant: record.policyRelevant,
    actor_id: uuidOf(record.actor.id),
    tenant_id: uuidOf(record.scope.tenantId),
    project_id: uuidOf(record.scope.projectId),
    environment_id: uuidOf(record.scope.environmentId),
    resource_type: record.resource.type,
    resource_id: uuidOf(record.resource.id),
    resource_version: record.resource.version,
    recorded_at: record.recordedAt,
  };
}
