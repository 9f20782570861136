// What every changing verb does. Prevents: a change that answers a repeated key with a second effect, an edit based on an
// old version, and a feed row that says less than the one beside it.
import type { Caller } from '@sentral/contracts/contract';
import { encodeId, type Prefix } from '@sentral/contracts/ids';
import { problem, type Problem } from '@sentral/contracts/problem';
import type { Database, Tx } from './database.js';
import { toProblem } from './errors.js';
import { record } from './feed.js';
import { idempotent } from './idempotency.js';
import { quoteName } from './tables.js';
import { inTransaction, type TransactionOptions } from './transaction.js';

/** Turns what the database said into a refusal of the contract, by the name of the constraint. */
export type Constraints = Readonly<Record<string, (error: unknown) => Problem>>;

/** A verb's change in one transaction: once per key of the caller, judged to the end and undone on a dry run. */
export function inChange<R extends object>(
  db: Database,
  schema: string,
  {
    caller,
    constraints,
    work,
    settings = {},
  }: {
    caller: Caller;
    constraints: Constraints;
    work: (tx: Tx) => Promise<R>;
    settings?: NonNullable<TransactionOptions['settings']>;
  },
): Promise<R> {
  const changed = inTransaction(db, (tx) => once(tx, schema, { caller, work: () => work(tx) }), {
    rollback: caller.dryRun === true,
    settings,
  });
  return judged(changed, constraints);
}

/** Does the work once per key of the caller; a repeated key gets the stored answer, marked. A dry run has no key. */
async function once<R extends object>(
  tx: Tx,
  schema: string,
  { caller, work }: { caller: Caller; work: () => Promise<R> },
): Promise<R> {
  if (caller.idempotency === undefined || caller.dryRun === true) return work();
  const { result, replayed } = await idempotent(tx, schema, caller.idempotency, work);
  return replayed ? { ...result, replayed: true as const } : result;
}

/** Turns what the database said into the refusal that the constraint's name stands for; anything else is thrown on as it is. */
export async function judged<R>(outcome: Promise<R>, constraints: Constraints): Promise<R> {
  try {
    return await outcome;
  } catch (error) {
    throw toProblem(error, constraints) ?? error;
  }
}

export interface Versioned {
  readonly prefix: Prefix | 'platform';
  readonly id: string;
  readonly version: number;
}

/**
 * Holds a change to the version that it was based on; asked under the row's lock, so nothing passes in between.
 * @throws Problem version-mismatch
 */
export async function expectVersion(
  tx: Tx,
  schema: string,
  { current, provided }: { current: Versioned; provided: number | undefined },
): Promise<void> {
  if (provided === undefined || provided === current.version) return;
  const changedFields = await changedSince(tx, schema, { current, provided });
  throw problem(
    'version-mismatch',
    {
      resourceId: current.prefix === 'platform' ? 'platform' : encodeId(current.prefix, current.id),
      currentVersion: current.version,
      providedVersion: provided,
      ...(changedFields === undefined ? {} : { changedFields }),
    },
    'Read it again, then decide.',
  );
}

type Audit = { before?: Record<string, unknown> | null; after?: Record<string, unknown> | null };

/** The pointers that the feed saw change between the two versions; undefined when rows of it are gone. */
async function changedSince(
  tx: Tx,
  schema: string,
  { current, provided }: { current: Versioned; provided: number },
): Promise<readonly string[] | undefined> {
  if (provided < 1 || provided > current.version) return undefined;
  const rows = (await tx.unsafe(
    `select audit from ${quoteName(schema)}.feed where resource_id = $1 and resource_version > $2 and resource_version <= $3`,
    [current.id, provided, current.version],
  )) as unknown as readonly { audit: Audit | null }[];
  if (rows.length !== current.version - provided) return undefined;
  const changed = rows.flatMap(({ audit }) => changedKeys(audit?.before ?? {}, audit?.after ?? {}));
  return [...new Set(changed)].toSorted().map((key) => `/${key}`);
}

const moving = new Set(['version', 'updatedAt', 'fence', 'useVersion', 'observedAt']);

/** The top-level fields in which two states of a resource differ, besides those that every change moves. */
export function changedKeys(before: Record<string, unknown>, after: Record<string, unknown>): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => !moving.has(key) && JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
}

/** One change of one resource, as it goes to the feed: public event and audit part. */
export interface Change {
  /** `node.registered`: the noun and what became of it. */
  readonly what: `${string}.${string}`;
  /** The noun of the resource where it is not the event's. */
  readonly noun?: string;
  readonly id: string;
  readonly version: number;
  readonly before?: object | null;
  readonly after: object | null;
  /** The public event where it says more than the resource as it is now. */
  readonly event?: object;
  /** Policies that would have refused it, had they been enforced: for the record. */
  readonly auditOnly?: readonly object[];
  /** What the caller said of why. */
  readonly reason?: string;
  /** Uuids of the scopes that the resource lies in. */
  readonly scope?: { readonly tenantId?: string; readonly projectId?: string; readonly environmentId?: string };
}

/** Writes the feed rows of changes, in their transaction. The first one is what the caller asked for, the others follow from it. */
export async function recordChanges(
  tx: Tx,
  schema: string,
  { caller, changes }: { caller: Caller; changes: readonly Change[] },
): Promise<void> {
  if (changes.length === 0) return;
  await record(
    tx,
    schema,
    changes.map((change) => feedEvent(schema, caller, change)),
  );
}

/** The feed row of one change; who writes many at once hands these to `record`. */
export function feedEvent(schema: string, caller: Caller, change: Change) {
  const { what, id, version, before, after, scope } = change;
  const noun = change.noun ?? what.slice(0, what.indexOf('.'));
  const { id: actor, type, tokenId } = caller.principal;
  return {
    type: `${schema}.${what}`,
    resource: { type: `${schema}.${noun}`, id, version },
    ...(scope === undefined ? {} : { scope }),
    event: change.event ?? after ?? before ?? {},
    audit: {
      principal: { id: actor, type },
      ...(tokenId === undefined ? {} : { credentialId: tokenId }),
      accessEpoch: caller.accessEpoch,
      before: before ?? null,
      after,
      ...(change.auditOnly === undefined ? {} : { auditOnly: change.auditOnly }),
      ...(change.reason === undefined ? {} : { reason: change.reason }),
      ...(caller.request === undefined ? {} : { request: caller.request }),
    },
    ...(caller.traceparent === undefined ? {} : { traceparent: caller.traceparent }),
  };
}
