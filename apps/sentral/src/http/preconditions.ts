import { problem } from '@sentral/contracts/problem';

/** The version that the caller has read: a number, `any` for `*`, or undefined when the header is absent. */
export type Expected = number | 'any' | undefined;

/** A version that no resource has: an ETag that is weak or not ours can match nothing (RFC 9110 13.1.1). */
const neverMatches = 0;

/** @throws Problem invalid-parameter when the header is no entity tag at all */
export function readIfMatch(header: string | undefined): Expected {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (text === '*') return 'any';
  if (!/^(W\/)?"[\x21\x23-\x7e]*"$/.test(text))
    throw problem('invalid-parameter', { parameter: 'If-Match' }, 'Send the ETag as you received it, in quotes.');
  const version = /^"([1-9]\d{0,14})"$/.exec(text)?.[1];
  return version === undefined ? neverMatches : Number(version);
}

/** The strong entity tag of a version (api.md A.6). */
export const etagOf = (resource: { readonly version: number }): string => `"${resource.version}"`;

export function matchesNone(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

/** What the caller says of why, for the record. @throws Problem invalid-parameter when it is longer than 1,000 characters or none */
export function readReason(header: string | undefined): string | undefined {
  const reason = header?.trim();
  if (reason === '' || (reason?.length ?? 0) > 1000)
    throw problem('invalid-parameter', { parameter: 'Sentral-Reason' }, '1 to 1000 characters.');
  return reason;
}

/** @throws Problem invalid-parameter when the key is not 1 to 128 visible ASCII characters, bare or quoted */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header;
  if (!/^[\x21-\x7e]{1,128}$/.test(key))
    throw problem('invalid-parameter', { parameter: 'Idempotency-Key' }, '1 to 128 visible ASCII characters.');
  return key;
}
