// Bounded pieces of a publish, in order: a large batch sent at once fills the client's buffer past its own timeout.
import type { sortOut } from './subjects.js';

export type Sorted = ReturnType<typeof sortOut>['good'][number];

const batchMessages = 256;
const batchBytes = 4 * 1024 * 1024;

/** Cuts the messages into batches of bounded count and size. */
export function batches(all: readonly Sorted[]): readonly (readonly Sorted[])[] {
  const made: Sorted[][] = [];
  let bytes = 0;
  for (const each of all) {
    const size = Buffer.byteLength(each.message.data);
    const last = made.at(-1);
    if (last === undefined || last.length >= batchMessages || bytes + size > batchBytes) {
      made.push([each]);
      bytes = size;
    } else {
      last.push(each);
      bytes += size;
    }
  }
  return made;
}
