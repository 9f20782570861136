import { checked, type CheckedOptions, type ContractDef, type Verbs } from './contract.js';
import { isProblem, problem, type Problem } from './problem.js';

export interface ServeOptions extends CheckedOptions {
  /** Lets the bearer pass or throws `unauthenticated`; see internal-token. */
  readonly verify: (bearer: string, audience: string) => Promise<void>;
  /** Hears of every error that is not a problem: the caller gets `internal` and no word more. */
  readonly onError?: (verb: string, error: unknown) => void;
  /** Longest body in bytes; 64 MiB unless told, the size of an import. */
  readonly bodyBytesMax?: number;
}

type Call = (caller: unknown, command: unknown) => Promise<unknown>;
const bodyBytesDefault = 64 * 1024 * 1024;

/**
 * Serves a context to other processes: POST /internal/v1/<context>/<noun>/<verb> with {caller, command}. Whoever holds
 * the key speaks for everyone, so the bearer is checked before a byte of the body is read.
 */
export function serveContext<const C extends ContractDef>(
  contract: C,
  verbs: Verbs<C>,
  options: ServeOptions,
): (request: Request) => Promise<Response> {
  const calls = checked(contract, verbs, options) as unknown as Record<string, Record<string, Call>>;
  const root = `/internal/v1/${contract.context}/`;
  return async (request) => {
    const path = new URL(request.url).pathname;
    try {
      await options.verify(bearerOf(request), contract.context);
    } catch (error) {
      if (!isProblem(error)) options.onError?.(path, error);
      return problemResponse(isProblem(error) ? error : problem('internal'), ownChallenge);
    }
    try {
      const call = callAt(calls, path.startsWith(root) ? path.slice(root.length) : '');
      if (request.method !== 'POST') throw problem('method-not-allowed');
      const { caller, command } = await bodyOf(request, options.bodyBytesMax ?? bodyBytesDefault);
      const result = await call(caller, command);
      return jsonResponse(200, 'application/json', { body: result ?? null });
    } catch (error) {
      if (!isProblem(error) || error.code === 'internal') options.onError?.(path, error);
      return problemResponse(isProblem(error) ? error : problem('internal'));
    }
  };
}

function bearerOf(request: Request): string {
  const bearer = /^Bearer ([\w.~+/-]+=*)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
  if (bearer === undefined) throw problem('unauthenticated', { reason: 'missing' });
  return bearer;
}

function callAt(calls: Record<string, Record<string, Call>>, path: string): Call {
  const [noun = '', name = '', ...rest] = path.split('/');
  const verbs = Object.hasOwn(calls, noun) ? calls[noun] : undefined;
  const call = verbs !== undefined && Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (call === undefined || rest.length > 0) throw problem('not-found', { resourceType: 'verb' });
  return call;
}

async function bodyOf(request: Request, bytesMax: number): Promise<{ caller?: unknown; command?: unknown }> {
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const text = await request.text();
  // Counted in UTF-16 units, so never stricter than the bytes on the wire.
  if (text.length > bytesMax) throw tooLarge(bytesMax);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw problem('malformed-request');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw problem('malformed-request');
  return body;
}

function tooLarge(limitBytes: number): Problem {
  return problem('content-too-large', { limitBytes });
}

// The challenge says that it is this process's own credentials: a verb may refuse those of an end user with the same code.
const ownChallenge = { 'www-authenticate': 'Bearer realm="internal"' };

function problemResponse(refusal: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return jsonResponse(refusal.status, 'application/problem+json', { body: refusal, headers });
}

function jsonResponse(
  status: number,
  type: string,
  { body, headers = {} }: { body: unknown; headers?: Readonly<Record<string, string>> },
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': type, 'cache-control': 'no-store', ...headers },
  });
}
