import type { Caller } from '@sentral/contracts/contract';
import type { InventoryEventName } from '@sentral/contracts/inventory-events';
import type { Tx } from '@sentral/kernel/database';
import { record } from '@sentral/kernel/feed';
import { schemaName } from './change.js';

/** One change of one resource, as it goes to the feed: public event and audit part. */
export interface Change {
  /** `node.registered`: the noun and what became of it. */
  readonly what: InventoryEventName;
  readonly id: string;
  readonly version: number;
  readonly before?: object | null;
  readonly after: object | null;
  readonly scope?: { readonly tenantId?: string; readonly projectId?: string; readonly environmentId?: string };
}

/** Writes the feed rows of changes, in their transaction. */
export async function recordChanges(tx: Tx, caller: Caller, changes: readonly Change[]): Promise<void> {
  if (changes.length === 0) return;
  await record(
    tx,
    schemaName,
    changes.map((change) => feedEvent(caller, change)),
  );
}

/** The feed row of one change; the import writes many of them at once. */
export function feedEvent(caller: Caller, { what, id, version, before, after, scope }: Change) {
  const noun = what.slice(0, what.indexOf('.'));
  return {
    type: `inventory.${what}`,
    resource: { type: `inventory.${noun}`, id, version },
    ...(scope === undefined ? {} : { scope }),
    event: after ?? before ?? {},
    audit: { principal: caller.principal, accessEpoch: caller.accessEpoch, before: before ?? null, after },
    ...(caller.traceparent === undefined ? {} : { traceparent: caller.traceparent }),
  };
}
