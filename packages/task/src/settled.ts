import type { Caller } from '@sentral/contracts/contract';
import { feedEvent } from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { record } from '@sentral/kernel/feed';
import { schemaName } from './change.js';

/**
 * The one word of a person that ends a finding or a letter, for the record. Nothing is told publicly: they are the platform's, and
 * what they are about is told by its task.
 */
export async function recordSettled(
  tx: Tx,
  caller: Caller,
  settled: {
    readonly what: 'finding.accepted' | 'finding.resolved' | 'deadLetter.redriven' | 'deadLetter.discarded';
    readonly id: string;
    readonly before: object;
    readonly after: object;
    readonly note: string | null;
  },
): Promise<void> {
  const { note, ...change } = settled;
  const fact = feedEvent(schemaName, caller, { ...change, version: 1, ...(note === null ? {} : { reason: note }) });
  await record(tx, schemaName, { ...fact, event: null });
}
