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
/** Asked for at once: each run has some twenty spans, of up to 128 hashes each. */
const runsAtOnce = 50;

type Range = ExportManifest['seqRanges'][number];

/** Writes records, the proofs that they stand in what was signed, and last the manifest: without it there is no export. */
export async function writeExport(use: Exporting): Promise<ExportManifest> {
  const { sink, signed, on } = use;
  const files = { parts: [] as ExportFile[], lines: [] as string[] };
  const runs: ExportRun[] = [];
  const ranges: Omit<Range, 'contiguous'>[] = [];
  const put = async (name: string, lines: readonly string[]): Promise<ExportFile> => {
    const { file, bytes } = await packed(name, lines);
    await sink.put(name, bytes);
    return file;
  };
  const flush = async (): Promise<void> => {
    if (files.lines.length === 0) return;
    files.parts.push(await put(fileName('records', files.parts.length), files.lines));
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
  const { format, of, createdAt } = use;
  const proofs = runs.length === 0 ? [] : [await put(fileName('proofs', 0), await proofsOf(on, signed, runs))];
  const manifest = await manifestOf(on, { signed, format, of, createdAt, ranges, parts: files.parts, proofs });
  await sink.put(manifestName, Buffer.from(canonicalJson(manifest)));
  return manifest;
}

export const fileName = (kind: 'records' | 'proofs' | 'personal', index: number): string =>
  `${kind}-${String(index + 1).padStart(5, '0')}.ndjson.gz`;

/** A file of lines, and what a manifest says of it. */
export async function packed(name: string, lines: readonly string[]): Promise<{ file: ExportFile; bytes: Buffer }> {
  const bytes = await zip(lines.map((line) => `${line}\n`).join(''));
  return { file: told(name, lines.length, bytes), bytes };
}

export const told = (name: string, lines: number, bytes: Uint8Array): ExportFile => ({
  name,
  count: lines,
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('base64'),
});

type Told = Pick<Exporting, 'signed' | 'format' | 'of' | 'createdAt'> &
  Pick<ExportManifest, 'parts' | 'proofs' | 'personal'> & { readonly ranges: readonly Omit<Range, 'contiguous'>[] };

export async function manifestOf(on: On, { signed, ranges, ...told }: Told): Promise<ExportManifest> {
  return {
    schema: 1,
    ...told,
    count: ranges.reduce((sum, range) => sum + range.count, 0),
    seqRanges: ranges.map((range) => ({ ...range, contiguous: range.count === range.last - range.first + 1 })),
    checkpoint: { note: signed.note, heads: await headsOf(on, signed, ranges) },
  };
}

function count(ranges: Omit<Range, 'contiguous'>[], { log, seq }: AuditRecord): void {
  const last = ranges.at(-1);
  if (last?.log === log) Object.assign(last, { last: seq, count: last.count + 1 });
  else ranges.push({ log, first: seq, last: seq, count: 1 });
}

/** Puts a record to the run that it goes on, or begins one. */
export function follow(runs: ExportRun[], { log, seq }: Pick<AuditRecord, 'log' | 'seq'>): void {
  const last = runs.at(-1);
  if (last?.log === log && last.last + 1 === seq && seq - last.first < runRecords) last.last = seq;
  else runs.push({ log, first: seq, last: seq, hashes: [] });
}

/** One line a run: what is beside it in the tree. Neighbours share most of that, which is looked up once. */
export async function proofsOf(on: On, signed: Signed, runs: readonly ExportRun[]): Promise<string[]> {
  const lines: string[] = [];
  for (let at = 0; at < runs.length; at += runsAtOnce) {
    const some = runs.slice(at, at + runsAtOnce).map((run) => {
      const { size } = headOf(signed, run.log);
      return { run, spans: runSpans({ start: run.first, end: run.last + 1 }, size) };
    });
    const wanted = new Map(
      some.flatMap(({ run, spans }) => spans.map((span) => [`${run.log} ${span.start} ${span.end}`, { run, span }])),
    );
    const found = new Map<string, string>();
    for (const log of new Set(some.map(({ run }) => run.log))) {
      const own = [...wanted].filter(([, { run }]) => run.log === log);
      const hashes = await hashesOf(
        on,
        { id: decodeId('log', log), kind: 'tenant' },
        own.map(([, { span }]) => span),
      );
      for (const [n, [name]] of own.entries()) found.set(name, hashes[n] ?? '');
    }
    for (const { run, spans } of some) {
      const hashes = spans.map((span) => found.get(`${run.log} ${span.start} ${span.end}`) ?? '');
      lines.push(canonicalJson({ ...run, hashes }));
    }
  }
  return lines;
}

async function headsOf(on: On, signed: Signed, ranges: readonly Pick<Range, 'log'>[]) {
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
