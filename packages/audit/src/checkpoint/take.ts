import { formatCheckpoint, formatNoteKey, signNote } from '@sentral/contracts/audit-note';
import { lockLease, type Lease } from '@sentral/kernel/lease';
import { inTransaction } from '@sentral/kernel/transaction';
import { schemaName } from '../change.js';
import type { Deps } from '../deps.js';
import type { Signer } from './signer.js';
import { isCheckpointDue, keepCheckpoint, takeHeads } from './sql.js';

/** How a signed note leaves the trust of this database; with it the key that opens it. */
export type Emit = (checkpoint: { readonly note: string; readonly key: string }) => void;

export interface Checkpointing {
  readonly signer: Signer;
  readonly emit: Emit;
  /** How long after the last one, when something has changed. */
  readonly afterSeconds?: number;
}

/** Signs the heads of all logs as they are, when it is time: the note leaves before it is kept, so that none is kept that nobody saw. */
export async function takeCheckpoint(deps: Deps, lease: Lease, use: Checkpointing): Promise<void> {
  if (!(await isCheckpointDue(deps.db.app, use.afterSeconds ?? 10))) return;
  const heads = await inTransaction(deps.db.app, async (tx) =>
    (await lockLease(tx, schemaName, lease)) ? takeHeads(tx) : undefined,
  );
  if (heads === undefined) return;
  const { origin, size, root, at } = heads;
  const key = { name: origin, publicKey: use.signer.publicKey };
  const text = formatCheckpoint({
    origin,
    size,
    root: new Uint8Array(root),
    // Without the time, a quiet hour would be signed with the words of the one before.
    extensions: [`time ${at.toISOString()}`],
  });
  const note = await signNote(text, key, (bytes) => use.signer.sign(bytes));
  use.emit({ note, key: await formatNoteKey(key) });
  const id = deps.newId();
  await inTransaction(deps.db.app, async (tx) => {
    if (await lockLease(tx, schemaName, lease)) await keepCheckpoint(tx, { id, size, root, note });
  });
}
