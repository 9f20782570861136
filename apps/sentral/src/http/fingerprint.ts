import { createHash } from 'node:crypto';

/** What makes two requests under one Idempotency-Key the same request (api.md A.7). */
export function fingerprint(request: {
  method: string;
  path: string;
  query: string;
  ifMatch: string | undefined;
  body: unknown;
}): string {
  const query = [...new URLSearchParams(request.query)]
    .map(([k, x]) => `${k}=${x}`)
    .sort()
    .join('&');
  const parts = [request.method, request.path, query, request.ifMatch ?? '', canonical(request.body)];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** RFC 8785 for the values that JSON.parse can give: keys sorted by UTF-16 code units, numbers as ECMAScript prints them. */
export function canonical(value: unknown): string {
  if (value === undefined) return '';
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const entries = Object.entries(value).filter(([, x]) => x !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([k, x]) => `${JSON.stringify(k)}:${canonical(x)}`).join(',')}}`;
}
