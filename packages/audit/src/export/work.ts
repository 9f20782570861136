import { manifestName, type ExportManifest, type ExportRun } from '@sentral/contracts/audit-export';
import { exportLimits } from '@sentral/contracts/audit/export';
import { toOcsf } from '@sentral/contracts/audit/ocsf';
import type { AuditRecord } from '@sentral/contracts/audit/record';
import { canonicalJson } from '@sentral/contracts/canonical-json';
import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { stepFailure } from '@sentral/contracts/services/serve';
import type { Tx } from '@sentral/kernel/database';
import { recordChange } from '../change.js';
import type { Deps } from '../deps.js';
import { partsShown } from '../record/personal.js';
import type { RecordRow } from '../record/sql.js';
import { insertFile, listFiles } from './file-sql.js';
import { toExport } from './resource.js';
import {
  amendExport,
  amendProgress,
  findOwnRecord,
  findProgress,
  findSigned,
  insertProgress,
  listExportRecords,
  lockExport,
  type ExportRow,
  type Progress,
} from './sql.js';
import { fileName, follow, manifestOf, packed, proofsOf, told } from './write.js';

/** Where one transaction ends, whatever comes first: it holds a connection and a row. */
export interface Bounds {
  readonly lines: number;
  /** Records that do not follow each other: each costs a proof of its own. */
  readonly runs: number;
  readonly chars: number;
  readonly ms: number;
  readonly records: number;
  readonly bytes: number;
}

export const usualBounds: Bounds = {
  lines: 5_000,
  runs: 500,
  chars: 8 * 1_048_576,
  ms: 2_000,
  records: exportLimits.records,
  bytes: exportLimits.bytes,
};

/** A record may have 64 KiB. */
const pageRows = 500;
/** A filter that little fits is looked for in stretches, so that no statement takes long. */
const stretchSeqs = 20_000;

export type Round = 'on' | 'waiting' | { readonly records: number; readonly bytes: number };

/**
 * One transaction of the writing of an export: fixes what it is of, writes one part with its proofs, or the manifest. What there is of it is all that is
 * remembered, so whoever goes on after a crash goes on behind the last part.
 * @throws what `failureOf` reads, when it is gone or would be larger than an export may be
 */
export async function writeOn(
  tx: Tx,
  { deps, caller, bounds }: { deps: Deps; caller: Caller; bounds: Bounds },
  exportId: string,
): Promise<Round> {
  const row = await lockExport(tx, exportId);
  if (row?.state === 'ready') return { records: row.records, bytes: row.bytes };
  if (row?.state !== 'waiting')
    throw stepFailure({
      class: 'permanent',
      code: 'export_gone',
      message: `The export is ${row?.state ?? 'not there'}.`,
    });
  const progress = await findProgress(tx, exportId);
  if (progress === undefined) return (await begin(tx, exportId)) ? 'on' : 'waiting';
  const { size } = headOf(progress);
  if (progress.nextSeq < size) {
    await writePart(tx, { deps, row, progress, size, bounds });
    return 'on';
  }
  return finish(tx, { caller, row, progress });
}

const headOf = ({ logId, signed }: Progress) => {
  const head = signed.heads.get(encodeId('log', logId));
  if (head === undefined) throw new TypeError(`no signed head of ${logId}`);
  return head;
};

/**
 * All that was on record when it was asked for is of it: it waits until the record of its own making stands under a signed note, and
 * takes that note. False: not yet.
 */
async function begin(tx: Tx, exportId: string): Promise<boolean> {
  const own = await findOwnRecord(tx, exportId);
  if (own === undefined) return false;
  const signed = await findSigned(tx, [own.logId]);
  const head = signed?.heads.get(encodeId('log', own.logId));
  if (signed === undefined || head === undefined || head.size <= own.seq) return false;
  await insertProgress(tx, exportId, { ...signed, head });
  return true;
}

interface Gathered {
  readonly rows: Pick<RecordRow, 'record' | 'sealed'>[];
  readonly lines: string[];
  readonly runs: ExportRun[];
  readonly nextSeq: number;
}

