import type { Caller } from '@sentral/contracts/contract';
import { createHash } from 'node:crypto';
import { canonicalJson } from '@sentral/contracts/canonical-json';
import { feedEvent } from '@sentral/kernel/change';
import type { Tx } from '@sentral/kernel/database';
import { record } from '@sentral/kernel/feed';
import { schemaName } from '../change.js';
import { scopeOf } from '../store/write.js';
import { toldSchedule } from './resource.js';
import type { ScheduleRow } from './sql.js';

/** For the record: what it was given is the tenant's own and may be long, so only that it changed is told. */
const recorded = (row: ScheduleRow) => ({
  ...toldSchedule(row),
  inputHash: createHash('sha256').update(canonicalJson(row.input)).digest('hex'),
});

/** The feed row of one change; `after` null: it is gone. */
export async function recordSchedule(
  tx: Tx,
  caller: Caller,
  change: {
    readonly what: 'schedule.created' | 'schedule.amended' | 'schedule.held' | 'schedule.removed';
    readonly before?: ScheduleRow;
    readonly after: ScheduleRow | null;
    readonly reason?: string;
  },
): Promise<void> {
  const { what, before, after, reason } = change;
  const row = after ?? before;
  if (row === undefined) throw new Error('a change of no schedule');
  await record(
    tx,
    schemaName,
    feedEvent(schemaName, caller, {
      what,
      id: row.id,
      version: after === null ? row.version + 1 : row.version,
      ...(before === undefined ? {} : { before: recorded(before) }),
      after: after === null ? null : recorded(after),
      event: toldSchedule(row),
      scope: scopeOf(row),
      ...(reason === undefined ? {} : { reason }),
    }),
  );
}
