import type { Keyring } from '../seal.js';
import { randomBytes } from 'node:crypto';
import type { Deps } from '../deps.js';
import { amendWrapping, insertSubjectKeys, listKeysNotUnder, listSubjectKeys, type StoredKey } from './sql.js';

/** What is said of nobody in particular, such as where a caller came from whom no one knows, rests under one key. */
export const nobody = '00000000-0000-0000-0000-000000000000';

/**
 * The key of each subject; who has none yet gets one, and who was erased never again.
 * @throws Error KEY_MISSING
 */
export async function keysFor(deps: Deps, subjectIds: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
  const { app } = deps.db;
  const found = await listSubjectKeys(app, subjectIds);
  const missing = subjectIds.filter((id) => !found.some(({ subjectId }) => subjectId === id));
  if (missing.length === 0) return opened(deps.keys.instance, found);
  await insertSubjectKeys(
    app,
    missing.map((subjectId) => ({ subjectId, ...wrap(deps.keys.instance, subjectId, randomBytes(32)) })),
  );
  return opened(deps.keys.instance, await listSubjectKeys(app, subjectIds));
}

/** @throws Error KEY_MISSING */
export function opened(instance: Keyring, stored: readonly StoredKey[]): ReadonlyMap<string, Buffer> {
  return new Map(
    stored.flatMap(({ subjectId, keyId, wrapped }) =>
      keyId === null || wrapped === null ? [] : [[subjectId, instance.decrypt(keyId, wrapped, subjectId)] as const],
    ),
  );
}

const wrap = (instance: Keyring, subjectId: string, key: Uint8Array) => ({
  keyId: instance.id,
  wrapped: instance.encrypt(key, subjectId),
});

const batchKeys = 500;

/** After a new key of the instance has come first in its file: wraps by it what the others wrap, so that they can go. */
export async function rewrapKeys(deps: Deps): Promise<void> {
  const { instance } = deps.keys;
  for (;;) {
    const old = await listKeysNotUnder(deps.db.app, instance.id, batchKeys);
    for (const key of old) {
      const plain = instance.decrypt(key.keyId ?? '', key.wrapped ?? '', key.subjectId);
      await amendWrapping(deps.db.app, key, wrap(instance, key.subjectId, plain));
    }
    if (old.length < batchKeys) return;
  }
}
