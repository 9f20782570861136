import { problem, problemFromJson } from './problem.js';
import type { RequestOf, ResultOf, RouteDef, Routes } from './route.js';

export interface CallInit {
  readonly signal?: AbortSignal;
  /** Sent as Idempotency-Key, and makes a POST one that may be sent again. */
  readonly idempotencyKey?: string;
}

export type Client<C extends Routes> = {
  readonly [K in keyof C]: (request: RequestOf<C[K]>, init?: CallInit) => Promise<ResultOf<C[K]>>;
};

export interface ClientOptions {
  readonly baseUrl: string;
  /** Gives the bearer for one try; asked again before each. */
  readonly token?: () => Promise<string> | string;
  readonly fetch?: typeof fetch;
  /** Tries in all, the first one counted; 4 unless told. */
  readonly attemptsMax?: number;
  /** How long one try may take; 35 s unless told, a little more than the longest that Sentral waits. */
  readonly timeoutMs?: number;
  /** Waits between tries; a test passes its own. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

interface Parts {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

const attemptsDefault = 4;
const timeoutDefaultMs = 35_000;
// A server that asks for more patience than this is told to the caller instead.
const retryAfterMaxMs = 30_000;
const backoffBaseMs = 200;

/**
 * A typed client over fetch. Every answer with a problem is thrown as that Problem. It tries again only when nothing
 * can happen twice: reads, requests with an Idempotency-Key, and refusals that say they had no effect.
 */
export function createClient<const C extends Routes>(routes: C, options: ClientOptions): Client<C> {
  const entries = Object.entries(routes).map(([name, def]) => [
    name,
    async (request: Parts = {}, init: CallInit = {}) => {
      const url = urlOf(def, request, options.baseUrl);
      const settings = { ...keyIn(request), ...options, ...init };
      return withRetries(def, settings, () => once({ def, url }, request, settings));
    },
  ]);
  return Object.fromEntries(entries) as Client<C>;
}

interface Page<T> {
  readonly body: { readonly items: readonly T[]; readonly nextCursor?: string | undefined };
}

/** Walks a list to its end, item by item: `for await (const node of pages((cursor) => client.listNodes({ query: { cursor } })))`. */
export async function* pages<T>(
  next: (cursor: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  do {
    const { body } = await next(cursor);
    yield* body.items;
    cursor = body.nextCursor;
  } while (cursor !== undefined);
}

// A key that came as a declared header counts like one that came beside the request.
function keyIn(request: Parts): { idempotencyKey?: string } {
  const found = Object.entries(request.headers ?? {}).find(([name]) => name.toLowerCase() === 'idempotency-key')?.[1];
  return found === undefined ? {} : { idempotencyKey: found };
}

type Settings = ClientOptions & CallInit;

async function withRetries(def: RouteDef, settings: Settings, attempt: () => Promise<Answer>): Promise<Answer> {
  const sleep = settings.sleep ?? sleepMs;
  const attemptsMax = settings.attemptsMax ?? attemptsDefault;
  for (let tried = 1; ; tried += 1) {
    let answer: Answer | undefined;
    let failure: unknown;
    try {
      answer = await attempt();
      if (answer.status < 400 || (isDeclared(def, answer) && !isRefusal(answer))) return answer;
    } catch (error) {
      // The caller's own abort is not a failure to be tried again.
      if (settings.signal?.aborted === true) throw error;
      failure = error;
    }
    const waitMs = retryDelayMs(answer, tried);
    if (tried >= attemptsMax || waitMs === undefined || !mayRepeat(def, answer, settings))
      throw refusalOf(def, answer, failure, settings);
    await sleep(waitMs, settings.signal);
  }
}

function isDeclared(def: RouteDef, answer: Answer): boolean {
  return Object.hasOwn(def.responses, answer.status);
}

function isRefusal(answer: Answer): boolean {
  return problemFromJson(answer.body) !== undefined;
}

// Refused before anything was done, whatever the method; `operation-in-progress` may last for hours and is not among them.
const withoutEffect = new Set(['rate-limited', 'overloaded', 'idempotency-in-progress', 'queue-full', 'timeout']);

function mayRepeat(def: RouteDef, answer: Answer | undefined, { idempotencyKey }: Settings): boolean {
  const code = problemFromJson(answer?.body)?.code;
  if (code !== undefined && withoutEffect.has(code)) return true;
  const lost = answer === undefined || answer.status === 502 || answer.status === 503 || answer.status === 504;
  // PUT and DELETE of HTTP are idempotent, ours carry If-Match: the second would be told 412 or 404 of its own effect.
  return lost && (def.method === 'GET' || idempotencyKey !== undefined);
}

function retryDelayMs(answer: Answer | undefined, tried: number): number | undefined {
  const asked = answer?.headers['retry-after'];
  if (asked === undefined) return backoffBaseMs * 2 ** (tried - 1) * (0.5 + Math.random());
  const seconds = /^\d+$/.test(asked) ? Number(asked) : (Date.parse(asked) - Date.now()) / 1000;
  const ms = Number.isNaN(seconds) ? backoffBaseMs : Math.max(0, seconds * 1000);
  return ms > retryAfterMaxMs ? undefined : ms;
}

function refusalOf(def: RouteDef, answer: Answer | undefined, failure: unknown, { idempotencyKey }: Settings): Error {
  const refusal = answer === undefined ? undefined : problemFromJson(answer.body);
  if (refusal !== undefined) return refusal;
  if (answer !== undefined && answer.status < 500) {
    return Object.assign(problem('internal'), { cause: new Error(`${def.operationId} was answered ${answer.status}`) });
  }
  const lost =
    def.method === 'GET'
      ? problem('dependency-unavailable')
      : problem('outcome-unknown', { ...(idempotencyKey !== undefined && { idempotencyKey }) });
  return Object.assign(lost, { cause: failure });
}

async function once({ def, url }: { def: RouteDef; url: URL }, request: Parts, settings: Settings): Promise<Answer> {
  const send = settings.fetch ?? fetch;
  const timeout = AbortSignal.timeout(settings.timeoutMs ?? timeoutDefaultMs);
  const response = await send(url, {
    method: def.method,
    headers: await headersOf(def, request, settings),
    signal: settings.signal === undefined ? timeout : AbortSignal.any([settings.signal, timeout]),
    ...(request.body === undefined ? {} : { body: bodyText(def, request.body) }),
  });
  const text = await response.text();
  return { status: response.status, body: parsedBody(response, text), headers: Object.fromEntries(response.headers) };
}

function urlOf(def: RouteDef, { params, query }: Parts, baseUrl: string): URL {
  const path = def.path.replaceAll(/:([A-Za-z]+)/g, (_, name: string) => {
    const value = params?.[name];
    // "." and ".." would be taken for directions by URL, whatever their encoding.
    if (value === undefined || value === '' || /^\.{1,2}$/.test(value))
      throw new TypeError(`${def.operationId} needs ${name}`);
    return encodeURIComponent(value);
  });
  const url = new URL(path, baseUrl);
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) url.searchParams.append(name, String(one));
  }
  return url;
}

async function headersOf(def: RouteDef, request: Parts, settings: Settings): Promise<Record<string, string>> {
  const given = Object.entries(request.headers ?? {}).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return {
    accept: 'application/json, application/problem+json',
    ...(settings.token === undefined ? {} : { authorization: `Bearer ${await settings.token()}` }),
    ...(request.body === undefined ? {} : { 'content-type': def.bodyType ?? 'application/json' }),
    ...(settings.idempotencyKey === undefined ? {} : { 'idempotency-key': settings.idempotencyKey }),
    ...Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), value])),
  };
}

function bodyText(def: RouteDef, body: unknown): string {
  return def.bodyType === 'application/x-ndjson' && typeof body === 'string' ? body : JSON.stringify(body);
}

function parsedBody(response: Response, text: string): unknown {
  if (text === '') return null;
  const type = response.headers.get('content-type') ?? '';
  if (!/[/+]json\b/.test(type) || type.includes('ndjson')) return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TypeError('the answer is not the JSON that it says it is', { cause: error });
  }
}

async function sleepMs(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
}
