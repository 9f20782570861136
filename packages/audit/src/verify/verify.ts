import { openNote, parseCheckpoint, textOfNote } from '@sentral/contracts/audit-note';
import { emptyRange, equalHashes, type CompactRange, type Hash } from '@sentral/contracts/audit-proof';
import { encodeId } from '@sentral/contracts/ids';
import type { AuditRecord } from '@sentral/contracts/audit/record';
import { extendedBy, leafOf, rootOfRange } from '../log/hashing.js';
import { columnsOf } from '../record/build.js';
import type { Outside } from './outside.js';
import { sealedThatVanished } from './sealed.js';
import { listHeadRows, listLogRows, listRecordRows, listTiles, type HeadRow, type LogRow, type On } from './sql.js';

/** What is wrong, and where: a log and the place in it. */
export interface Finding {
  readonly log: string;
  readonly seq: number;
  readonly what: string;
}

export interface Verified {
  readonly logs: number;
  readonly records: number;
  /** Notes from outside that this database agrees with. */
  readonly notes: number;
  readonly findings: readonly Finding[];
}

const findingsMax = 100;
const pageRows = 1_000;

/**
 * Computes every leaf and every root anew from the records and compares them with what is stored, with the heads that were taken, and
 * with signed notes that were kept outside. Without one, whoever could write everything here could have written it consistently.
 */
export async function verifyAudit(on: On, outside: Outside = { notes: [] }): Promise<Verified> {
  const findings: Finding[] = [];
  const find = (finding: Finding): void => {
    if (findings.length < findingsMax) findings.push(finding);
  };
  const logs = await listLogRows(on);
  const heads = await listHeadRows(on);
  let records = 0;
  for (const log of logs.filter(({ kind }) => kind !== 'heads')) {
    const own = heads.filter(({ logId }) => logId === log.id);
    records += await verifyLog(on, { log, heads: own, find });
  }
  const root = logs.find(({ kind }) => kind === 'heads');
  if (root !== undefined) await verifyHeads(on, { log: root, heads, find });
  const notes = await verifyNotes(heads, { ...outside, root, find });
  return { logs: logs.length, records, notes, findings };
}

type Find = (finding: Finding) => void;

async function verifyLog(
  on: On,
  { log, heads, find }: { log: LogRow; heads: readonly HeadRow[]; find: Find },
): Promise<number> {
  const name = encodeId('log', log.id);
  const tree = await treeOf(on, log);
  let range: CompactRange = emptyRange;
  let [after, records, next] = [-1, 0, 0];
  for (;;) {
    const rows = await listRecordRows(on, { log, after, limit: pageRows });
    const leaves = rows.map((row) => (row.record === undefined ? row.leaf : leafOf(row.record)));
    for (const [at, row] of rows.entries()) {
      const leaf = leaves[at] as Hash;
      if (row.seq !== next)
        find({
          log: name,
          seq: next,
          what: row.seq > next ? `records up to ${row.seq - 1} are missing` : 'stands twice',
        });
      next = row.seq + 1;
      if (!equalHashes(leaf, row.leaf)) find({ log: name, seq: row.seq, what: 'the record is not what its leaf says' });
      const wrong = row.record === undefined ? undefined : columnThatDiffers(row.columns, row.record);
      if (wrong !== undefined)
        find({ log: name, seq: row.seq, what: `the column ${wrong} is not what the record says` });
    }
    for (const gone of await sealedThatVanished(on, rows)) find({ log: name, ...gone });
    // Up to each head that falls into this page, so that the first head that is wrong names the stretch.
    let done = 0;
    for (const head of heads.filter(({ size }) => size > range.size && size <= range.size + leaves.length)) {
      const upTo = done + head.size - range.size;
      range = extendedBy(range, leaves.slice(done, upTo), tree.closed);
      done = upTo;
      if (!equalHashes(rootOfRange(range), head.root))
        find({
          log: name,
          seq: head.size - 1,
          what: `the root of ${head.size} records is not that of the head that was taken`,
        });
    }
    range = extendedBy(range, leaves.slice(done), tree.closed);
    records += rows.length;
    after = rows.at(-1)?.seq ?? after;
    if (rows.length < pageRows) break;
  }
  const promised = Math.max(log.size, ...heads.map(({ size }) => size));
  if (next < promised) find({ log: name, seq: next, what: `the log ends here, and had ${promised} records` });
  if (next > log.size) find({ log: name, seq: log.size, what: `there are records after the end of the log` });
  tree.compare(range, find);
  return records;
}

