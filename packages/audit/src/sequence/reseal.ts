import type { Sealed } from '@sentral/contracts/audit-seal';
import type { FeedItem } from '@sentral/contracts/shared-verbs';
import { boxed, isKeyMissing, openSealed } from '../seal.js';
import type { Deps } from '../deps.js';
import { partsOf } from '../record/build.js';
import type { Box } from '../record/sql.js';
import { keysFor } from '../subject/keys.js';

/**
 * What each fact says of persons, opened under the feed key and sealed under the key of the one whom it is about; nothing of who was erased. One that
 * does not open at all is left out and told of: the fact goes on record without it.
 * @throws Error KEY_MISSING: the feed waits for its key
 */
export async function reseal(
  deps: Deps,
  facts: readonly FeedItem[],
): Promise<ReadonlyMap<FeedItem, readonly Box[] | null>> {
  const subjects = new Set(facts.flatMap((item) => partsOf(item).map(({ subject }) => subject)));
  const keys = await keysFor(deps, [...subjects]);
  // Facts of one request carry the same text, and keep the same one.
  const boxes = new Map<string, Box | undefined>();
  const boxOf = (part: ReturnType<typeof partsOf>[number]): Box[] => {
    const { of, subject, sealed } = part;
    const name = `${of} ${subject} ${sealed.box}`;
    const key = keys.get(subject);
    if (key === undefined) return [];
    if (!boxes.has(name)) boxes.set(name, resealed(deps, { of, subject, sealed, key }));
    const box = boxes.get(name);
    return box === undefined ? [] : [box];
  };
  return new Map(
    facts.map((item) => {
      const parts = partsOf(item);
      return [item, parts.length === 0 ? null : parts.flatMap(boxOf)];
    }),
  );
}

function resealed(
  deps: Deps,
  { of, subject, sealed, key }: { of: Box['of']; subject: string; sealed: Sealed; key: Buffer },
): Box | undefined {
  try {
    const plain = Buffer.from(JSON.stringify(openSealed(deps.keys.feed, sealed)));
    return { of, subject, box: boxed(key, plain, sealed.digest) };
  } catch (error) {
    if (isKeyMissing(error)) throw error;
    deps.telemetry.count('audit_sealed_damaged');
    deps.telemetry.log('error', 'what a fact says of a person does not open, and is left out', { of, subject });
    return undefined;
  }
}
