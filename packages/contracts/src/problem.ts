/** Where the human text of every problem lives: constant across deployments, `type` = base + code. */
export const problemTypeBase = 'https://sentral.dataverket.example/problems/';

/** The closed catalogue: every refusal that any context or the facade may give. One name per problem, unique over all contexts. */
export const problems = {
  'malformed-request': { status: 400, title: 'The request cannot be read' },
  'invalid-parameter': { status: 400, title: 'A parameter has a value that is not allowed' },
  'unsupported-filter': { status: 400, title: 'The filter is not supported' },
  'invalid-cursor': { status: 400, title: 'The cursor does not belong to this query' },
  'idempotency-key-required': { status: 400, title: 'This request needs an Idempotency-Key' },
  unauthenticated: { status: 401, title: 'Valid credentials are required' },
  'permission-denied': { status: 403, title: 'The permission is missing' },
  'not-found': { status: 404, title: 'No such resource' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'not-acceptable': { status: 406, title: 'No representation is acceptable' },
  'already-exists': { status: 409, title: 'It already exists' },
  'allocation-conflict': { status: 409, title: 'The value is already allocated' },
  'capacity-exhausted': { status: 409, title: 'Not enough is left' },
  'class-not-offered': { status: 409, title: 'The provider does not offer this resource class' },
  'dependency-blocked': { status: 409, title: 'A running task holds it and may give it back' },
  'quota-exceeded': { status: 409, title: 'The quota does not allow it' },
  'policy-violation': { status: 409, title: 'A policy does not allow it' },
  'approval-required': { status: 409, title: 'A second person must approve it' },
  'scope-not-active': { status: 409, title: 'The scope is not active' },
  'blocked-by-hold': { status: 409, title: 'A hold blocks it' },
  'fence-stale': { status: 409, title: 'The fence has moved on' },
  'lease-expired': { status: 409, title: 'The lease has expired' },
  'state-conflict': { status: 409, title: 'The state does not allow it' },
  'past-pivot': { status: 409, title: 'The task is past the point of no return' },
  'operation-in-progress': { status: 409, title: 'Another operation is changing it' },
  'has-dependents': { status: 409, title: 'Something still depends on it' },
  'cycle-detected': { status: 409, title: 'It would close a cycle' },
  'topology-violation': { status: 409, title: 'The topology does not allow it' },
  'idempotency-in-progress': { status: 409, title: 'A request with this key is being worked on' },
  'last-administrator': { status: 409, title: 'The last administrator cannot be removed' },
  'position-expired': { status: 410, title: 'The position is older than what is kept' },
  'version-mismatch': { status: 412, title: 'It has changed since it was read' },
  'content-too-large': { status: 413, title: 'The content is too large' },
  'uri-too-long': { status: 414, title: 'The address is too long' },
  'unsupported-media-type': { status: 415, title: 'The media type is not supported' },
  'validation-failed': { status: 422, title: 'The content is not valid' },
  'amount-not-allowed': { status: 422, title: 'The amount is not allowed' },
  'reference-not-found': { status: 422, title: 'Something it refers to does not exist' },
  'idempotency-key-reused': { status: 422, title: 'The key was used for another request' },
  'precondition-required': { status: 428, title: 'This request needs an If-Match' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'queue-full': { status: 429, title: 'The queue is full' },
  'header-too-large': { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'Something went wrong here' },
  'dependency-unavailable': { status: 503, title: 'Something this depends on is away' },
  overloaded: { status: 503, title: 'Too much to do at this moment' },
  timeout: { status: 504, title: 'It took too long and had no effect' },
  'outcome-unknown': { status: 504, title: 'It may have happened: ask again with the same key' },
} as const satisfies { readonly [code: string]: { readonly status: number; readonly title: string } };

export type ProblemCode = keyof typeof problems;

/** Every code, for schemas and loops. */
export const problemCodes: readonly ProblemCode[] = Object.keys(problems) as ProblemCode[];

// Facts never override what the catalogue says, whatever a caller puts into them.
const reserved = new Set(['type', 'code', 'title', 'status', 'detail']);

/** A refusal with a code of the catalogue and its facts. The one class: it is thrown, and errors want a stack. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly title: string;
  readonly detail?: string;
  readonly facts: Record<string, unknown>;

  constructor(code: ProblemCode, facts: Record<string, unknown> = {}, detail?: string) {
    const { status, title } = problems[code];
    super(detail === undefined ? `${code}: ${title}` : `${code}: ${detail}`);
    this.name = 'Problem';
    this.code = code;
    this.status = status;
    this.title = title;
    if (detail !== undefined) this.detail = detail;
    this.facts = facts;
  }

  /** The RFC 9457 document, facts as extension members. */
  toJSON(): Record<string, unknown> {
    const facts = Object.fromEntries(Object.entries(this.facts).filter(([key]) => !reserved.has(key)));
    return {
      type: problemTypeBase + this.code,
      code: this.code,
      title: this.title,
      status: this.status,
      ...(this.detail === undefined ? {} : { detail: this.detail }),
      ...facts,
    };
  }
}

/** Makes the refusal to throw: `throw problem('not-found', { resourceType: 'node' })`. */
export function problem(code: ProblemCode, facts: Record<string, unknown> = {}, detail?: string): Problem {
  return new Problem(code, facts, detail);
}

/** Tells whether text is a code of the catalogue. */
export function isProblemCode(code: unknown): code is ProblemCode {
  return typeof code === 'string' && Object.hasOwn(problems, code);
}

/** Recognises a problem by its shape, never by instanceof: two copies of this module may be loaded in one process. */
export function isProblem(error: unknown, code?: ProblemCode): error is Problem {
  if (!(error instanceof Error)) return false;
  const seen = error as Partial<Problem>;
  if (!isProblemCode(seen.code) || typeof seen.status !== 'number') return false;
  if (typeof seen.facts !== 'object' || seen.facts === null) return false;
  return code === undefined || seen.code === code;
}

/** Reads a problem from its JSON document, or undefined when it is not one of the catalogue. */
export function problemFromJson(json: unknown): Problem | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const { code, detail } = json as { code?: unknown; detail?: unknown };
  if (!isProblemCode(code)) return undefined;
  const facts = Object.fromEntries(Object.entries(json).filter(([key]) => !reserved.has(key)));
  return new Problem(code, facts, typeof detail === 'string' ? detail : undefined);
}
