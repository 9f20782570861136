import { toBase64 } from '@sentral/contracts/audit-note';
import {
  manifestName,
  type ExportFile,
  type ExportManifest,
  type ExportRun,
  type ReadFile,
} from '@sentral/contracts/audit-export';
import { inclusionSpans, runSpans } from '@sentral/contracts/audit-proof';
import type { AuditRecord } from '@sentral/contracts/audit/record';
import { canonicalJson } from '@sentral/contracts/canonical-json';
import { decodeId, type Id } from '@sentral/contracts/ids';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { findHeadsLog } from '../log/sql.js';
import { hashesOf } from '../log/tree.js';
import type { On } from '../reading.js';
import type { Signed } from './sql.js';

/** Where the files of one export go; what is written is read again before anyone relies on it. */
export interface Sink {
  put(name: string, bytes: Uint8Array): Promise<void>;
  readonly get: ReadFile;
}

export interface Exporting {
  readonly on: On;
  readonly sink: Sink;
  /** Pages in the order of logs and of places in them; none beyond its log's signed head. */
  readonly pages: AsyncIterable<readonly AuditRecord[]>;
  readonly signed: Signed;
  readonly format: ExportManifest['format'];
  /** How a record stands in its line. */
  readonly line: (record: AuditRecord) => object;
  readonly of: ExportManifest['of'];
  readonly createdAt: string;
}

const zip = promisify(gzip);
const partLines = 5_000;
/** A longer run is two: whoever verifies holds the leaves of one. */
const runRecords = 50_000;

type Range = ExportManifest['seqRanges'][number];

/** Writes records, the proofs that they stand in what was signed, and last the manifest: without it there is no export. */
export async function writeExport(use: Exporting): Promise<ExportManifest> {
  const { sink, signed } = use;
  const files = { parts: [] as ExportFile[], lines: [] as string[] };
  const runs: ExportRun[] = [];
  const ranges: Range[] = [];
  const flush = async (): Promise<void> => {
    if (files.lines.length === 0) return;
    const name = `records-${String(files.parts.length + 1).padStart(5, '0')}.ndjson.gz`;
    files.parts.push(await put(sink, name, files.lines));
    files.lines = [];
  };
  for await (const page of use.pages) {
    for (const record of page) {
      files.lines.push(canonicalJson(use.line(record)));
      count(ranges, record);
      follow(runs, record);
      if (files.lines.length === partLines) await flush();
    }
  }
  await flush();
  const proofs = await put(sink, 'proofs.ndjson.gz', await proofsOf(use, runs));
  const manifest: ExportManifest = {
    schema: 1,
    createdAt: use.createdAt,
    format: use.format,
    of: use.of,
    count: ranges.reduce((sum, range) => sum + range.count, 0),
    seqRanges: ranges,
    parts: files.parts,
    proofs,
    checkpoint: { note: signed.note, heads: await headsOf(use, ranges) },
  };
  await sink.put(manifestName, Buffer.from(canonicalJson(manifest)));
  return manifest;
}

function count(ranges: Range[], { log, seq }: AuditRecord): void {
  const last = ranges.at(-1);
  if (last?.log === log) Object.assign(last, { last: seq, count: last.count + 1 });
  else ranges.push({ log, first: seq, last: seq, count: 1 });
}

function follow(runs: ExportRun[], { log, seq }: AuditRecord): void {
  const last = runs.at(-1);
  if (last?.log === log && last.last + 1 === seq && seq - last.first < runRecords) last.last = seq;
  else runs.push({ log, first: seq, last: seq, hashes: [] });
}

async function proofsOf({ on, signed }: Exporting, runs: readonly ExportRun[]): Promise<string[]> {
  const lines: string[] = [];
  for (const run of runs) {
    const size = headOf(signed, run.log).size;
    const spans = runSpans({ start: run.first, end: run.last + 1 }, size);
    const hashes = await hashesOf(on, { id: decodeId('log', run.log), kind: 'tenant' }, spans);
    lines.push(canonicalJson({ ...run, hashes }));
  }
  return lines;
}

async function headsOf({ on, signed }: Exporting, ranges: readonly Range[]) {
  const heads = await findHeadsLog(on);
  const found = [];
  for (const { log } of ranges) {
    const { origin, size, root, index } = headOf(signed, log);
    const hashes = [...(await hashesOf(on, heads, inclusionSpans(index, signed.size)))];
    found.push({ log, origin, size, root: toBase64(root), index, hashes });
  }
  return found;
}

function headOf(signed: Signed, log: Id<'log'>) {
  const head = signed.heads.get(log);
  if (head === undefined) throw new TypeError(`no signed head of ${log}`);
  return head;
}

async function put(sink: Sink, name: string, lines: readonly string[]): Promise<ExportFile> {
  const bytes = await zip(lines.map((line) => `${line}\n`).join(''));
  await sink.put(name, bytes);
  const sha256 = createHash('sha256').update(bytes).digest('base64');
  return { name, count: lines.length, bytes: bytes.length, sha256 };
}