/** What is stored of a tree beside its leaves, to be compared with what they give. */
async function treeOf(on: On, log: LogRow) {
  const tiles = new Map((await listTiles(on, log.id)).map((tile) => [`${tile.level}/${tile.index}`, tile.hash]));
  const name = encodeId('log', log.id);
  const wrong: Finding[] = [];
  return {
    closed: ({ height, index, hash }: { height: number; index: number; hash: Hash }): void => {
      if (height % 8 !== 0) return;
      const stored = tiles.get(`${height / 8}/${index}`);
      if (stored === undefined || !equalHashes(stored, hash))
        wrong.push({
          log: name,
          seq: index * 2 ** height,
          what: `the stored root of ${2 ** height} leaves from here is not theirs`,
        });
    },
    compare(range: CompactRange, find: Find): void {
      for (const finding of wrong) find(finding);
      const same =
        range.size === log.size &&
        range.stack.length === log.stack.length &&
        range.stack.every((hash, at) => equalHashes(hash, log.stack[at] as Uint8Array));
      if (!same) find({ log: name, seq: range.size, what: 'the stored state of the tree is not that of its leaves' });
    },
  };
}

function columnThatDiffers(columns: Readonly<Record<string, unknown>>, record: AuditRecord): string | undefined {
  let told: Readonly<Record<string, unknown>>;
  try {
    told = columnsOf(record);
  } catch {
    return 'record';
  }
  return Object.keys(told).find((name) => (columns[name] ?? null) !== (told[name] ?? null));
}

async function verifyHeads(
  on: On,
  { log, heads, find }: { log: LogRow; heads: readonly HeadRow[]; find: Find },
): Promise<void> {
  const tree = await treeOf(on, log);
  const name = encodeId('log', log.id);
  for (const [at, head] of heads.entries()) {
    if (head.seq !== at) find({ log: name, seq: at, what: 'a head is missing' });
    if (!equalHashes(await head.leafOf(), head.leaf))
      find({ log: name, seq: head.seq, what: 'the head is not what its leaf says' });
  }
  const leaves = heads.map(({ leaf }) => leaf);
  tree.compare(extendedBy(emptyRange, leaves, tree.closed), find);
}

/** How many of the notes this database agrees with; the first that it does not names the stretch since the last one before it. */
async function verifyNotes(
  heads: readonly HeadRow[],
  { notes, key, root, find }: Outside & { root: LogRow | undefined; find: Find },
): Promise<number> {
  const name = root === undefined ? 'log' : encodeId('log', root.id);
  // The leaves are made of the heads themselves: a stored leaf could be the old one beside a new head.
  const leaves = await Promise.all(heads.map((head) => head.leafOf()));
  const roots = rootsOf(leaves);
  let agreed = 0;
  let since = 0;
  for (const note of notes) {
    const text = key === undefined ? textOfNote(note) : await openNote(note, key);
    const told = text === undefined ? undefined : parseCheckpoint(text);
    if (told === undefined) {
      find({ log: name, seq: since, what: 'a note is not signed by the key, or is no checkpoint' });
      continue;
    }
    if (told.origin !== root?.origin) {
      find({ log: name, seq: 0, what: `a note is of ${told.origin}, which is not this installation` });
      continue;
    }
    const same = told.size <= leaves.length && equalHashes(roots(told.size), told.root);
    if (same) {
      agreed += 1;
      since = Math.max(since, told.size);
    } else
      find({
        log: name,
        seq: since,
        what: `the first ${told.size} heads are not those that were signed; those before ${since} are`,
      });
  }
  return agreed;
}

/** The root over the first of these leaves, of a size that rarely falls: notes come in their order, so the whole costs one way through. */
function rootsOf(leaves: readonly Hash[]): (size: number) => Hash {
  let range: CompactRange = emptyRange;
  return (size) => {
    if (size < range.size) range = emptyRange;
    range = extendedBy(range, leaves.slice(range.size, size));
    return rootOfRange(range);
  };
}
