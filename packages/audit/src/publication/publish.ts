import { auditEvents, recordAppendedSubject } from '@sentral/contracts/audit-events';
import type { AuditRecord } from '@sentral/contracts/audit/record';
import { eventType, type CloudEvent } from '@sentral/contracts/events';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { maxDataBytes, type Bus, type BusMessage } from '@sentral/kernel/bus/port';
import { lockLease, type Lease } from '@sentral/kernel/lease';
import { leadership, startLoop, type Loop } from '@sentral/kernel/relay';
import { inTransaction } from '@sentral/kernel/transaction';
import { schemaName } from '../change.js';
import type { Deps } from '../deps.js';
import { listFrom, listUntold, upsertTold, type Untold } from './sql.js';

const holdMs = 10_000;
const logsAtOnce = 20;
const recordsAtOnce = 100;

/**
 * Tells appended records on the bus, each log in its order and from where it was left: what a crash has told and not noted is told again, under the same
 * id. It reads what is committed, and nothing that appends waits for it.
 */
export function publishRecords(deps: Deps, bus: Pick<Bus, 'publish'>): Loop {
  const leader = leadership(deps.db.app, schemaName, { name: 'audit.publish', holdMs });

  async function round(): Promise<void> {
    for (;;) {
      const untold = await listUntold(deps.db.app, logsAtOnce);
      for (const log of untold) {
        const lease = await leader.hold();
        if (lease === undefined) return;
        await tell(deps, { bus, lease, log });
      }
      if (untold.length === 0) return;
    }
  }

  return startLoop(round, {
    pollMs: [400, 1_000],
    failed: (error) => deps.telemetry.log('warn', 'records could not be told on the bus and will be again', { error }),
    ended: leader.release,
  });
}

async function tell(
  deps: Deps,
  { bus, lease, log }: { bus: Pick<Bus, 'publish'>; lease: Lease; log: Untold },
): Promise<void> {
  const { logId, nextSeq } = log;
  const records = await listFrom(deps.db.app, { logId, nextSeq, limit: recordsAtOnce });
  const last = records.at(-1);
  // A record that is not where it should be is for verification to find: nothing is told past it.
  if (last === undefined || records[0]?.seq !== nextSeq)
    throw new Error(`log ${logId} lacks a record from ${nextSeq} on`);
  await bus.publish(records.map(messageOf));
  await inTransaction(deps.db.app, async (tx) => {
    if (await lockLease(tx, schemaName, lease)) await upsertTold(tx, logId, last.seq + 1);
  });
}

function messageOf(record: AuditRecord): BusMessage {
  const id = encodeId('evt', decodeId('aud', record.id));
  const event: CloudEvent = {
    specversion: '1.0',
    id,
    source: '/sentral/audit',
    type: eventType(auditEvents, 'record.appended'),
    subject: `audit.record/${record.id}`,
    time: record.recordedAt,
    datacontenttype: 'application/json',
    ...(record.scope.tenantId === undefined ? {} : { tenantid: record.scope.tenantId }),
    ...(record.scope.projectId === undefined ? {} : { projectid: record.scope.projectId }),
    ...(record.scope.environmentId === undefined ? {} : { environmentid: record.scope.environmentId }),
    data: record,
  };
  const data = JSON.stringify(event);
  if (Buffer.byteLength(data) <= maxDataBytes) return { subject: recordAppendedSubject, id, data };
  // Its place is told all the same; the whole of it is read at audit.
  const { change: _, authorization: __, ...short } = record;
  return { subject: recordAppendedSubject, id, data: JSON.stringify({ ...event, data: short }) };
}
