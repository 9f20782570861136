// Keys for what must be unreadable without them. Prevents: personal fields in the clear at rest, a key that cannot be replaced, a text that opens
// beside another fact than its own, and a key used for two things.
import type { Seal, Sealed } from '@sentral/contracts/audit-seal';
import { canonicalJson } from '@sentral/contracts/canonical-json';
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Several keys for one thing: the first one writes, all of them read. */
export interface Keyring {
  /** Names the key that writes. */
  readonly id: string;
  /** Names all of them. */
  readonly ids: readonly string[];
  /** AES-256-GCM, bound to `about`: it opens beside that and nothing else. */
  encrypt(plain: Uint8Array, about: string): string;
  /** @throws Error KEY_MISSING when none of the keys is that one, another one when text, key and `about` do not belong together */
  decrypt(keyId: string, box: string, about: string): Buffer;
}

const nonceBytes = 12;
const tagBytes = 16;

/** `purpose` parts keys of one file that serve two things: what is sealed for one does not open for the other. */
export function createKeyring(keys: readonly Uint8Array[], purpose: string): Keyring {
  const ring = new Map(
    keys.map((material) => {
      const key = Buffer.from(hkdfSync('sha256', material, 'sentral', purpose, 32));
      return [createHash('sha256').update(key).digest('base64url').slice(0, 8), key] as const;
    }),
  );
  const [id, writes] = ring.entries().next().value ?? [];
  if (id === undefined || writes === undefined) throw new TypeError(`no key for ${purpose}`);
  return {
    id,
    ids: [...ring.keys()],
    encrypt: (plain, about) => boxed(writes, plain, about),
    decrypt(keyId, box, about) {
      const key = ring.get(keyId);
      if (key === undefined) throw Object.assign(new Error(`there is no key ${keyId} for ${purpose}`), missing);
      return unboxed(key, box, about);
    },
  };
}

const missing = { code: 'KEY_MISSING' };

/** What was sealed under a key that is not among those given: it waits for it, and nothing is lost. */
export const isKeyMissing = (error: unknown): boolean =>
  error instanceof Error && (error as { code?: unknown }).code === missing.code;

/** As one text: nonce, tag, ciphertext. */
export function boxed(key: Uint8Array, plain: Uint8Array, about: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(about));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
}

/** @throws Error when key, text and `about` do not belong together */
export function unboxed(key: Uint8Array, box: string, about: string): Buffer {
  const bytes = Buffer.from(box, 'base64url');
  const [nonce, rest] = [bytes.subarray(0, nonceBytes), bytes.subarray(nonceBytes)];
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
    .setAAD(Buffer.from(about))
    .setAuthTag(rest.subarray(0, tagBytes));
  return Buffer.concat([decipher.update(rest.subarray(tagBytes)), decipher.final()]);
}

/** Salt and personal fields, as text that is only ever kept encrypted. */
export interface Personal {
  /** base64url */
  readonly salt: string;
  readonly fields: object;
}

export const createSeal =
  (feedKeys: Keyring): Seal =>
  (fields) => {
    const salt = randomBytes(16);
    const digest = createHmac('sha256', salt).update(canonicalJson(fields)).digest('base64url');
    const plain: Personal = { salt: salt.toString('base64url'), fields };
    return { key: feedKeys.id, digest, box: feedKeys.encrypt(Buffer.from(JSON.stringify(plain)), digest) };
  };

/** @throws Error KEY_MISSING, or another one when it is not what was sealed */
export function openSealed(feedKeys: Keyring, { key, digest, box }: Sealed): Personal {
  return JSON.parse(feedKeys.decrypt(key, box, digest).toString('utf8')) as Personal;
}

/**
 * The keys of a file: 32 random bytes a line, base64 or hex, the first one being the one that writes.
 * @throws Error that names the file and no text of it
 */
export function readKeys(file: string): readonly Uint8Array[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0) throw new Error(`${file} holds no key`);
  return lines.map((line, index) => {
    const bytes = /^[0-9a-f]{64}$/i.test(line) ? Buffer.from(line, 'hex') : Buffer.from(line, 'base64');
    if (bytes.length < 32) throw new Error(`${file}: line ${index + 1} does not hold 32 bytes in base64 or hex`);
    return new Uint8Array(bytes);
  });
}
