import * as v from 'valibot';
import { countSchema, timeSchema } from './api/common.js';
import { formatCheckpoint, fromBase64, openNote, parseCheckpoint, type NoteKey } from './audit-note.js';
import { equalHashes, leafHash, recordLeaf, rootOfRun, sha256, verifyInclusion, type Hash } from './audit-proof.js';
import { personalDigest } from './audit-seal.js';
import { hashSchema, personalPartSchema } from './audit/record.js';
import { idSchema } from './ids.js';

// An export of audit: records in parts of NDJSON, proofs beside them, and a manifest. Verified from the files and the public key
// alone, on WebCrypto and the streams of the web.

export const exportFormats = ['ndjson', 'ocsf'] as const;

export const fileNameSchema = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{0,127}$/, 'must be a plain file name'));

export const exportFileSchema = v.object({
  name: fileNameSchema,
  /** Lines. */
  count: countSchema,
  bytes: countSchema,
  /** Of the file as it lies there. */
  sha256: hashSchema,
});
export type ExportFile = v.InferOutput<typeof exportFileSchema>;

export const manifestName = 'manifest.json';

export const exportManifestSchema = v.object({
  schema: v.literal(1),
  createdAt: timeSchema,
  format: v.picklist(exportFormats),
  /** What it is of: a filter, or a month. */
  of: v.record(v.string(), v.unknown()),
  count: countSchema,
  /** What of each log is in it: the first place, the last, and how many between them. */
  seqRanges: v.array(
    v.object({
      log: idSchema('log'),
      first: countSchema,
      last: countSchema,
      count: countSchema,
      /**
       * True: every record from the first place to the last is there, and the proofs show it. False: each record that is there stands in the log,
       * and nothing shows that another would not have fitted the filter.
       */
      contiguous: v.boolean(),
    }),
  ),
  parts: v.array(exportFileSchema),
  /** One line for each run of records that follow each other in their log: what is beside it in the tree. */
  proofs: v.array(exportFileSchema),
  /** What is sealed beside those records that have it, in their order: a line each. */
  personal: v.optional(v.array(exportFileSchema)),
  /** The signed note of the log of heads, and the heads in it that the proofs lead to. */
  checkpoint: v.object({
    note: v.string(),
    heads: v.array(
      v.object({
        log: idSchema('log'),
        origin: v.string(),
        size: countSchema,
        root: hashSchema,
        index: countSchema,
        hashes: v.array(hashSchema),
      }),
    ),
  }),
});
export type ExportManifest = v.InferOutput<typeof exportManifestSchema>;

/** Records that follow each other in one log, and the hashes beside them in the tree of its head. */
export const exportRunSchema = v.object({
  log: idSchema('log'),
  first: countSchema,
  last: countSchema,
  hashes: v.array(hashSchema),
});
export type ExportRun = v.InferOutput<typeof exportRunSchema>;

/** What is sealed beside one record, as far as it was still there when the export was written. */
export const exportPersonalSchema = v.object({ id: idSchema('aud'), parts: v.array(personalPartSchema) });

type Bytes = Uint8Array<ArrayBuffer>;

/** The files of an export by their names. */
export type ReadFile = (name: string) => Promise<Bytes>;

export interface VerifiedExport {
  readonly records: number;
  /** What is wrong, and where: a file or a place in a log. */
  readonly findings: readonly string[];
}

const findingsMax = 100;

/**
 * Tells whether an export is whole and unchanged: every file is what the manifest says, every record stands in the tree of its
 * log, and that tree under the note which the key has signed.
 */
