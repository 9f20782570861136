import { encodeId, type Prefix } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';

export interface Versioned {
  readonly prefix: Prefix;
  readonly id: string;
  readonly version: number;
}

/**
 * Holds a change to the version that it was based on; asked under the row's lock, so nothing passes in between.
 * @throws Problem version-mismatch
 */
export async function expectVersion(tx: Tx, current: Versioned, provided: number | undefined): Promise<void> {
  if (provided === undefined || provided === current.version) return;
  const changedFields = await changedSince(tx, current, provided);
  throw problem(
    'version-mismatch',
    {
      resourceId: encodeId(current.prefix, current.id),
      currentVersion: current.version,
      providedVersion: provided,
      ...(changedFields === undefined ? {} : { changedFields }),
    },
    'Read it again, then decide.',
  );
}

type Audit = { before?: Record<string, unknown> | null; after?: Record<string, unknown> | null };

/** The pointers that the feed saw change between the two versions; undefined when rows of it are gone. */
async function changedSince(tx: Tx, current: Versioned, provided: number): Promise<readonly string[] | undefined> {
  if (provided < 1 || provided > current.version) return undefined;
  const rows = await tx.sql<{ audit: Audit | null }>`
    select audit from feed
    where resource_id = ${current.id} and resource_version > ${provided} and resource_version <= ${current.version}`;
  if (rows.length !== current.version - provided) return undefined;
  const changed = rows.flatMap(({ audit }) => changedKeys(audit?.before ?? {}, audit?.after ?? {}));
  return [...new Set(changed)].toSorted().map((key) => `/${key}`);
}

const moving = new Set(['version', 'updatedAt', 'fence', 'useVersion']);

/** The top-level fields in which two states of a resource differ, besides those that every change moves. */
export function changedKeys(before: Record<string, unknown>, after: Record<string, unknown>): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => !moving.has(key) && JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
}
