import { isProblem, problem, type Problem } from '@sentral/contracts/problem';
import type { Telemetry } from '@sentral/kernel/telemetry';

/** Headers that every answer carries, whatever it is (api.md A.14). */
export const everyAnswer: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** Turns anything thrown into application/problem+json. What is not a Problem is a bug: its details go to the log alone. */
export function problemResponse(thrown: unknown, requestId: string, telemetry: Telemetry): Response {
  const known = isProblem(thrown) ? thrown : undefined;
  if (known === undefined || known.status >= 500) {
    telemetry.log(known === undefined ? 'error' : 'warn', 'request failed', { requestId, error: thrown });
  }
  const refusal = known ?? problem('internal');
  return new Response(JSON.stringify({ ...refusal.toJSON(), instance: requestId, requestId }), {
    status: refusal.status,
    headers: {
      ...everyAnswer,
      'content-type': 'application/problem+json',
      'request-id': requestId,
      ...headersOf(refusal),
    },
  });
}

/** A refusal may bring headers of its own, which are not among the facts of its body. */
function headersOf(refusal: Problem & { readonly headers?: Readonly<Record<string, string>> }): Record<string, string> {
  const headers: Record<string, string> = { ...refusal.headers };
  if (refusal.code === 'unauthenticated') {
    const missing = refusal.facts['reason'] === 'missing';
    headers['www-authenticate'] = missing ? 'Bearer realm="sentral"' : 'Bearer realm="sentral", error="invalid_token"';
  }
  const after = refusal.facts['retryAfterSeconds'];
  if (typeof after === 'number') headers['retry-after'] = String(Math.max(1, Math.ceil(after)));
  else if (refusal.code === 'idempotency-in-progress') headers['retry-after'] = '1';
  else if (refusal.status === 503) headers['retry-after'] = '2';
  const allow = refusal.facts['allow'];
  if (refusal.code === 'method-not-allowed' && Array.isArray(allow)) headers['allow'] = allow.join(', ');
  const patch = refusal.facts['acceptPatch'];
  if (typeof patch === 'string') headers['accept-patch'] = patch;
  return headers;
}
