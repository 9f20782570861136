import type { Caller } from '@sentral/contracts/contract';
import type { InventoryEventName } from '@sentral/contracts/inventory-events';
import type { Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { itself } from '../change.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { amendStates, claimOverlong } from './clean-sql.js';
import { toNode, type NodeRow } from './row.js';
import { lockNodes } from './sql.js';

/** A node that somebody had whole and has no more. */
export interface Soiled {
  readonly nodeId: string;
  /** Its lease ran out and asked that nobody gets it before someone has looked. */
  readonly quarantine: boolean;
}

/**
 * What was given back is scrubbed, or kept out. One that failed meanwhile, or is on its way elsewhere, stays what it is. `beside`
 * are nodes that the transaction takes: all are locked at once, in the order of ids.
 */
export async function scrub(
  tx: Tx,
  caller: Caller,
  { soiled, beside = [] }: { soiled: readonly Soiled[]; beside?: readonly string[] },
): Promise<void> {
  if (soiled.length === 0) return;
  const kept = new Set(soiled.filter(({ quarantine }) => quarantine).map(({ nodeId }) => nodeId));
  const given = new Set(soiled.map(({ nodeId }) => nodeId));
  const rows = await lockNodes(tx, 'everything', [...new Set([...given, ...beside])]);
  const clean = rows.filter(({ id, state }) => state === 'available' && given.has(id));
  await become(tx, caller, { rows: clean.filter(({ id }) => kept.has(id)), state: 'quarantined' });
  await become(tx, caller, { rows: clean.filter(({ id, scrubbed }) => scrubbed && !kept.has(id)), state: 'scrubbing' });
}

const eventOf = {
  scrubbing: 'node.scrubbed',
  quarantined: 'node.quarantined',
  available: 'node.cleaned',
} as const satisfies Record<string, InventoryEventName>;

/** Locked nodes become something else, each with its fact. */
export async function become(
  tx: Tx,
  caller: Caller,
  { rows, state }: { rows: readonly NodeRow[]; state: keyof typeof eventOf },
): Promise<void> {
  if (rows.length === 0) return;
  const updatedAt = await amendStates(
    tx,
    rows.map(({ id }) => id),
    state,
  );
  await recordChanges(
    tx,
    caller,
    rows.map((row) => ({
      what: eventOf[state],
      id: row.id,
      version: row.version + 1,
      before: toNode(row),
      after: toNode({ ...row, state, version: row.version + 1, updatedAt }),
    })),
  );
}

/** How many one turn quarantines. */
const overlongMax = 50;

/** Keeps out what was not declared clean in time: its time is over, so nothing else would keep a booking off it. */
export const quarantineFew = (deps: Deps): Promise<number> =>
  inTransaction(deps.db.app, async (tx) => {
    const rows = await lockNodes(tx, 'everything', await claimOverlong(tx, overlongMax));
    await become(tx, itself, { rows, state: 'quarantined' });
    return rows.length;
  });
