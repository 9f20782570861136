import * as v from 'valibot';
import { canonicalJson } from './canonical-json.js';

// Personal fields lie outside the record: it holds a digest of them, which stands for ever and says nothing without the salt. They travel to audit
// sealed under the feed key, which every process of an installation has, and rest there under a key of the one whom they are about.

/** Personal fields on their way to audit: whoever has no feed key reads nothing of them. */
export const sealedSchema = v.object({
  /** Which of the keys it opens with. */
  key: v.pipe(v.string(), v.maxLength(32)),
  /** HMAC-SHA256(salt, canonical JSON), base64url. */
  digest: v.pipe(v.string(), v.maxLength(64)),
  /** Salt and fields, encrypted and bound to the digest. The salt too: in the open it would let anyone find an address by trying all of them. */
  box: v.pipe(v.string(), v.maxLength(16_384)),
});
export type Sealed = v.InferInput<typeof sealedSchema>;

/** Seals what is said of a person, for its way to audit: given to whoever says it, with the feed key in it. */
export type Seal = (fields: object) => Sealed;

/** What a record says of personal fields: whoever is shown them, and their salt, can see that they are those. */
export async function personalDigest(salt: Uint8Array<ArrayBuffer>, personal: object): Promise<string> {
  const key = await crypto.subtle.importKey('raw', salt, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const digest = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(canonicalJson(personal)));
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
