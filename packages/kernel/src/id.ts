// Ids and the clock that mints them. Prevents: ids of one process that sort against the order of their making, and two ids
// from one millisecond that collide.
import { createHash, randomFillSync } from 'node:crypto';

export type Clock = () => Date;

/** The wall clock of this process: it stamps logs and mints ids, and decides nothing (database.md 5). */
export const systemClock: Clock = () => new Date();

const counterBits = 26;
const counterLimit = 2 ** counterBits;
const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/**
 * Makes a source of UUIDv7 (RFC 9562, method 1: dedicated counter). Ids of one source rise strictly, also when the clock
 * stands still or is set back; 26 bits count within a millisecond, 48 bits are random in each id.
 */
export function idSource(clock: Clock): () => string {
  const random = Buffer.alloc(4096);
  let used = random.length;
  let lastMs = 0;
  let counter = 0;

  const take = (bytes: number): number => {
    if (used + bytes > random.length) {
      randomFillSync(random);
      used = 0;
    }
    used += bytes;
    return random.readUIntBE(used - bytes, bytes);
  };

  return () => {
    const nowMs = clock().getTime();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      // The top bit starts at 0, so that at least 33 million ids fit before the counter runs over.
      counter = take(4) % (counterLimit / 2);
    } else {
      counter += 1;
      if (counter === counterLimit) {
        lastMs += 1;
        counter = take(4) % (counterLimit / 2);
      }
    }
    const time = hex(lastMs, 12);
    const high = hex(Math.floor(counter / 2 ** 14), 3);
    const low = hex(0x8000 + (counter % 2 ** 14), 4);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${high}-${low}-${hex(take(6), 12)}`;
  };
}

/** A new UUIDv7, greater than every one this process made before. */
export const newId: () => string = idSource(systemClock);

/** The UUIDv5 (RFC 9562) of a name within another id: who makes a thing twice by one name makes the same. */
export function namedId(within: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(within.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest();
  hash.writeUInt8(((hash.at(6) ?? 0) & 0x0f) | 0x50, 6);
  hash.writeUInt8(((hash.at(8) ?? 0) & 0x3f) | 0x80, 8);
  const text = hash.toString('hex');
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20, 32)].join('-');
}
