import { toBase64 } from '@sentral/contracts/audit-note';
import { emptyRange, type Hash, type Span } from '@sentral/contracts/audit-proof';
import type { On } from '../reading.js';
import { extendedBy, rootOfRange } from './hashing.js';
import { listHashes, type LogRow, type Stretch } from './sql.js';

/** Roots of complete subtrees are kept for every eighth level. */
const tileHeight = 8;

/**
 * The root over each span of a log's leaves, in base64, out of at most 128 hashes for each complete subtree in it.
 * @throws Error when one of them is not there: the log is shorter, or was cut
 */
export async function hashesOf(
  on: On,
  log: Pick<LogRow, 'id' | 'kind'>,
  spans: readonly Span[],
): Promise<readonly string[]> {
  const parts = spans.map(subtreesOf);
  const stretches = parts.flat();
  const rows = stretches.length === 0 ? [] : await listHashes(on, log, stretches);
  const found = stretches.map((): Hash[] => []);
  for (const { at, hash } of rows) found[at - 1]?.push(new Uint8Array(hash));
  let next = 0;
  const roots: string[] = [];
  for (const [at, own] of parts.entries()) {
    const stack: Hash[] = [];
    for (const stretch of own) {
      const hashes = found[next++] ?? [];
      if (hashes.length !== stretch.beyond - stretch.first)
        throw new Error(`the tree of log ${log.id} lacks hashes at level ${stretch.level} from ${stretch.first}`);
      stack.push(...extendedBy(emptyRange, hashes).stack);
    }
    const size = (spans[at]?.end ?? 0) - (spans[at]?.start ?? 0);
    roots.push(toBase64(rootOfRange({ size, stack })));
  }
  return roots;
}

/** The complete subtrees that a span is made of, the largest first, each as the kept hashes right below it. */
function subtreesOf({ start, end }: Span): readonly Stretch[] {
  const stretches: Stretch[] = [];
  for (let at = start; at < end;) {
    let height = 0;
    while (at % 2 ** (height + 1) === 0 && at + 2 ** (height + 1) <= end) height += 1;
    const level = Math.floor(height / tileHeight);
    const unit = 2 ** (level * tileHeight);
    stretches.push({ level, first: at / unit, beyond: at / unit + 2 ** (height - level * tileHeight) });
    at += 2 ** height;
  }
  return stretches;
}