export async function verifyExport(read: ReadFile, key: NoteKey): Promise<VerifiedExport> {
  const findings: string[] = [];
  const find = (what: string): void => void (findings.length < findingsMax && findings.push(what));
  const manifest = v.safeParse(exportManifestSchema, JSON.parse(new TextDecoder().decode(await read(manifestName))));
  if (!manifest.success) return { records: 0, findings: [`${manifestName} is none: ${manifest.issues[0].message}`] };
  const it = manifest.output;
  const heads = await headsOf(it, key, find);
  const lines = (file: ExportFile) => linesOf(read, file, find);
  const records = each(it.parts, lines);
  const sealed = sealedBeside(it, lines, find);
  const ranges = new Map<string, { first: number; last: number; count: number }>();
  let count = 0;
  try {
    for await (const line of each(it.proofs, lines)) {
      const run = v.parse(exportRunSchema, JSON.parse(line));
      const leaves: Hash[] = [];
      let strange = 0;
      for (let seq = run.first; seq <= run.last; seq += 1) {
        const next = await records.next();
        if (next.done === true) {
          find(`${run.log} at ${seq}: the record is missing`);
          break;
        }
        const record = recordOf(JSON.parse(next.value) as Line, it.format);
        // One that is out of place shifts all that follow it.
        if ((record['log'] !== run.log || record['seq'] !== seq) && (strange += 1) === 1)
          find(`${run.log} at ${seq}: ${String(record['log'])} at ${String(record['seq'])} stands in its place`);
        leaves.push(await recordLeaf(record));
        await sealed.follow(record);
        count += 1;
      }
      const range = ranges.get(run.log) ?? { first: run.first, last: run.last, count: 0 };
      ranges.set(run.log, { first: range.first, last: run.last, count: range.count + leaves.length });
      await stands(run, { leaves, head: heads.get(run.log), find });
    }
    if ((await records.next()).done !== true) find('there are records that no proof is of');
    await sealed.end();
  } catch (error) {
    find(`a line is not what an export holds: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (count !== it.count) find(`${it.count} records are promised, and ${count} are there`);
  for (const { log, contiguous, ...range } of it.seqRanges) {
    const there = ranges.get(log) ?? { first: 0, last: 0, count: 0 };
    const whole = there.count === there.last - there.first + 1;
    if (there.first !== range.first || there.last !== range.last || there.count !== range.count || contiguous !== whole)
      find(
        `${log}: ${range.count} records from ${range.first} to ${range.last} are promised, and are not what is there`,
      );
  }
  return { records: count, findings };
}

type Find = (what: string) => void;
type Head = { readonly size: number; readonly root: Hash };
type Line = Record<string, unknown>;

/** Of OCSF the record itself is the raw data. */
function recordOf(line: Line, format: ExportManifest['format']): Line {
  return format === 'ocsf' ? (JSON.parse(String(line['raw_data'])) as Line) : line;
}

/** What is sealed beside records, if it is in the export: each line is of a record that has said so, and opens what that has committed to. */
function sealedBeside(it: ExportManifest, lines: (file: ExportFile) => AsyncGenerator<string>, find: Find) {
  const told = each(it.personal ?? [], lines);
  let next: v.InferOutput<typeof exportPersonalSchema> | undefined;
  let ended = false;
  const advance = async (): Promise<void> => {
    const line = await told.next();
    ended = line.done === true;
    next = line.done === true ? undefined : v.parse(exportPersonalSchema, JSON.parse(line.value));
  };
  return {
    async follow(record: Line): Promise<void> {
      if (next === undefined && !ended) await advance();
      if (next === undefined || next.id !== record['id']) return;
      const said = (record['sealed'] ?? []) as readonly { of?: string; digest?: string }[];
      for (const { of, digest, state, salt, fields } of next.parts) {
        const committed = said.some((each) => each.of === of && each.digest === digest);
        const opens =
          state !== 'shown' || (await personalDigest(urlBytes(salt ?? ''), fields ?? {}).catch(() => '')) === digest;
        if (!committed || !opens) find(`${next.id}: what is said of its ${of} is not what the record has sealed`);
      }
      next = undefined;
    },
    async end(): Promise<void> {
      if (next === undefined && !ended) await advance();
      if (next !== undefined) find(`${next.id}: what is sealed beside it stands apart from its record`);
    },
  };
}

const urlBytes = (text: string) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (each) => each.charCodeAt(0));

async function stands(
  run: ExportRun,
  { leaves, head, find }: { leaves: readonly Hash[]; head: Head | undefined; find: Find },
): Promise<void> {
  const hashes = run.hashes.map(hashOf);
  const root = head && (await rootOfRun({ start: run.first, leaves, size: head.size, hashes }));
  if (root === undefined || head === undefined || !equalHashes(root, head.root))
    find(`${run.log} from ${run.first} to ${run.last}: the records do not stand in the log that was signed`);
}

/** The heads that the signed note vouches for. */
async function headsOf(it: ExportManifest, key: NoteKey, find: Find): Promise<ReadonlyMap<string, Head>> {
  const text = await openNote(it.checkpoint.note, key);
  const note = text === undefined ? undefined : parseCheckpoint(text);
  if (note === undefined) {
    find('the checkpoint is not signed by the key');
    return new Map();
  }
  const known = new Map<string, Head>();
  for (const { log, origin, size, root, index, hashes } of it.checkpoint.heads) {
    const leaf = await leafHash(new TextEncoder().encode(formatCheckpoint({ origin, size, root: hashOf(root) })));
    const proof = hashes.map(hashOf);
    const vouched = await verifyInclusion({ leaf, index, size: note.size, proof, root: note.root });
    if (vouched && origin.endsWith(`/${log}`)) known.set(log, { size, root: hashOf(root) });
    else find(`${log}: the checkpoint does not vouch for the head of ${size} records`);
  }
  return known;
}

const hashOf = (text: string): Hash => fromBase64(text) ?? new Uint8Array();

async function* each(files: readonly ExportFile[], lines: (file: ExportFile) => AsyncGenerator<string>) {
  for (const file of files) yield* lines(file);
}

async function* linesOf(read: ReadFile, file: ExportFile, find: Find): AsyncGenerator<string> {
  const bytes = await read(file.name).catch(() => undefined);
  if (bytes === undefined) return find(`${file.name} is missing`);
  if (bytes.length !== file.bytes || !equalHashes(await sha256(bytes), hashOf(file.sha256)))
    find(`${file.name} is not the file that the manifest names`);
  let count = 0;
  try {
    for (const line of (await unzipped(bytes)).split('\n')) {
      if (line === '') continue;
      count += 1;
      yield line;
    }
  } catch {
    return find(`${file.name} cannot be read`);
  }
  if (count !== file.count) find(`${file.name} has ${count} lines, and ${file.count} are promised`);
}

const unzipped = (bytes: Bytes): Promise<string> =>
  new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
