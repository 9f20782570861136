/**
 * The JSON Canonicalization Scheme, RFC 8785: one text for one value, so that a hash of it means something. Members are sorted by
 * UTF-16 code units; numbers and strings are as ECMAScript writes them. A member that is undefined is left out, as JSON does.
 * @throws TypeError for what I-JSON cannot hold: numbers that are not finite, lone surrogates, bigint, undefined itself
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => canonicalJson(each ?? null)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([key, member]) => `${text(key)}:${canonicalJson(member)}`).join(',')}}`;
  }
  if (typeof value === 'string') return text(value);
  if (value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    return JSON.stringify(value);
  throw new TypeError(`${typeof value === 'number' ? String(value) : typeof value} has no canonical JSON`);
}

const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

function text(value: string): string {
  if (loneSurrogate.test(value)) throw new TypeError('a lone surrogate has no canonical JSON');
  return JSON.stringify(value);
}
