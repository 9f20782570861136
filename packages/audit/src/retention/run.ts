import { verifyExport } from '@sentral/contracts/audit-export';
import { parseCheckpoint, textOfNote, type NoteKey } from '@sentral/contracts/audit-note';
import { decodeId } from '@sentral/contracts/ids';
import type { Database } from '@sentral/kernel/database';
import { constraintName, sqlState } from '@sentral/kernel/errors';
import type { Signer } from '../checkpoint/signer.js';
import type { Deps } from '../deps.js';
import { findSigned, listMonthRecords, type After } from '../export/sql.js';
import { writeExport, type Sink } from '../export/write.js';
import { dropMonth, listMonthLogs, listMonthsDue, type Month } from './sql.js';

/** What retention needs besides the database: its own role, how long, and where months go before they are dropped. */
export interface Retention {
  /** Logs in as `audit_retention`, with time for a whole month. */
  readonly db: Database;
  readonly days: number;
  /** The files of one month; its name is `2025-01`, or `2025-01-policy` of what was left of it. */
  readonly sinkOf: (name: string) => Sink;
  readonly signer: Pick<Signer, 'publicKey'>;
}

const pageRows = 1_000;

/**
 * Lets every month go that is older than its retention: written out, read again and verified, then dropped. One that a legal
 * hold wants, or that cannot be had now, stays for the next time and keeps no other.
 */
export async function keepRetention(deps: Deps, use: Retention): Promise<void> {
  for (const due of await listMonthsDue(deps.db.app, use.days)) {
    try {
      await letGo(deps, use, due);
    } catch (error) {
      const rule = constraintName(error);
      if (rule === 'month_under_hold')
        deps.telemetry.log('info', 'a legal hold keeps a month of records', { month: due.month });
      else if (rule === 'month_as_exported' || sqlState(error) === '55P03')
        deps.telemetry.log('info', 'a month of records is in use and is dropped later', { month: due.month });
      else throw error;
    }
  }
}

async function letGo(deps: Deps, use: Retention, { month, part }: Month): Promise<void> {
  const signed = await findSigned(deps.db.app, await listMonthLogs(deps.db.app, part));
  // Nothing leaves without a signature over it: the next checkpoint is seconds away.
  if (signed === undefined) return;
  const name = `${month.slice(0, 7)}${part.includes('policy') ? '-policy' : ''}`;
  const sink = use.sinkOf(name);
  const manifest = await writeExport({
    on: deps.db.app,
    sink,
    pages: monthOf(deps, part),
    signed,
    format: 'ndjson',
    line: (record) => record,
    of: { month: month.slice(0, 7) },
    createdAt: new Date().toISOString(),
  });
  const key = keyOf(signed.note, use.signer);
  const { findings } = await verifyExport(sink.get, key);
  if (findings.length > 0) {
    deps.telemetry.count('audit_integrity');
    deps.telemetry.log('error', 'a month of records does not verify as it was written out: it stays', {
      month,
      findings: findings.slice(0, 10),
    });
    return;
  }
  const origins = new Map([...signed.heads].map(([log, { origin }]) => [log, origin]));
  const exported = manifest.seqRanges.map(({ log, first, last, count }) => ({
    log: origins.get(log),
    records: count,
    first,
    last,
  }));
  const gone = await dropMonth(use.db, { month, id: deps.newId(), exported });
  deps.telemetry.log('info', 'a month of records was dropped', { month, gone, written: manifest.count });
}

/** The name of the key is that of the log of heads. */
function keyOf(note: string, { publicKey }: Retention['signer']): NoteKey {
  return { name: parseCheckpoint(textOfNote(note))?.origin ?? '', publicKey: new Uint8Array(publicKey) };
}

async function* monthOf(deps: Deps, part: string) {
  let after: After = ['00000000-0000-0000-0000-000000000000', -1];
  for (;;) {
    const page = await listMonthRecords(deps.db.app, part, { after, limit: pageRows });
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = [decodeId('log', last.log), last.seq];
  }
}
