import type { Sealed } from '@sentral/contracts/audit-seal';
import type { AuditRecord } from '@sentral/contracts/audit/record';
import { canonicalJson } from '@sentral/contracts/canonical-json';
import { platformScopeId, platformScopeUuid, type Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId, isId, parseId, prefixes, type Id } from '@sentral/contracts/ids';
import type { FeedItem } from '@sentral/contracts/shared-verbs';
import type { Box } from './sql.js';
import { changedKeys } from '@sentral/kernel/change';
import { createHash } from 'node:crypto';
import { nobody } from '../subject/keys.js';

/** Where a record stands: its log, and its place in it. */
export interface Place {
  readonly logId: string;
  readonly seq: number;
  readonly recordedAt: string;
  /** It is the first record of a request that had effects. */
  readonly primary: boolean;
}

/** What feed rows carry for audit (kernel `feedEvent`); the first migration of tenancy writes `actor`. */
export interface AuditPart {
  readonly principal?: { readonly id: string; readonly type: string };
  readonly actor?: { readonly id: string; readonly type: string };
  readonly credentialId?: string;
  readonly accessEpoch?: number;
  readonly before?: Record<string, unknown> | null;
  readonly after?: Record<string, unknown> | null;
  readonly auditOnly?: Record<string, unknown>[];
  readonly reason?: string;
  readonly request?: Caller['request'];
  /** What before and after say of the person whom the resource is. */
  readonly personal?: Sealed;
  /** What was asked for without becoming a change (`request/report.ts`). */
  readonly asked?: Asked;
}

/** A request that changed nothing: refused, failed, or a read that is kept. */
export interface Asked {
  readonly class: 'access_denied' | 'authn' | 'read' | 'change' | 'integrity';
  /** What was done, where no operation of the API was asked for. */
  readonly action?: string;
  readonly outcome: AuditRecord['outcome'];
  readonly resource?: { readonly type: string; readonly id?: string };
  readonly problem?: { readonly code: string; readonly status: number };
  readonly deniedBy?: string;
  readonly count?: number;
}

/** Kept seven years and shown apart: who may do what, and the life of scopes (audit.md 3). */
const policyRelevant =
  /^(audit\.|tenancy\.(roleBinding|denyRule|token|serviceAccount|user|policy|policyExemption|quotaLimit|hold|scope)\.)/;

const unknownActor = { type: 'system', id: 'unknown' };

/**
 * The record of a fact that has an audit part. It has the uuid of the fact, so that the same fact is known when it comes again. The leaf is the hash
 * of its canonical JSON, so a field that is not known is left out.
 */
export function recordOf(item: FeedItem, place: Place): AuditRecord {
  const part = (item.audit ?? {}) as AuditPart;
  const { type, id } = part.principal ?? part.actor ?? unknownActor;
  const { asked, credentialId, request } = part;
  return {
    id: encodeId('aud', decodeId('evt', item.id)),
    log: encodeId('log', place.logId),
    seq: place.seq,
    schema: 1,
    occurredAt: item.recordedAt,
    recordedAt: place.recordedAt,
    class: asked?.class ?? 'change',
    action: asked === undefined ? item.type : (request?.operation ?? asked.action ?? asked.class),
    outcome: asked?.outcome ?? 'success',
    policyRelevant: asked === undefined ? policyRelevant.test(item.type) : asked.class === 'integrity',
    actor: { type, id, ...known({ credentialId }) },
    scope: known({ tenantId: item.tenantId, projectId: item.projectId, environmentId: item.environmentId }),
    ...known({ resource: asked === undefined ? item.resource : asked.resource }),
    request: known({
      id: request?.id as Id<'req'> | undefined,
      operation: request?.operation,
      idempotencyKeyHash: request?.idempotencyKeyHash,
      traceId: item.traceparent?.slice(3, 35),
      causation: item.causation,
      primary: place.primary ? (true as const) : undefined,
    }),
    ...known({
      authorization: authorizationOf(part),
      change: asked === undefined ? changeOf(part) : undefined,
      problem: asked?.problem,
      count: asked?.count,
      reason: part.reason ?? request?.reason,
      sealed: commitments(item),
    }),
  };
}

/** What a fact says of persons, sealed as it came: each part with the one whom it is about. */
export function partsOf(item: FeedItem): readonly { of: Box['of']; subject: string; sealed: Sealed }[] {
  const { principal, request, personal } = (item.audit ?? {}) as AuditPart;
  const part = (of: Box['of'], id: string | undefined, sealed: Sealed | undefined) =>
    sealed === undefined ? [] : [{ of, subject: uuidOf(id) ?? nobody, sealed }];
  return [...part('actor', principal?.id, request?.sealed), ...part('resource', item.resource.id, personal)];
}

function commitments(item: FeedItem): AuditRecord['sealed'] {
  const parts = partsOf(item).map(({ of, sealed }) => ({ of, alg: 'hmac-sha256' as const, digest: sealed.digest }));
  return parts.length === 0 ? undefined : parts;
}

/** Why it was allowed, or not; nothing where nobody was asked, as for what Sentral does by itself. */
function authorizationOf({ accessEpoch, auditOnly, asked, request }: AuditPart): AuditRecord['authorization'] {
  if (accessEpoch === undefined) return undefined;
  const decision = asked?.class === 'access_denied' ? 'deny' : 'allow';
  return known({
    accessEpoch,
    permission: request?.permission,
    decision: request?.permission === undefined ? undefined : decision,
    via: request?.via,
    deniedBy: asked?.deniedBy,
    policyVersion: request?.policyVersion,
    auditOnly,
  });
}

function changeOf({ before = null, after = null }: AuditPart): AuditRecord['change'] {
  const changed =
    before === null || after === null
      ? []
      : changedKeys(before, after)
          .toSorted()
          .map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  return { before: bounded(before), after: bounded(after), changed };
}

type Known<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that are not known. */
const known = <T extends object>(fields: T): Known<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Known<T>;

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
    resource_type: record.resource?.type ?? null,
    resource_id: uuidOf(record.resource?.id),
    resource_version: record.resource?.version ?? null,
    request_id: uuidOf(record.request.id),
    recorded_at: record.recordedAt,
  };
}
