import { decodeId, encodeId, isId, type Id } from './ids.js';

// The text of an API token: `snt_` + the 26 characters of the token's id + 43 base62 digits of 256 random bits + 6 base62
// digits of their CRC-32. Prefix and checksum let secret scanners be sure (the idea is GitHub's, github.blog 2021-04-05), and a typo is refused
// without a question to the database.
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const secretLength = 43;
const checkLength = 6;

/** What secret scanners look for; published. */
export const apiTokenPattern = /\bsnt_[0-9a-hjkmnp-tv-z]{26}_[0-9A-Za-z]{49}\b/;

export interface ApiToken {
  readonly id: Id<'tok'>;
  /** The 43 base62 digits; only their SHA-256 is ever stored. */
  readonly secret: string;
}

/** Writes a token. `random` are 32 bytes of a cryptographic source. */
export function writeApiToken(
  tokenUuid: string,
  random: Uint8Array,
): { readonly text: string; readonly secret: string } {
  if (random.length !== 32) throw new TypeError('an API token needs 32 random bytes');
  const secret = base62(random, secretLength);
  const suffix = encodeId('tok', tokenUuid).slice('tok_'.length);
  return { text: `snt_${suffix}_${secret}${checksum(`${suffix}_${secret}`)}`, secret };
}

/** Reads a token; undefined when the text is none, or when a digit was mistyped. */
export function readApiToken(text: string): ApiToken | undefined {
  const parts = /^snt_([0-9a-hjkmnp-tv-z]{26})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/.exec(text);
  const [, suffix = '', secret = '', check = ''] = parts ?? [];
  const id = `tok_${suffix}`;
  if (parts === null || !isId('tok', id) || checksum(`${suffix}_${secret}`) !== check) return undefined;
  return { id, secret };
}

/** The uuid of the token that a text names. */
export const uuidOfApiToken = (token: ApiToken): string => decodeId('tok', token.id);

// Long division by 62, most significant byte first; 256 bits need 43 digits.
function base62(bytes: Uint8Array, length: number): string {
  const number = Array.from(bytes);
  let text = '';
  for (let place = 0; place < length; place += 1) {
    let rest = 0;
    for (let at = 0; at < number.length; at += 1) {
      const value = rest * 256 + (number[at] ?? 0);
      number[at] = Math.floor(value / 62);
      rest = value % 62;
    }
    text = digits.charAt(rest) + text;
  }
  return text;
}

function checksum(text: string): string {
  let crc = 0xff_ff_ff_ff;
  for (let at = 0; at < text.length; at += 1) {
    crc ^= text.charCodeAt(at);
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xed_b8_83_20 : crc >>> 1;
  }
  let rest = (crc ^ 0xff_ff_ff_ff) >>> 0;
  let out = '';
  for (let place = 0; place < checkLength; place += 1) {
    out = digits.charAt(rest % 62) + out;
    rest = Math.floor(rest / 62);
  }
  return out;
}
