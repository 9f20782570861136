// Prevents: an outcome told wrongly. What PostgreSQL or the wire said becomes one of few known things here, and its text stays here.
import { isProblem, problem, type Problem } from '@sentral/contracts/problem';

/** What the database layer itself has to say; SQLSTATEs come from PostgreSQL and are read with `sqlState`. */
export type FaultCode =
  | 'COMMIT_UNKNOWN' // the connection went away while something that may have written was being committed
  | 'COMMIT_REFUSED' // COMMIT answered with another tag: nothing was written
  | 'CONNECTION_LOST' // nothing of the open transaction was written
  | 'STATEMENT_DEADLINE' // no answer in time: the socket was destroyed
  | 'TRANSACTION_DEADLINE' // the callback did not come to an end in time
  | 'TRANSACTION_ENDED' // a statement after the end, or a savepoint that does not nest
  | 'STANDBY' // every host is a standby, and a primary is wanted
  | 'REFUSED_TEXT' // begin, commit and session settings do not go through the query path
  | 'CLOSED';

export interface Fault extends Error {
  readonly code: FaultCode;
}

/** An error of the database layer with its code, and what lies under it as `cause`. */
export function fault(code: FaultCode, message: string, cause?: unknown): Fault {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code });
}

/** Drizzle wraps what the driver throws, so everything is looked for along the causes. */
function find<T>(error: unknown, look: (e: Record<string, unknown>) => T | undefined): T | undefined {
  let e = error;
  for (let depth = 0; depth < 8 && typeof e === 'object' && e !== null; depth += 1) {
    const found = look(e as Record<string, unknown>);
    if (found !== undefined) return found;
    e = (e as { cause?: unknown }).cause;
  }
  return undefined;
}

/** The SQLSTATE of an error of PostgreSQL, also through wrappers. */
export function sqlState(error: unknown): string | undefined {
  return find(error, ({ code, severity }) =>
    typeof severity === 'string' && typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined,
  );
}

/** The name of the constraint that judged, also through wrappers. */
export function constraintName(error: unknown): string | undefined {
  return find(error, (e) => (typeof e['constraint_name'] === 'string' ? e['constraint_name'] : undefined));
}

const faultCodes: ReadonlySet<string> = new Set<FaultCode>([
  'COMMIT_UNKNOWN', 'COMMIT_REFUSED', 'CONNECTION_LOST', 'STATEMENT_DEADLINE', 'TRANSACTION_DEADLINE',
  'TRANSACTION_ENDED', 'STANDBY', 'REFUSED_TEXT', 'CLOSED',
]); // prettier-ignore

/** The code of a fault of the database layer itself, also through wrappers. */
export function faultCode(error: unknown): FaultCode | undefined {
  return find(error, ({ code }) =>
    typeof code === 'string' && faultCodes.has(code) ? (code as FaultCode) : undefined,
  );
}

/** It may have been committed, or not: look up the idempotency row, never try again blindly. */
export function isCommitUnknown(error: unknown): boolean {
  return faultCode(error) === 'COMMIT_UNKNOWN';
}

/** The database said FATAL or PANIC: the session is over, whatever its socket says. */
export function isFatal(error: unknown): boolean {
  return find(error, ({ severity }) => (severity === 'FATAL' || severity === 'PANIC' ? true : undefined)) === true;
}

/** The whole transaction may be run again: it was rolled back for the sake of another, or met a standby and wrote nothing. */
export function isRetryable(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01' || state === '25006';
}

/** Retry-After of a refusal under load: short, and not the same second for everybody. */
export function retryAfterSeconds(): number {
  return 1 + Math.floor(Math.random() * 2);
}

/**
 * The problem that an error of the database means to a caller, or undefined: then it is a bug (500), told in the log only.
 * `byConstraint` names the rules of the context: a constraint is the last judge, and is known by its name.
 */
export function toProblem(
  error: unknown,
  byConstraint: Record<string, (error: unknown) => Problem>,
): Problem | undefined {
  if (isProblem(error)) return error;
  const code = faultCode(error);
  if (code !== undefined) return ofFault(code);
  const state = sqlState(error);
  if (state === undefined) return undefined;
  if (state.startsWith('23')) {
    const name = constraintName(error);
    return name !== undefined && Object.hasOwn(byConstraint, name) ? byConstraint[name]?.(error) : undefined;
  }
  // A lock or the statement took too long; a retried conflict came back every time.
  if (state === '55P03' || state === '57014' || state === '40001' || state === '40P01') return overloaded();
  // 25006: a standby. 53: no disk, no memory, no connection left. 57P and 08: the server is going away or coming.
  if (state === '25006' || /^(53|57P|08)/.test(state)) return unavailable();
  return undefined;
}

function ofFault(code: FaultCode): Problem | undefined {
  if (code === 'COMMIT_UNKNOWN') return problem('outcome-unknown');
  if (code === 'STATEMENT_DEADLINE' || code === 'TRANSACTION_DEADLINE') return overloaded();
  if (code === 'CONNECTION_LOST' || code === 'STANDBY' || code === 'CLOSED') return unavailable();
  return undefined;
}

/** The refusal of a database that has too much to do. */
export function overloaded(): Problem {
  return problem('overloaded', { dependency: 'postgresql', retryAfterSeconds: retryAfterSeconds() });
}

/** The refusal while the database is away. */
export function unavailable(): Problem {
  return problem('dependency-unavailable', { dependency: 'postgresql', retryAfterSeconds: retryAfterSeconds() });
}
