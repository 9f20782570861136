import { canonicalJson } from './canonical-json.js';

// How personal fields travel to audit, on WebCrypto alone: sealed under the feed key by who takes the request, opened by audit.

export interface SealedPersonal {
  readonly alg: 'A256GCM+hmac-sha256';
  /** HMAC-SHA256(salt, canonical JSON): stands in the record for ever, and says nothing without the salt. */
  readonly digest: string;
  readonly iv: string;
  /** Salt and personal fields, and the tag. */
  readonly sealed: string;
}

type Bytes = Uint8Array<ArrayBuffer>;
const utf8 = new TextEncoder();

/** Seals personal fields under the feed key (32 bytes, the same for all processes). */
export async function sealPersonal(feedKey: Bytes, personal: object): Promise<SealedPersonal> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const digest = await personalDigest(salt, personal);
  // The salt travels sealed: in the open it would let whoever reads a feed row guess an address by trying all of them.
  const plain = utf8.encode(JSON.stringify({ salt: toText(salt), personal }));
  const key = await crypto.subtle.importKey('raw', feedKey, 'AES-GCM', false, ['encrypt']);
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: digest }, key, plain);
  return {
    alg: 'A256GCM+hmac-sha256',
    digest: toText(digest),
    iv: toText(iv),
    sealed: toText(new Uint8Array(sealed)),
  };
}

/**
 * Opens what sealPersonal made.
 * @throws Error when key, text or digest do not belong together
 */
export async function openPersonal(
  feedKey: Bytes,
  sealed: SealedPersonal,
): Promise<{ readonly salt: Bytes; readonly personal: object }> {
  const key = await crypto.subtle.importKey('raw', feedKey, 'AES-GCM', false, ['decrypt']);
  const [digest, iv] = [toBytes(sealed.digest), toBytes(sealed.iv)];
  const by = { name: 'AES-GCM', iv, additionalData: digest };
  const plain = new TextDecoder().decode(await crypto.subtle.decrypt(by, key, toBytes(sealed.sealed)));
  const { salt, personal } = JSON.parse(plain) as { salt: string; personal: object };
  const of = await personalDigest(toBytes(salt), personal);
  if (toText(of) !== sealed.digest) throw new Error('the digest is of other personal fields');
  return { salt: toBytes(salt), personal };
}

async function personalDigest(salt: Bytes, personal: object): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', salt, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, utf8.encode(canonicalJson(personal))));
}

/** base64url without padding. */
const toText = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

const toBytes = (text: string): Bytes =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