async function writePart(
  tx: Tx,
  {
    deps,
    row,
    progress,
    size,
    bounds,
  }: { deps: Deps; row: ExportRow; progress: Progress; size: number; bounds: Bounds },
): Promise<void> {
  const part = await gather(tx, { row, progress, size, bounds });
  const seqs = part.rows.map(({ record }) => record.seq);
  let { bytes, parts } = progress;
  if (seqs.length > 0) {
    const personal = row.personal ? await personalOf(deps, tx, part.rows) : [];
    const written = [
      await packed(fileName('records', parts), part.lines),
      await packed(fileName('proofs', parts), await proofsOf(tx, progress.signed, part.runs)),
      ...(personal.length === 0 ? [] : [await packed(fileName('personal', parts), personal)]),
    ];
    for (const { file, bytes: content } of written) {
      await insertFile(tx, row.id, file, content);
      bytes += file.bytes;
    }
    parts += 1;
  }
  const records = progress.records + seqs.length;
  if (records > bounds.records || bytes > bounds.bytes)
    throw stepFailure({
      class: 'permanent',
      code: 'export_too_large',
      message: `An export holds at most ${bounds.records} records and ${bounds.bytes} bytes: ask for less, by from and to.`,
    });
  await amendProgress(tx, row.id, {
    nextSeq: part.nextSeq,
    firstSeq: progress.firstSeq ?? seqs[0] ?? null,
    lastSeq: seqs.at(-1) ?? progress.lastSeq,
    parts,
    records,
    bytes,
  });
}

async function gather(
  tx: Tx,
  { row, progress, size, bounds }: { row: ExportRow; progress: Progress; size: number; bounds: Bounds },
): Promise<Gathered> {
  const began = performance.now();
  const [rows, lines, runs]: [Gathered['rows'], string[], ExportRun[]] = [[], [], []];
  let { nextSeq } = progress;
  let chars = 0;
  const isFull = (): boolean => lines.length >= bounds.lines || runs.length >= bounds.runs || chars >= bounds.chars;
  while (nextSeq < size && !isFull() && performance.now() - began < bounds.ms) {
    const beforeSeq = Math.min(size, nextSeq + stretchSeqs);
    const { logId } = progress;
    const page = await listExportRecords(tx, row, { logId, fromSeq: nextSeq, beforeSeq, limit: pageRows });
    for (const each of page) {
      if (isFull()) break;
      const line = canonicalJson(row.format === 'ocsf' ? toOcsf(each.record) : each.record);
      rows.push(each);
      lines.push(line);
      chars += line.length;
      follow(runs, each.record);
      nextSeq = each.record.seq + 1;
    }
    if (page.length < pageRows && !isFull()) nextSeq = beforeSeq;
  }
  return { rows, lines, runs, nextSeq };
}

async function personalOf(deps: Deps, tx: Tx, rows: Gathered['rows']): Promise<string[]> {
  const parts = await partsShown(deps, tx, rows);
  return rows.flatMap(({ record: { id } }: { record: AuditRecord }, at) => {
    const own = parts[at] ?? [];
    return own.length === 0 ? [] : [canonicalJson({ id, parts: own })];
  });
}

async function finish(
  tx: Tx,
  { caller, row, progress }: { caller: Caller; row: ExportRow; progress: Progress },
): Promise<Round> {
  const files = await listFiles(tx, row.id);
  const of = (kind: string) => files.filter(({ name }) => name.startsWith(`${kind}-`));
  const { scopeId, filter } = toExport(row);
  const { firstSeq: first, lastSeq: last, records: count } = progress;
  const manifest: ExportManifest = await manifestOf(tx, {
    signed: progress.signed,
    format: row.format,
    of: { export: encodeId('exp', row.id), scope: scopeId, filter },
    createdAt: row.createdAt.toISOString(),
    ranges: first === null || last === null ? [] : [{ log: encodeId('log', progress.logId), first, last, count }],
    parts: of('records'),
    proofs: of('proofs'),
    ...(row.personal ? { personal: of('personal') } : {}),
  });
  const content = Buffer.from(canonicalJson(manifest));
  await insertFile(tx, row.id, told(manifestName, 1, content), content);
  const bytes = progress.bytes + content.length;
  const { records } = progress;
  const ready = await amendExport(tx, row.id, { state: 'ready', ready: { records, bytes, days: exportLimits.days } });
  const what = { what: 'export.written', row: ready, before: toExport(row), after: toExport(ready) } as const;
  await recordChange(tx, caller, what);
  return { records, bytes };
}
