import { canonicalJson } from '../canonical-json.js';
import type { AuditRecord } from './record.js';

// Records in the words of the Open Cybersecurity Schema Framework, https://schema.ocsf.io/1.3.0: the classes API Activity (6003), Account Change
// (3001) and Authentication (3002). The record itself, as its leaf is the hash of it, is `raw_data`: nothing is lost on the way.

export const ocsfVersion = '1.3.0';

type Fields = Readonly<Record<string, unknown>>;
type User = Readonly<Record<string, string | number>>;

const apiActivity = {
  class_uid: 6003,
  class_name: 'API Activity',
  category_uid: 6,
  category_name: 'Application Activity',
};
const accountChange = {
  class_uid: 3001,
  class_name: 'Account Change',
  category_uid: 3,
  category_name: 'Identity & Access Management',
};
const authentication = { ...accountChange, class_uid: 3002, class_name: 'Authentication' };

interface Classified {
  readonly of: typeof apiActivity;
  readonly activity: readonly [id: number, name: string];
  readonly more: Fields;
}

/** Where a request came from is sealed beside the record, and stays there. */
const undisclosed = { name: 'undisclosed' };

/** One record as an OCSF event. */
export function toOcsf(record: AuditRecord): Fields {
  const { of, activity, more } = classified(record);
  const [activity_id, activity_name] = activity;
  const { problem, request, scope } = record;
  return known({
    ...of,
    activity_id,
    activity_name,
    type_uid: of.class_uid * 100 + activity_id,
    type_name: `${of.class_name}: ${activity_name}`,
    ...severityOf(record),
    ...statusOf(record),
    status_code: problem?.code,
    status_detail: problem?.code,
    time: Date.parse(record.occurredAt),
    count: record.count,
    message: `${record.action} by ${record.actor.type} ${record.actor.id}: ${record.outcome}`,
    metadata: known({
      version: ocsfVersion,
      product: { name: 'Sentral', vendor_name: 'Dataverket' },
      uid: record.id,
      log_name: record.log,
      sequence: record.seq,
      event_code: record.action,
      logged_time: Date.parse(record.recordedAt),
      original_time: record.occurredAt,
      correlation_uid: request.id,
      tenant_uid: scope.tenantId,
    }),
    actor: { user: userOf(record.actor) },
    src_endpoint: undisclosed,
    ...more,
    unmapped: known({
      class: record.class,
      scope,
      authorization: record.authorization,
      changed: record.change?.changed,
      reason: record.reason,
      trace_uid: request.traceId,
    }),
    raw_data: canonicalJson(record),
  });
}

function classified(record: AuditRecord): Classified {
  if (record.class === 'authn')
    return {
      of: authentication,
      activity: [1, 'Logon'],
      more: { user: userOf(record.actor), service: { name: 'Sentral' }, is_remote: true },
    };
  const account = record.class === 'change' ? accountOf(record) : undefined;
  if (account !== undefined) return account;
  const { resource, request } = record;
  return {
    of: apiActivity,
    activity: crudOf(record),
    more: known({
      api: known({
        operation: request.operation ?? record.action,
        service: { name: 'Sentral' },
        request: request.id === undefined ? undefined : { uid: request.id },
      }),
      resources: resource === undefined ? undefined : [resourceOf(resource)],
    }),
  };
}

const accountVerbs: Readonly<Record<string, Classified['activity']>> = {
  'tenancy.user.registered': [1, 'Create'],
  'tenancy.user.enabled': [2, 'Enable'],
  'tenancy.user.disabled': [5, 'Disable'],
  'tenancy.user.erased': [6, 'Delete'],
  'tenancy.serviceAccount.created': [1, 'Create'],
  'tenancy.serviceAccount.removed': [6, 'Delete'],
  'tenancy.serviceAccount.purged': [6, 'Delete'],
  'tenancy.roleBinding.created': [7, 'Attach Policy'],
  'tenancy.roleBinding.glassBroken': [7, 'Attach Policy'],
  'tenancy.roleBinding.removed': [8, 'Detach Policy'],
};

/** A change of who somebody is or what it may: of an account, where the record says of which. */
function accountOf(record: AuditRecord): Classified | undefined {
  const { resource, action } = record;
  if (resource === undefined || !/^tenancy\.(user|serviceAccount|token|roleBinding)$/.test(resource.type))
    return undefined;
  const state = { ...asFields(record.change?.before), ...asFields(record.change?.after) };
  const subject = asFields(state['subject']);
  const uid =
    resource.type === 'tenancy.token'
      ? state['serviceAccountId']
      : resource.type === 'tenancy.roleBinding'
        ? (subject['id'] ?? subject['name'])
        : resource.id;
  if (typeof uid !== 'string') return undefined;
  const binding = resource.type === 'tenancy.roleBinding';
  return {
    of: accountChange,
    activity: accountVerbs[action] ?? [99, action.slice(action.lastIndexOf('.') + 1)],
    more: known({
      user: userOf({ id: uid, type: uid.startsWith('sac_') ? 'serviceAccount' : String(subject['type'] ?? 'user') }),
      policy: binding ? known({ uid: resource.id, name: state['role'] }) : undefined,
    }),
  };
}

const userTypes: Readonly<Record<string, readonly [number, string]>> = { user: [1, 'User'], system: [3, 'System'] };

function userOf({ id, type, credentialId }: { id: string; type: string; credentialId?: string | undefined }): User {
  const [type_id, name] = userTypes[type] ?? [99, type];
  return { uid: id, type_id, type: name, ...(credentialId === undefined ? {} : { credential_uid: credentialId }) };
}

const resourceOf = ({ type, id, version }: NonNullable<AuditRecord['resource']>): Fields =>
  known({ type, uid: id, version: version === undefined ? undefined : String(version) });

const crud: readonly (readonly [RegExp, Classified['activity']])[] = [
  [/^(get|list|read|explain|check|search)|\.(read)$/, [2, 'Read']],
  [/^(create|register|begin)|\.(created|registered|set|asked|held|opened|granted|imported)$/, [1, 'Create']],
  [
    /^(delete|remove|retire|release|end|purge)|\.(deleted|removed|retired|released|ended|purged|expired|dropped|erased)$/,
    [4, 'Delete'],
  ],
];

function crudOf({ class: of, action, request }: AuditRecord): Classified['activity'] {
  if (of === 'read') return [2, 'Read'];
  // What was refused is named by its operation, a change by what became of the thing.
  const word = of === 'change' ? action : (request.operation ?? action);
  return crud.find(([pattern]) => pattern.test(word))?.[1] ?? [3, 'Update'];
}

function severityOf({ class: of, outcome }: AuditRecord): Fields {
  if (of === 'integrity') return { severity_id: 5, severity: 'Critical' };
  if (outcome === 'success') return { severity_id: 1, severity: 'Informational' };
  return { severity_id: 2, severity: 'Low' };
}

function statusOf({ outcome }: AuditRecord): Fields {
  if (outcome === 'success') return { status_id: 1, status: 'Success' };
  return outcome === 'unknown' ? { status_id: 0, status: 'Unknown' } : { status_id: 2, status: 'Failure' };
}

const asFields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});

const known = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
